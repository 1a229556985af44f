#include "server/scheduler/slot_ledger.h"

#include <algorithm>
#include <utility>

namespace ficus {

SlotLedger::SlotLedger(ScheduledJob job, uint64_t node_id, SlotMarks marks, const ClockLook& look)
    : job_(std::move(job)), node_id_(node_id), marks_(std::move(marks)) {
  // A clock behind the last slot of an interval: nobody knows how much time passed, so the whole
  // interval is waited for. A calendar sees to it when it looks.
  if (is_interval()) {
    marks_.anchor = std::min(marks_.anchor, look.wall);
    slot_monotonic_ = look.monotonic - (look.wall - marks_.anchor);
  } else {
    FindNext();
  }
}

std::optional<SlotLedger::Due> SlotLedger::Take(const ClockLook& look) {
  return is_interval() ? TakeInterval(look) : TakeCalendar(look);
}

void SlotLedger::Forget(const ClockLook& look) {
  marks_.anchor = look.wall;
  slot_monotonic_ = look.monotonic;
  if (!is_interval()) FindNext();
}

int64_t SlotLedger::Wait(const ClockLook& look) const {
  if (is_interval()) {
    const int64_t due = slot_monotonic_ + job_.schedule.interval_nanos() + IntervalJitter(1);
    return std::max<int64_t>(due - look.monotonic, 0);
  }
  if (next_due_ == kNoSlot) return kNoSlot;
  return next_due_ <= look.wall ? 0 : next_due_ - look.wall;
}

std::vector<UnixNanos> SlotLedger::Next(size_t count, const ClockLook& look) const {
  std::vector<UnixNanos> slots;
  if (is_interval()) {
    const int64_t interval = job_.schedule.interval_nanos();
    UnixNanos slot = look.wall - (look.monotonic - slot_monotonic_);
    while (slots.size() < count) slots.push_back(slot += interval);
    return slots;
  }
  UnixNanos slot = std::max(std::min(marks_.anchor, look.wall), look.wall - job_.jitter_nanos - 1);
  while (slots.size() < count && (slot = NextOpenSlot(slot)) != kNoSlot) {
    if (DueOf(slot) >= look.wall) slots.push_back(slot);
  }
  return slots;
}

bool SlotLedger::GivenOut(UnixNanos slot) const {
  return std::any_of(marks_.given_out.begin(), marks_.given_out.end(), [&](const SlotRange& range) {
    return range.first <= slot && slot <= range.last;
  });
}

void SlotLedger::GiveOut(UnixNanos slot) {
  std::vector<SlotRange>& ranges = marks_.given_out;
  auto place = std::find_if(ranges.begin(), ranges.end(),
                            [&](const SlotRange& range) { return range.first > slot; });
  const bool joins_before = place != ranges.begin() &&
                            std::prev(place)->last == job_.schedule.LatestSlot(slot - 1, job_.zone);
  const bool joins_after =
      place != ranges.end() && place->first == job_.schedule.NextSlot(slot, job_.zone);
  if (joins_before && joins_after) {
    std::prev(place)->last = place->last;
    ranges.erase(place);
  } else if (joins_before) {
    std::prev(place)->last = slot;
  } else if (joins_after) {
    place->first = slot;
  } else {
    ranges.insert(place, {slot, slot});
  }
  if (ranges.size() > kSlotRangesMax) {
    ranges[1].first = ranges[0].first;
    ranges.erase(ranges.begin());
  }
}

UnixNanos SlotLedger::NextOpenSlot(UnixNanos after) const {
  for (;;) {
    const UnixNanos slot = job_.schedule.NextSlot(after, job_.zone);
    if (slot == kNoSlot || !GivenOut(slot)) return slot;
    after = slot;
    for (const SlotRange& range : marks_.given_out) {
      if (range.first <= slot && slot <= range.last) after = range.last;
    }
  }
}

// The jitter ends before the next slot, so that slots are due in their order.
UnixNanos SlotLedger::DueOf(UnixNanos slot) const {
  if (slot == kNoSlot || job_.jitter_nanos == 0) return slot;
  const UnixNanos next = job_.schedule.NextSlot(slot, job_.zone);
  const int64_t room = next == kNoSlot ? job_.jitter_nanos : next - slot - 1;
  const int64_t jitter = JitterNanos(node_id_, job_.name, slot, std::min(job_.jitter_nanos, room));
  return slot > kNoSlot - 1 - jitter ? kNoSlot : slot + jitter;
}

UnixNanos SlotLedger::LatestDueSlot(UnixNanos wall) const {
  const UnixNanos slot = job_.schedule.LatestSlot(wall, job_.zone);
  return DueOf(slot) <= wall ? slot : job_.schedule.LatestSlot(slot - 1, job_.zone);
}

void SlotLedger::FindNext() {
  next_slot_ = NextOpenSlot(marks_.anchor);
  next_due_ = DueOf(next_slot_);
}

SlotLedger::Due SlotLedger::Judge(UnixNanos newest, uint64_t count, int64_t late) const {
  Due due;
  due.slot = newest;
  due.catch_up = late > kOnTimeNanos;
  due.missed = due.catch_up ? count : count - 1;
  due.run = !due.catch_up || job_.missed == MissedPolicy::kRunOnce;
  due.catch_up = due.catch_up && due.run;
  return due;
}

std::optional<SlotLedger::Due> SlotLedger::TakeCalendar(const ClockLook& look) {
  if (look.wall < marks_.anchor) {
    marks_.anchor = look.wall;
    FindNext();
  }
  if (next_due_ > look.wall) return std::nullopt;
  UnixNanos newest = next_slot_;
  uint64_t count = 0;
  for (UnixNanos slot = next_slot_; slot != kNoSlot && DueOf(slot) <= look.wall;
       slot = NextOpenSlot(slot)) {
    newest = slot;
    if (++count < kMissedCountedMax) continue;
    newest = LatestDueSlot(look.wall);
    break;
  }
  Due due = Judge(newest, count, look.wall - DueOf(newest));
  if (GivenOut(newest)) due.run = due.catch_up = false;
  marks_.anchor = newest;
  if (due.run) GiveOut(newest);
  FindNext();
  return due;
}

// Counted from the last slot, so that it does not depend on how the wall clock moves meanwhile.
int64_t SlotLedger::IntervalJitter(int64_t number) const {
  const int64_t interval = job_.schedule.interval_nanos();
  return JitterNanos(node_id_, job_.name, marks_.anchor + number * interval,
                     std::min(job_.jitter_nanos, interval - 1));
}

std::optional<SlotLedger::Due> SlotLedger::TakeInterval(const ClockLook& look) {
  const int64_t interval = job_.schedule.interval_nanos();
  const int64_t elapsed = look.monotonic - slot_monotonic_;
  int64_t count = elapsed / interval;
  if (count > 0 && count * interval + IntervalJitter(count) > elapsed) --count;
  if (count <= 0) return std::nullopt;
  const int64_t late = elapsed - count * interval - IntervalJitter(count);
  const UnixNanos newest = look.wall - (elapsed - count * interval);
  slot_monotonic_ += count * interval;
  marks_.anchor = newest;
  return Judge(newest, static_cast<uint64_t>(count), late);
}

}  // namespace ficus
