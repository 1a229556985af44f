// A half-open range of time.
#pragma once

#include <algorithm>
#include <limits>

#include "engine/base/clock.h"

namespace ficus {

// begin included, end excluded.
struct TimeRange {
  UnixNanos begin = 0;
  UnixNanos end = 0;

  bool empty() const { return begin >= end; }
  bool Contains(UnixNanos time) const { return begin <= time && time < end; }
  bool Contains(const TimeRange& other) const { return begin <= other.begin && other.end <= end; }
  bool Overlaps(const TimeRange& other) const { return begin < other.end && other.begin < end; }
  TimeRange Intersect(const TimeRange& other) const {
    return {std::max(begin, other.begin), std::min(end, other.end)};
  }
  static TimeRange All() {
    return {std::numeric_limits<UnixNanos>::min(), std::numeric_limits<UnixNanos>::max()};
  }
  friend bool operator==(const TimeRange&, const TimeRange&) = default;
};

}  // namespace ficus
