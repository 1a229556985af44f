// How long replies took, with an error of at most 6 %, from one microsecond to hours.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace ficus::load {

// A copy of a histogram at one time.
class LatencyCounts {
 public:
  static constexpr size_t kStepsPerDouble = 16;
  static constexpr size_t kBuckets = 33 * kStepsPerDouble;

  uint64_t total() const;
  // The latency in milliseconds below which the share `q` of all lies; 0 when there are none.
  double Quantile(double q) const;
  // What happened since `before`, an earlier copy of the same histogram.
  LatencyCounts Since(const LatencyCounts& before) const;

  std::array<uint64_t, kBuckets> counts{};
};

// All members: any thread.
class LatencyHistogram {
 public:
  void Observe(int64_t nanos);
  LatencyCounts Copy() const;

 private:
  std::array<std::atomic<uint64_t>, LatencyCounts::kBuckets> counts_{};
};

}  // namespace ficus::load
