// Cuts the time that a query covers so that each piece lies in at most one segment per group.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "engine/model/time_range.h"
#include "engine/segment/segment.h"

namespace ficus {

// What a group contributes: its segments, oldest first and disjoint, and the time in which its rows
// count.
struct GroupSegments {
  TimeRange times;
  std::vector<std::shared_ptr<Segment>> segments;
};

struct TimeSlice {
  TimeRange times;
  struct Member {
    size_t group = 0;  // index into the groups
    std::shared_ptr<Segment> segment;
  };
  std::vector<Member> members;  // ascending by group, at least one
};

// Disjoint slices, oldest first (or newest first). One group: one slice per segment.
std::vector<TimeSlice> SliceTime(const std::vector<GroupSegments>& groups, bool newest_first);

}  // namespace ficus
