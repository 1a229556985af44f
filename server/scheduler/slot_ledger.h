// Which slots of one job are dealt with, and which is due. No I/O, no threads.
//
// A slot of the calendar is due when the wall clock reaches it, plus its jitter. The ledger notices
// it at the next look:
//   - within kOnTimeNanos of its due time it is on time and runs;
//   - a later one was missed, and so is each one older than the newest that is due: together they
//     give at most one catch-up run, for the newest.
// A clock that is set back makes later slots come again: those that were given out to run do not,
// the others do.
//
// An interval is due when so much time has passed on the monotonic clock since the slot before;
// only from one process to the next, where no monotonic clock reaches, does the wall clock measure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "server/scheduler/job.h"

namespace ficus {

inline constexpr int64_t kOnTimeNanos = 120 * kNanosPerSecond;

// Consecutive slots, both ends included, all of them given out to run.
struct SlotRange {
  UnixNanos first = 0;
  UnixNanos last = 0;

  friend bool operator==(const SlotRange&, const SlotRange&) = default;
};

// Beyond so many the two oldest become one: the slots between them count as given out.
inline constexpr size_t kSlotRangesMax = 16;

// What must survive a restart.
struct SlotMarks {
  // Slots up to here are dealt with. For an interval: its last slot.
  UnixNanos anchor = 0;
  // Ascending, apart from each other, at most kSlotRangesMax; empty for an interval.
  std::vector<SlotRange> given_out;

  friend bool operator==(const SlotMarks&, const SlotMarks&) = default;
};

// Both clocks at one look.
struct ClockLook {
  UnixNanos wall = 0;
  int64_t monotonic = 0;
};

// Of missed slots at most so many are counted at one look.
inline constexpr uint64_t kMissedCountedMax = 100'000;

class SlotLedger {
 public:
  // `marks` as they were when another process had the job, or {look.wall, {}} for a new one.
  SlotLedger(ScheduledJob job, uint64_t node_id, SlotMarks marks, const ClockLook& look);

  struct Due {
    UnixNanos slot = 0;  // the newest that is due
    bool run = false;    // false: missed, and the job ignores missed slots
    bool catch_up = false;
    uint64_t missed = 0;
  };
  // Deals with everything that is due; none when nothing is. Looks in any order of wall times.
  std::optional<Due> Take(const ClockLook& look);

  // Forgets the slots up to now, as if they had not been: what a pause does.
  void Forget(const ClockLook& look);

  // Nanoseconds until something is due, as far as the clocks run evenly; 0 when it is,
  // kNoSlot when nothing ever is.
  int64_t Wait(const ClockLook& look) const;

  // The next `count` slots, those that will run if the clocks run evenly.
  std::vector<UnixNanos> Next(size_t count, const ClockLook& look) const;

  const ScheduledJob& job() const { return job_; }
  const SlotMarks& marks() const { return marks_; }

 private:
  bool is_interval() const { return job_.schedule.interval_nanos() != 0; }
  bool GivenOut(UnixNanos slot) const;
  void GiveOut(UnixNanos slot);
  UnixNanos NextOpenSlot(UnixNanos after) const;
  UnixNanos DueOf(UnixNanos slot) const;
  UnixNanos LatestDueSlot(UnixNanos wall) const;
  void FindNext();
  std::optional<Due> TakeCalendar(const ClockLook& look);
  std::optional<Due> TakeInterval(const ClockLook& look);
  int64_t IntervalJitter(int64_t number) const;
  Due Judge(UnixNanos newest, uint64_t count, int64_t late) const;

  ScheduledJob job_;
  uint64_t node_id_;
  SlotMarks marks_;
  // Calendar: the first open slot after the anchor, and when it is due.
  UnixNanos next_slot_ = kNoSlot;
  UnixNanos next_due_ = kNoSlot;
  // Interval: the last slot on the monotonic clock.
  int64_t slot_monotonic_ = 0;
};

}  // namespace ficus
