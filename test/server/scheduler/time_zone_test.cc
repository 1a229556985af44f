#include "server/scheduler/time_zone.h"

#include <algorithm>

#include <catch2/catch.hpp>

namespace ficus {
namespace {

constexpr int64_t kSpring2027 = 1'806'195'600;  // 2027-03-28T01:00:00Z
constexpr int64_t kAutumn2027 = 1'824'944'400;  // 2027-10-31T01:00:00Z

std::string Refused(const std::string& name) {
  const Result<TimeZone> zone = TimeZone::Load(name);
  CAPTURE(name);
  REQUIRE_FALSE(zone);
  REQUIRE(zone.error().code == ErrorCode::kInvalidArgument);
  return zone.error().message;
}

TEST_CASE("a stretch tells where the clocks change and by how much", "[scheduler][zone]") {
  const TimeZone berlin = *TimeZone::Load("Europe/Berlin");
  const TimeZone::Stretch summer = berlin.StretchAt(kSpring2027);
  REQUIRE(summer.begin == kSpring2027);
  REQUIRE(summer.end == kAutumn2027);
  REQUIRE(summer.offset == 7200);
  REQUIRE(summer.offset_before == 3600);
  const TimeZone::Stretch winter = berlin.StretchAt(kSpring2027 - 1);
  REQUIRE(winter.end == kSpring2027);
  REQUIRE(winter.offset == 3600);
  REQUIRE(berlin.StretchAt(kAutumn2027).offset_before == 7200);
}

TEST_CASE("UTC is one stretch without end", "[scheduler][zone]") {
  for (const TimeZone& zone :
       {TimeZone::Utc(), *TimeZone::Load("UTC"), *TimeZone::Load("Etc/UTC")}) {
    const TimeZone::Stretch stretch = zone.StretchAt(0);
    REQUIRE(stretch.begin == kStretchNoBegin);
    REQUIRE(stretch.end == kStretchNoEnd);
    REQUIRE(stretch.offset == 0);
  }
}

TEST_CASE("half hours of daylight saving are known", "[scheduler][zone]") {
  const TimeZone zone = *TimeZone::Load("Australia/Lord_Howe");
  const TimeZone::Stretch stretch = zone.StretchAt(1'800'000'000);
  REQUIRE(stretch.offset - stretch.offset_before == 1800);
}

TEST_CASE("the clock on the wall shows date, time and day of the week", "[scheduler][zone]") {
  const TimeZone berlin = *TimeZone::Load("Europe/Berlin");
  REQUIRE(berlin.At(kSpring2027 * kNanosPerSecond - 1) == ClockReading{2027, 3, 28, 1, 59, 59, 0});
  REQUIRE(berlin.At(kSpring2027 * kNanosPerSecond) == ClockReading{2027, 3, 28, 3, 0, 0, 0});
  REQUIRE(ReadingOf(-1) == ClockReading{1969, 12, 31, 23, 59, 59, 3});
  REQUIRE(ReadingOf(951'827'696) == ClockReading{2000, 2, 29, 12, 34, 56, 2});
}

TEST_CASE("an unknown zone comes with the one that was meant", "[scheduler][zone]") {
  REQUIRE(Refused("Europe/Berlni") == "is not a time zone; did you mean Europe/Berlin?");
  REQUIRE(Refused("europe/berlin") == "is not a time zone; did you mean Europe/Berlin?");
  REQUIRE(Refused("Kolkata") == "is not a time zone; did you mean Asia/Kolkata?");
  REQUIRE(Refused("Mars/Olympus_Mons") ==
          "is not a time zone; write a name such as Europe/Berlin, or UTC");
  REQUIRE(Refused("").substr(0, 18) == "is not a time zone");
}

TEST_CASE("a zone cannot name a file elsewhere", "[scheduler][zone]") {
  for (const std::string name : {"/usr/share/zoneinfo/Europe/Berlin", "../zoneinfo/Europe/Berlin",
                                 "localtime", "file:Europe/Berlin", ":Europe/Berlin"}) {
    Refused(name);
  }
}

TEST_CASE("every listed zone can be loaded", "[scheduler][zone]") {
  const std::vector<std::string> names = TimeZoneNames();
  REQUIRE(names.size() > 400);
  REQUIRE(std::is_sorted(names.begin(), names.end()));
  for (const std::string& name : names) {
    CAPTURE(name);
    REQUIRE(TimeZone::Load(name));
  }
}

}  // namespace
}  // namespace ficus
