// When something is to happen: a cron line or an interval, as people write it, and its slots.
//
//     "30 1 * * *"                                          five fields (cron.h)
//     @hourly @daily @midnight @weekly @monthly @yearly @annually
//     @every 90m                                            an interval: whole numbers with s, m,
//     h, d
//
// A slot is an instant at which a job is due. Where clocks change:
//   - fixed hours (a number, a list or a range): each date and time that matches gives one slot. A
//     time that the clocks skip gives the first instant after the gap; of a time that they show
//     twice the first counts. Several that fall on one instant are one slot.
//   - hours with * or a step follow the clock: each minute that really passes and whose reading
//     matches is a slot. Skipped readings give none, and repeated ones give two, so that every hour
//     that passes has its slot.
//   - an interval counts elapsed time and knows no clocks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "server/scheduler/cron.h"
#include "server/scheduler/time_zone.h"

namespace ficus {

// No slot: none in the thirty years ahead or behind, or beyond the range of UnixNanos.
inline constexpr UnixNanos kNoSlot = INT64_MAX;

inline constexpr int64_t kIntervalNanosMin = kNanosPerSecond;
inline constexpr int64_t kIntervalNanosMax = 366 * kNanosPerDay;
inline constexpr size_t kScheduleBytesMax = 256;

// A value. All members are pure.
class Schedule {
 public:
  // Any bytes. kInvalidArgument: "column 3: ..." and what is wrong there; columns count bytes
  // from 1.
  static Result<Schedule> Parse(std::string_view text);

  // As it was written.
  const std::string& text() const { return text_; }

  // Of @every; 0 for a schedule by the calendar, and only those have the slots below.
  int64_t interval_nanos() const { return interval_nanos_; }

  // The first slot after `after`; kNoSlot for none.
  UnixNanos NextSlot(UnixNanos after, const TimeZone& zone) const;
  // The last slot not after `at_most`; kNoSlot for none. Costs about a millisecond at worst.
  UnixNanos LatestSlot(UnixNanos at_most, const TimeZone& zone) const;

 private:
  std::string text_;
  int64_t interval_nanos_ = 0;
  CronFields cron_;
};

// How much later than `slot` a job is due: the same on every start, different for every node, job
// and slot, so that many nodes do not call at once. From 0 to `jitter_nanos` >= 0.
int64_t JitterNanos(uint64_t node_id, std::string_view job, UnixNanos slot, int64_t jitter_nanos);

}  // namespace ficus
