#include "bench/load/latency_histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace ficus::load {
namespace {

constexpr uint64_t kSteps = LatencyCounts::kStepsPerDouble;

// Bucket i < 16 holds exactly i microseconds; above, each doubling is cut into 16 equal steps.
size_t BucketOf(uint64_t micros) {
  if (micros < kSteps) return micros;
  const auto doubling = static_cast<size_t>(std::bit_width(micros)) - 5;
  const size_t bucket = (doubling + 1) * kSteps + ((micros >> doubling) & (kSteps - 1));
  return std::min(bucket, LatencyCounts::kBuckets - 1);
}

// One past the largest value of the bucket, in microseconds.
double BucketEnd(size_t bucket) {
  if (bucket < kSteps) return static_cast<double>(bucket + 1);
  const size_t doubling = bucket / kSteps - 1;
  return std::ldexp(static_cast<double>(kSteps + bucket % kSteps + 1), static_cast<int>(doubling));
}

}  // namespace

uint64_t LatencyCounts::total() const {
  uint64_t total = 0;
  for (const uint64_t count : counts) total += count;
  return total;
}

double LatencyCounts::Quantile(double q) const {
  const uint64_t all = total();
  if (all == 0) return 0;
  const auto wanted = static_cast<uint64_t>(std::ceil(q * static_cast<double>(all)));
  uint64_t seen = 0;
  for (size_t bucket = 0; bucket < kBuckets; ++bucket) {
    seen += counts[bucket];
    if (seen >= wanted && seen > 0) return BucketEnd(bucket) / 1000;
  }
  return BucketEnd(kBuckets - 1) / 1000;
}

LatencyCounts LatencyCounts::Since(const LatencyCounts& before) const {
  LatencyCounts since;
  for (size_t i = 0; i < kBuckets; ++i) since.counts[i] = counts[i] - before.counts[i];
  return since;
}

void LatencyHistogram::Observe(int64_t nanos) {
  const auto micros = static_cast<uint64_t>(std::max<int64_t>(nanos, 0)) / 1000;
  counts_[BucketOf(micros)].fetch_add(1, std::memory_order_relaxed);
}

LatencyCounts LatencyHistogram::Copy() const {
  LatencyCounts copy;
  for (size_t i = 0; i < counts_.size(); ++i) {
    copy.counts[i] = counts_[i].load(std::memory_order_relaxed);
  }
  return copy;
}

}  // namespace ficus::load
