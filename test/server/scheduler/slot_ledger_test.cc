#include "server/scheduler/slot_ledger.h"

#include <algorithm>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

namespace ficus {
namespace {

constexpr int64_t kHour = kNanosPerHour;
constexpr int64_t kMinute = 60 * kNanosPerSecond;

ScheduledJob Job(const std::string& schedule) {
  ScheduledJob job;
  job.name = "job";
  job.schedule = *Schedule::Parse(schedule);
  return job;
}

// A look at clocks that began at 0 together.
ClockLook At(int64_t time) { return {time, time}; }

SlotLedger Fresh(const ScheduledJob& job, int64_t now = 0) {
  return SlotLedger(job, 7, {now, {}}, At(now));
}

TEST_CASE("a slot is due at its time and once", "[scheduler]") {
  SlotLedger ledger = Fresh(Job("@hourly"));
  REQUIRE(ledger.Wait(At(0)) == kHour);
  REQUIRE_FALSE(ledger.Take(At(kHour - 1)));
  const auto due = ledger.Take(At(kHour));
  REQUIRE(due);
  REQUIRE(due->slot == kHour);
  REQUIRE(due->run);
  REQUIRE_FALSE(due->catch_up);
  REQUIRE(due->missed == 0);
  REQUIRE_FALSE(ledger.Take(At(kHour)));
  REQUIRE(ledger.Wait(At(kHour)) == kHour);
}

TEST_CASE("a slot noticed within two minutes is on time, later it was missed", "[scheduler]") {
  SlotLedger ledger = Fresh(Job("@hourly"));
  REQUIRE_FALSE(ledger.Take(At(kHour + kOnTimeNanos))->catch_up);
  const auto late = ledger.Take(At(2 * kHour + kOnTimeNanos + 1));
  REQUIRE(late->catch_up);
  REQUIRE(late->missed == 1);
  // The newest is on time, so nothing is to be caught up.
  const auto several = ledger.Take(At(6 * kHour));
  REQUIRE_FALSE(several->catch_up);
  REQUIRE(several->slot == 6 * kHour);
  REQUIRE(several->missed == 3);
}

TEST_CASE("any number of missed slots gives one run, or none", "[scheduler]") {
  ScheduledJob job = Job("*/10 * * * *");
  const int64_t later = 1'000 * kHour + 5 * kMinute;
  SlotLedger once = Fresh(job);
  const auto due = once.Take(At(later));
  REQUIRE(due->run);
  REQUIRE(due->catch_up);
  REQUIRE(due->slot == 1'000 * kHour);
  REQUIRE(due->missed == 6'000);
  REQUIRE_FALSE(once.Take(At(later)));
  job.missed = MissedPolicy::kIgnore;
  SlotLedger none = Fresh(job);
  const auto ignored = none.Take(At(later));
  REQUIRE_FALSE(ignored->run);
  REQUIRE(ignored->missed == 6'000);
  REQUIRE(none.Wait(At(later)) == 5 * kMinute);
}

TEST_CASE("missed slots beyond counting end with the newest all the same", "[scheduler]") {
  SlotLedger ledger = Fresh(Job("* * * * *"));
  const auto due = ledger.Take(At(100'000 * kHour + 30 * kNanosPerSecond));
  REQUIRE(due->slot == 100'000 * kHour);
  REQUIRE(due->missed == kMissedCountedMax - 1);
  REQUIRE(ledger.Wait(At(due->slot)) == kMinute);
}

TEST_CASE("a clock set back repeats no slot that ran", "[scheduler]") {
  SlotLedger ledger = Fresh(Job("@hourly"));
  for (int hour = 1; hour <= 5; ++hour) REQUIRE(ledger.Take(At(hour * kHour))->run);
  REQUIRE_FALSE(ledger.Take({2 * kHour + kMinute, 6 * kHour}));
  REQUIRE(ledger.marks().given_out == std::vector<SlotRange>{{kHour, 5 * kHour}});
  REQUIRE_FALSE(ledger.Take({5 * kHour + kMinute, 9 * kHour}));
  REQUIRE(ledger.Take({6 * kHour, 10 * kHour})->slot == 6 * kHour);
}

TEST_CASE("slots that a wrong clock jumped over run when it is right again", "[scheduler]") {
  SlotLedger ledger = Fresh(Job("@hourly"));
  REQUIRE(ledger.Take(At(kHour))->run);
  // The clock is a year ahead for a while.
  const auto wrong = ledger.Take({8'760 * kHour + 5 * kMinute, 2 * kHour});
  REQUIRE(wrong->catch_up);
  REQUIRE(wrong->missed == 8'759);
  REQUIRE_FALSE(ledger.Take({2 * kHour + kMinute, 2 * kHour + kMinute}));
  for (int hour = 3; hour < 50; ++hour) REQUIRE(ledger.Take(At(hour * kHour))->run);
  REQUIRE(ledger.marks().given_out == std::vector<SlotRange>{{kHour, kHour},
                                                             {3 * kHour, 49 * kHour},
                                                             {8'760 * kHour, 8'760 * kHour}});
  // A year later the one that ran then does not run again.
  REQUIRE(ledger.Take(At(8'759 * kHour))->run);
  REQUIRE_FALSE(ledger.Take(At(8'760 * kHour)));
  REQUIRE(ledger.Take(At(8'761 * kHour))->run);
}

TEST_CASE("slots that were ignored run when the clock comes to them again", "[scheduler]") {
  ScheduledJob job = Job("@hourly");
  job.missed = MissedPolicy::kIgnore;
  SlotLedger ledger = Fresh(job);
  REQUIRE_FALSE(ledger.Take(At(3 * kHour + 5 * kMinute))->run);
  REQUIRE_FALSE(ledger.Take({kHour + kMinute, 4 * kHour}));
  REQUIRE(ledger.Take({2 * kHour, 5 * kHour})->slot == 2 * kHour);
}

TEST_CASE("the slots given out stay few, and none is given out again", "[scheduler]") {
  SlotLedger ledger = Fresh(Job("@hourly"));
  std::vector<UnixNanos> ran;
  for (int64_t hour = 3; hour < 300; hour += 3) {
    ran.push_back(ledger.Take(At(hour * kHour))->slot);
    REQUIRE(ledger.marks().given_out.size() <= kSlotRangesMax);
  }
  REQUIRE_FALSE(ledger.Take({kMinute, 400 * kHour}));
  for (int64_t hour = 1; hour < 300; ++hour) {
    const auto due = ledger.Take({hour * kHour, (400 + hour) * kHour});
    if (due) REQUIRE(std::find(ran.begin(), ran.end(), due->slot) == ran.end());
  }
}

TEST_CASE("another process goes on where the marks end", "[scheduler]") {
  SlotLedger first = Fresh(Job("@hourly"));
  REQUIRE(first.Take(At(kHour)));
  SlotLedger second(Job("@hourly"), 7, first.marks(), {kHour + kMinute, 0});
  REQUIRE_FALSE(second.Take({kHour + kMinute, 0}));
  SlotLedger third(Job("@hourly"), 7, first.marks(), {4 * kHour + 5 * kMinute, 0});
  const auto due = third.Take({4 * kHour + 5 * kMinute, 0});
  REQUIRE(due->catch_up);
  REQUIRE(due->missed == 3);
}

TEST_CASE("the jitter delays each slot by its own time, in their order", "[scheduler]") {
  ScheduledJob job = Job("*/2 * * * *");
  job.jitter_nanos = 10 * kMinute;  // longer than the slots are apart
  SlotLedger ledger = Fresh(job);
  UnixNanos last = 0;
  bool delayed = false;
  for (int64_t now = 0; now < kHour; now += kNanosPerSecond) {
    const auto due = ledger.Take(At(now));
    if (!due) continue;
    REQUIRE(due->run);
    REQUIRE(due->missed == 0);
    REQUIRE(due->slot == last + 2 * kMinute);
    REQUIRE(now >= due->slot);
    REQUIRE(now <= due->slot + 2 * kMinute);
    delayed = delayed || now > due->slot + 10 * kNanosPerSecond;
    last = due->slot;
  }
  REQUIRE(delayed);
  REQUIRE(last >= 56 * kMinute);
}

TEST_CASE("a slot whose jitter has not passed is neither missed nor lost", "[scheduler]") {
  ScheduledJob job = Job("@daily");
  job.jitter_nanos = 12 * kHour;
  SlotLedger ledger = Fresh(job);
  const int64_t due = ledger.Wait(At(0));
  REQUIRE(due > 24 * kHour);
  REQUIRE(due <= 36 * kHour);
  SlotLedger restarted(job, 7, ledger.marks(), At(due - 1));
  REQUIRE(restarted.Next(1, At(due - 1)) == std::vector<UnixNanos>{24 * kHour});
  REQUIRE_FALSE(restarted.Take(At(due - 1)));
  REQUIRE_FALSE(restarted.Take(At(due))->catch_up);
}

TEST_CASE("an interval follows the monotonic clock, whatever the wall clock does", "[scheduler]") {
  SlotLedger ledger = Fresh(Job("@every 90m"));
  REQUIRE(ledger.Wait({100 * kHour, 0}) == 90 * kMinute);
  REQUIRE_FALSE(ledger.Take({100 * kHour, 90 * kMinute - 1}));
  const auto due = ledger.Take({50 * kHour, 90 * kMinute + 1});
  REQUIRE(due->slot == 50 * kHour - 1);
  REQUIRE(ledger.Wait({7 * kHour, 100 * kMinute}) == 80 * kMinute);
}

TEST_CASE("an interval counts from the last due slot, not from the last look", "[scheduler]") {
  SlotLedger ledger = Fresh(Job("@every 10m"));
  REQUIRE(ledger.Take(At(11 * kMinute))->slot == 10 * kMinute);
  REQUIRE(ledger.Take(At(20 * kMinute))->slot == 20 * kMinute);
  const auto late = ledger.Take(At(55 * kMinute));
  REQUIRE(late->slot == 50 * kMinute);
  REQUIRE(late->catch_up);
  REQUIRE(late->missed == 3);
  REQUIRE(ledger.Wait(At(55 * kMinute)) == 5 * kMinute);
}

TEST_CASE("between two processes an interval goes by the wall clock", "[scheduler]") {
  const ScheduledJob job = Job("@every 10m");
  const SlotMarks marks{kHour, {}};
  SlotLedger soon(job, 7, marks, {kHour + 4 * kMinute, 5});
  REQUIRE(soon.Wait({kHour + 4 * kMinute, 5}) == 6 * kMinute);
  SlotLedger late(job, 7, marks, {2 * kHour + 5 * kMinute, 5});
  REQUIRE(late.Take({2 * kHour + 5 * kMinute, 5})->missed == 6);
  // Nobody knows how long it was when the clock went back: the whole interval is waited for.
  SlotLedger back(job, 7, marks, {kMinute, 5});
  REQUIRE(back.Wait({kMinute, 5}) == 10 * kMinute);
}

TEST_CASE("the jitter of an interval stays while the wall clock is set", "[scheduler]") {
  ScheduledJob job = Job("@every 1h");
  job.jitter_nanos = 30 * kMinute;
  const SlotLedger ledger = Fresh(job);
  const int64_t wait = ledger.Wait({0, 0});
  REQUIRE(wait > kHour);
  REQUIRE(wait <= 90 * kMinute);
  REQUIRE(ledger.Wait({77 * kHour, 0}) == wait);
}

TEST_CASE("what was forgotten is neither run nor missed", "[scheduler]") {
  SlotLedger calendar = Fresh(Job("@hourly"));
  calendar.Forget(At(5 * kHour + kMinute));
  REQUIRE_FALSE(calendar.Take(At(5 * kHour + kMinute)));
  REQUIRE(calendar.Take(At(6 * kHour))->missed == 0);
  SlotLedger interval = Fresh(Job("@every 1h"));
  interval.Forget(At(5 * kHour + kMinute));
  REQUIRE(interval.Wait(At(5 * kHour + kMinute)) == kHour);
}

TEST_CASE("the next slots are those that will run", "[scheduler]") {
  SlotLedger ledger = Fresh(Job("@hourly"));
  REQUIRE(ledger.Next(3, At(kMinute)) == std::vector<UnixNanos>{kHour, 2 * kHour, 3 * kHour});
  REQUIRE(ledger.Take(At(kHour)));
  REQUIRE(ledger.Take(At(2 * kHour)));
  // Set back: the two that ran are left out.
  REQUIRE(ledger.Next(2, {kMinute, 0}) == std::vector<UnixNanos>{3 * kHour, 4 * kHour});
  REQUIRE(ledger.Next(1, At(10 * kHour + 1)) == std::vector<UnixNanos>{11 * kHour});
  const SlotLedger interval = Fresh(Job("@every 90m"));
  REQUIRE(interval.Next(2, At(kMinute)) == std::vector<UnixNanos>{90 * kMinute, 180 * kMinute});
}

}  // namespace
}  // namespace ficus
