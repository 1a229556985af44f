// Where segments begin and end, and what they are called: pure arithmetic in UTC.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/clock.h"
#include "engine/model/time_range.h"

namespace ficus {

enum class SegmentUnit : uint8_t { kHour = 1, kDay = 2 };

// The bounds of the segment that holds `time`: a multiple of `num` units since 1970, cut where it
// would overlap one of `neighbours` (none of which holds `time`).
TimeRange BoundsFor(UnixNanos time, SegmentUnit unit, uint32_t num,
                    const std::vector<TimeRange>& neighbours);

// Where a segment ends at the latest of which only the name is known: by the layout, and not before
// the least that its name stands for, because the layout may have been another when it was made.
// Where a neighbour begins earlier, it ends there.
UnixNanos LatestEndFor(std::string_view name, UnixNanos begin, SegmentUnit unit, uint32_t num);

// How the name of every segment's directory begins.
inline constexpr std::string_view kSegmentPrefix = "seg-";

// "seg-20261120" for one that begins at midnight, "seg-2026112007" for others and for hour
// segments.
std::string SegmentDirectoryName(UnixNanos begin, SegmentUnit unit);
// The begin of a name made by SegmentDirectoryName; false for other names.
bool ParseSegmentDirectoryName(std::string_view name, UnixNanos& begin);

}  // namespace ficus
