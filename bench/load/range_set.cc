#include "bench/load/range_set.h"

#include <algorithm>
#include <iterator>

namespace ficus::load {

void RangeSet::Add(uint64_t first, uint64_t count) {
  if (count == 0) return;
  uint64_t end = first + count;
  auto at = ranges_.upper_bound(first);
  if (at != ranges_.begin() && std::prev(at)->second >= first) {
    --at;
    first = at->first;
    end = std::max(end, at->second);
    at = ranges_.erase(at);
  }
  while (at != ranges_.end() && at->first <= end) {
    end = std::max(end, at->second);
    at = ranges_.erase(at);
  }
  ranges_.emplace_hint(at, first, end);
}

bool RangeSet::Contains(uint64_t number) const {
  const auto after = ranges_.upper_bound(number);
  return after != ranges_.begin() && number < std::prev(after)->second;
}

uint64_t RangeSet::size() const {
  uint64_t size = 0;
  for (const auto& [first, last] : ranges_) size += last - first;
  return size;
}

}  // namespace ficus::load
