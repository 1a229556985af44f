// Points like SkyWalking's calls per minute, each a closed form of its series and minute: what was
// written need not be kept to know what must be read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "engine/base/clock.h"

namespace ficus::bench {

struct SamplePoint {
  uint32_t series = 0;
  UnixNanos time = 0;
  int64_t value = 0;
};

struct Totals {
  uint64_t count = 0;
  int64_t sum = 0;
  int64_t min = std::numeric_limits<int64_t>::max();
  int64_t max = std::numeric_limits<int64_t>::min();

  void Add(int64_t value);
  friend bool operator==(const Totals&, const Totals&) = default;
};

enum class Arrival : uint8_t {
  kInOrder,     // minute after minute, each series once, as agents report
  kOneLate,     // the same, and one point in a hundred comes an hour late
  kTenthTwice,  // the same as in order, and one point in ten comes twice
};

class SamplePoints {
 public:
  // `series` and `rows` are at least 1. The rows of a series begin at `base`, a minute apart.
  SamplePoints(size_t series, size_t rows, UnixNanos base) : SamplePoints(series, rows, base, {}) {}
  SamplePoints(size_t series, size_t rows, UnixNanos base, Arrival arrival);

  static int64_t Value(size_t series, size_t row);
  // Of the entity.
  static std::string Name(size_t series);

  size_t series() const { return series_; }
  size_t rows() const { return rows_; }
  UnixNanos base() const { return base_; }
  // Distinct points.
  uint64_t points() const { return uint64_t{series_} * rows_; }
  Totals totals() const;
  Totals TotalsOf(size_t series) const;

  // Points arrive in batches of at most kBatchRows.
  static constexpr size_t kBatchRows = 1000;
  size_t batches() const;
  std::vector<SamplePoint> Batch(size_t number) const;

  // Bits that the values need: of each series the order-0 entropy of the differences of neighbours,
  // added up.
  double DeltaEntropyBits() const;

 private:
  SamplePoint At(size_t series, size_t row) const;
  size_t BatchesPerMinute() const { return (series_ + kBatchRows - 1) / kBatchRows; }

  const size_t series_;
  const size_t rows_;
  const UnixNanos base_;
  const Arrival arrival_;
};

// A midnight so long ago that `rows` minutes after it lie in the past.
UnixNanos MidnightBefore(size_t rows);

}  // namespace ficus::bench
