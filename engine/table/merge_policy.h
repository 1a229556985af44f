// Which parts to merge: pure arithmetic over what is known of them.
//
// Candidates are runs of neighbours in log order, because equal versions are decided by it. Time
// window first: parts whose times overlap or adjoin merge before others; size second: parts of like
// size, so that a row is rewritten a logarithmic number of times.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/part/part_info.h"

namespace ficus {

struct MergeLimits {
  size_t parts_min =
      4;  // fewer like-sized neighbours are left alone, unless the table has too many parts
  size_t parts_max = 15;        // inputs of one merge
  size_t table_parts_max = 32;  // beyond it the cheapest merge is done even when it is unbalanced
  uint64_t output_bytes_max = uint64_t{8} << 30;
};

// Neighbours parts[begin, end); empty when nothing is worth merging.
struct MergeChoice {
  size_t begin = 0;
  size_t end = 0;
  bool empty() const { return begin == end; }
};

// `parts` oldest first. `barrier[i]`: a damaged part was between i - 1 and i; no merge crosses it.
MergeChoice ChooseMerge(const std::vector<PartInfo>& parts, const std::vector<bool>& barrier,
                        const MergeLimits& limits);

// Everything between barriers, for a table that gets no more rows.
MergeChoice ChooseFinalMerge(const std::vector<PartInfo>& parts, const std::vector<bool>& barrier,
                             const MergeLimits& limits);

}  // namespace ficus
