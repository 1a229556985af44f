#include "server/scheduler/schedule.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <fmt/core.h>

namespace ficus {
namespace {

Schedule Parsed(const std::string& text) {
  const Result<Schedule> schedule = Schedule::Parse(text);
  CAPTURE(text);
  REQUIRE(schedule);
  return *schedule;
}

std::string Refused(const std::string& text) {
  const Result<Schedule> schedule = Schedule::Parse(text);
  CAPTURE(text);
  REQUIRE_FALSE(schedule);
  return schedule.error().message;
}

// Seconds since 1970 UTC of a date and time.
int64_t Utc(int year, int month, int day, int hour = 0, int minute = 0) {
  for (int64_t seconds = (year - 1970) * 365 * 86'400LL;; seconds += 86'400) {
    const ClockReading reading = ReadingOf(seconds);
    if (reading.year == year && reading.month == month && reading.day == day) {
      return seconds + hour * 3600 + minute * 60;
    }
  }
}

// The slots between two times, as the clock in the zone shows them, with the offset in hours.
std::vector<std::string> Between(const std::string& text, const std::string& zone_name,
                                 int64_t from, int64_t to) {
  const Schedule schedule = Parsed(text);
  const TimeZone zone = *TimeZone::Load(zone_name);
  std::vector<std::string> slots;
  for (UnixNanos slot = schedule.NextSlot(from * kNanosPerSecond - 1, zone);
       slot < to * kNanosPerSecond; slot = schedule.NextSlot(slot, zone)) {
    const ClockReading reading = zone.At(slot);
    const int64_t second = slot / kNanosPerSecond;
    const auto offset = static_cast<double>(zone.StretchAt(second).offset) / 3600;
    slots.push_back(
        fmt::format("{} {:02}:{:02} {:+}", reading.day, reading.hour, reading.minute, offset));
  }
  return slots;
}

using Texts = std::vector<std::string>;

TEST_CASE("descriptors are short for cron lines", "[scheduler]") {
  const TimeZone utc = TimeZone::Utc();
  const auto [name, fields] =
      GENERATE(table<std::string, std::string>({{"@hourly", "0 * * * *"},
                                                {"@daily", "0 0 * * *"},
                                                {"@midnight", "0 0 * * *"},
                                                {"@weekly", "0 0 * * SUN"},
                                                {"@monthly", "0 0 1 * *"},
                                                {"@yearly", "0 0 1 1 *"},
                                                {" @annually ", "0 0 1 1 *"}}));
  UnixNanos slot = 0;
  for (int i = 0; i < 30; ++i) {
    const UnixNanos next = Parsed(name).NextSlot(slot, utc);
    REQUIRE(next == Parsed(fields).NextSlot(slot, utc));
    slot = next;
  }
  REQUIRE(Parsed(name).text() == name);
}

TEST_CASE("an interval is a row of whole numbers with units", "[scheduler]") {
  REQUIRE(Parsed("@every 90m").interval_nanos() == 90 * 60 * kNanosPerSecond);
  REQUIRE(Parsed("@every  1d2h3m4s").interval_nanos() == 93'784 * kNanosPerSecond);
  REQUIRE(Parsed("0 0 * * *").interval_nanos() == 0);
}

TEST_CASE("each mistake in a schedule is told with its column", "[scheduler]") {
  const auto [text, mistake] = GENERATE(table<std::string, std::string>({
      {"", "column 1: a schedule is missing: five fields, or a word such as @daily"},
      {"  ", "column 1: a schedule is missing: five fields, or a word such as @daily"},
      {" @dayly",
       "column 2: a word that begins with @ is @hourly, @daily, @midnight, @weekly, @monthly, "
       "@yearly, @annually or @every; did you mean @daily?"},
      {"@daily 5", "column 8: nothing may follow @daily"},
      {"@every", "column 7: an interval such as 90m is missing"},
      {"@every 90", "column 10: a unit is missing: s, m, h or d"},
      {"@every 5x", "column 9: a unit is missing: s, m, h or d"},
      {"@every m", "column 8: a whole number is missing: write for example 1h30m"},
      {"@every 1.5h", "column 9: a unit is missing: s, m, h or d"},
      {"@every 30m1h", "column 11: the larger unit goes first, each once"},
      {"@every 0s", "column 8: the least interval is 1s"},
      {"@every 367d", "column 8: the longest interval is 366d"},
      {"@every 9999999999d", "column 17: a unit is missing: s, m, h or d"},
      {std::string(257, '*'), "column 257: longer than 256 bytes"},
  }));
  REQUIRE(Refused(text) == mistake);
}

TEST_CASE("a fixed time that the clocks skip runs at the end of the gap", "[scheduler][zone]") {
  const int64_t day = Utc(2027, 3, 27, 23);
  REQUIRE(Between("30 2 * * *", "Europe/Berlin", day, day + 172'800) ==
          Texts{"28 03:00 +2", "29 02:30 +2"});
  // Several skipped times, and one that falls on the end, are one slot.
  REQUIRE(Between("0,15,30 2,3 * * *", "Europe/Berlin", day, day + 86'400) ==
          Texts{"28 03:00 +2", "28 03:15 +2", "28 03:30 +2"});
  const int64_t howe = Utc(2027, 10, 2, 12);
  REQUIRE(Between("15,45 2 * * *", "Australia/Lord_Howe", howe, howe + 86'400) ==
          Texts{"3 02:30 +11", "3 02:45 +11"});
}

TEST_CASE("of a fixed time that the clocks show twice the first counts", "[scheduler][zone]") {
  const int64_t day = Utc(2027, 10, 30, 22);
  REQUIRE(Between("30 2 * * *", "Europe/Berlin", day, day + 172'800) ==
          Texts{"31 02:30 +2", "1 02:30 +1"});
  REQUIRE(Between("0,30 1-3 * * *", "Europe/Berlin", day, day + 86'400) ==
          Texts{"31 01:00 +2", "31 01:30 +2", "31 02:00 +2", "31 02:30 +2", "31 03:00 +1",
                "31 03:30 +1"});
}

TEST_CASE("hours with a star run in every hour that passes", "[scheduler][zone]") {
  const int64_t spring = Utc(2027, 3, 28, 0);
  REQUIRE(Between("5 * * * *", "Europe/Berlin", spring, spring + 3 * 3600) ==
          Texts{"28 01:05 +1", "28 03:05 +2", "28 04:05 +2"});
  const int64_t autumn = Utc(2027, 10, 31, 0);
  REQUIRE(Between("5 * * * *", "Europe/Berlin", autumn, autumn + 3 * 3600) ==
          Texts{"31 02:05 +2", "31 02:05 +1", "31 03:05 +1"});
  REQUIRE(Between("0 */2 * * *", "Europe/Berlin", autumn, autumn + 5 * 3600) ==
          Texts{"31 02:00 +2", "31 02:00 +1", "31 04:00 +1"});
}

TEST_CASE("a day that a zone left out runs when the next one begins", "[scheduler][zone]") {
  const int64_t samoa = Utc(2011, 12, 29, 12);
  REQUIRE(Between("0 9 * * *", "Pacific/Apia", samoa, samoa + 172'800) ==
          Texts{"29 09:00 -10", "31 00:00 +14", "31 09:00 +14"});
}

TEST_CASE("rare slots are found, ahead and behind", "[scheduler]") {
  const TimeZone utc = TimeZone::Utc();
  const Schedule leap = Parsed("0 12 29 2 *");
  const UnixNanos before = Utc(2096, 2, 29, 12) * kNanosPerSecond;
  const UnixNanos after = Utc(2104, 2, 29, 12) * kNanosPerSecond;
  REQUIRE(leap.NextSlot(before, utc) == after);
  REQUIRE(leap.NextSlot(before - 1, utc) == before);
  REQUIRE(leap.LatestSlot(after - 1, utc) == before);
  REQUIRE(leap.LatestSlot(after, utc) == after);
  const Schedule first_monday = Parsed("0 0 */31 2 MON");
  REQUIRE(first_monday.NextSlot(Utc(2094, 2, 2) * kNanosPerSecond, utc) != kNoSlot);
}

TEST_CASE("at the ends of time there are no slots", "[scheduler]") {
  const TimeZone utc = TimeZone::Utc();
  const Schedule hourly = Parsed("@hourly");
  REQUIRE(hourly.NextSlot(INT64_MAX, utc) == kNoSlot);
  REQUIRE(hourly.NextSlot(INT64_MAX - kNanosPerSecond, utc) == kNoSlot);
  REQUIRE(hourly.NextSlot(INT64_MIN, utc) < 0);
  REQUIRE(hourly.LatestSlot(INT64_MIN, utc) == kNoSlot);
  REQUIRE(hourly.LatestSlot(INT64_MAX, utc) > 0);
}

TEST_CASE("the jitter is within its bounds, differs and does not change", "[scheduler]") {
  const int64_t bound = 120 * kNanosPerSecond;
  std::vector<int64_t> seen;
  int64_t sum = 0;
  for (UnixNanos slot = 0; slot < 1'000 * kNanosPerHour; slot += kNanosPerHour) {
    const int64_t jitter = JitterNanos(7, "nightly", slot, bound);
    REQUIRE(jitter >= 0);
    REQUIRE(jitter <= bound);
    REQUIRE(jitter == JitterNanos(7, "nightly", slot, bound));
    REQUIRE(jitter != JitterNanos(8, "nightly", slot, bound));
    REQUIRE(jitter != JitterNanos(7, "hourly", slot, bound));
    sum += jitter / 1'000;
  }
  REQUIRE(sum > bound * 2 / 5);
  REQUIRE(sum < bound * 3 / 5);
  REQUIRE(JitterNanos(7, "nightly", 0, 0) == 0);
}

}  // namespace
}  // namespace ficus
