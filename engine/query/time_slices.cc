#include "engine/query/time_slices.h"

#include <algorithm>

namespace ficus {
namespace {

std::vector<UnixNanos> Boundaries(const std::vector<GroupSegments>& groups) {
  std::vector<UnixNanos> boundaries;
  for (const GroupSegments& group : groups) {
    for (const auto& segment : group.segments) {
      const TimeRange times = segment->times().Intersect(group.times);
      if (times.empty()) continue;
      boundaries.push_back(times.begin);
      boundaries.push_back(times.end);
    }
  }
  std::sort(boundaries.begin(), boundaries.end());
  boundaries.erase(std::unique(boundaries.begin(), boundaries.end()), boundaries.end());
  return boundaries;
}

}  // namespace

std::vector<TimeSlice> SliceTime(const std::vector<GroupSegments>& groups, bool newest_first) {
  std::vector<TimeSlice> slices;
  const std::vector<UnixNanos> boundaries = Boundaries(groups);
  std::vector<size_t> next(groups.size(), 0);  // the first segment that may reach into the slice
  for (size_t i = 0; i + 1 < boundaries.size(); ++i) {
    TimeSlice slice;
    slice.times = {boundaries[i], boundaries[i + 1]};
    for (size_t group = 0; group < groups.size(); ++group) {
      const std::vector<std::shared_ptr<Segment>>& segments = groups[group].segments;
      while (next[group] < segments.size() &&
             segments[next[group]]->times().end <= slice.times.begin) {
        ++next[group];
      }
      if (next[group] == segments.size()) continue;
      const TimeRange covered = segments[next[group]]->times().Intersect(groups[group].times);
      if (covered.Contains(slice.times)) slice.members.push_back({group, segments[next[group]]});
    }
    if (!slice.members.empty()) slices.push_back(std::move(slice));
  }
  if (newest_first) std::reverse(slices.begin(), slices.end());
  return slices;
}

}  // namespace ficus
