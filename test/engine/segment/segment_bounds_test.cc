#include "engine/segment/segment_bounds.h"

#include <string>

#include <catch2/catch.hpp>

namespace ficus {
namespace {

// 2026-11-20T07:30:00Z
constexpr UnixNanos kMorning = 1'795'159'800LL * kNanosPerSecond;
constexpr UnixNanos kMidnight = 1'795'132'800LL * kNanosPerSecond;

TEST_CASE("a day segment begins at midnight UTC", "[segment]") {
  const TimeRange bounds = BoundsFor(kMorning, SegmentUnit::kDay, 1, {});
  REQUIRE(bounds == TimeRange{kMidnight, kMidnight + kNanosPerDay});
  REQUIRE(SegmentDirectoryName(bounds.begin, SegmentUnit::kDay) == "seg-20261120");
}

TEST_CASE("an hour segment begins at the hour", "[segment]") {
  const TimeRange bounds = BoundsFor(kMorning, SegmentUnit::kHour, 1, {});
  REQUIRE(bounds.begin == kMidnight + 7 * kNanosPerHour);
  REQUIRE(bounds.end == kMidnight + 8 * kNanosPerHour);
  REQUIRE(SegmentDirectoryName(bounds.begin, SegmentUnit::kHour) == "seg-2026112007");
}

TEST_CASE("times before 1970 have segments, too", "[segment]") {
  const TimeRange bounds = BoundsFor(-1, SegmentUnit::kDay, 1, {});
  REQUIRE(bounds == TimeRange{-kNanosPerDay, 0});
  REQUIRE(SegmentDirectoryName(bounds.begin, SegmentUnit::kDay) == "seg-19691231");
}

TEST_CASE("a segment is cut where it would overlap its neighbours", "[segment]") {
  // The interval was an hour, then became a day.
  const TimeRange hour{kMidnight + 6 * kNanosPerHour, kMidnight + 7 * kNanosPerHour};
  const TimeRange later{kMidnight + 20 * kNanosPerHour, kMidnight + 21 * kNanosPerHour};
  const TimeRange bounds = BoundsFor(kMorning, SegmentUnit::kDay, 1, {hour, later});
  REQUIRE(bounds == TimeRange{hour.end, later.begin});
  REQUIRE(SegmentDirectoryName(bounds.begin, SegmentUnit::kDay) == "seg-2026112007");
}

TEST_CASE("a segment of which only the name is known ends where its layout or its name says",
          "[segment]") {
  REQUIRE(LatestEndFor("seg-20261120", kMidnight, SegmentUnit::kDay, 1) ==
          kMidnight + kNanosPerDay);
  // The interval was a day, then became an hour.
  REQUIRE(LatestEndFor("seg-20261120", kMidnight, SegmentUnit::kHour, 1) ==
          kMidnight + kNanosPerDay);
  const UnixNanos seven = kMidnight + 7 * kNanosPerHour;
  REQUIRE(LatestEndFor("seg-2026112007", seven, SegmentUnit::kHour, 1) == seven + kNanosPerHour);
  REQUIRE(LatestEndFor("seg-2026112007", seven, SegmentUnit::kDay, 1) == kMidnight + kNanosPerDay);
}

TEST_CASE("the ends of time have segments", "[segment]") {
  for (const UnixNanos time : {TimeRange::All().begin, TimeRange::All().end - 1}) {
    const TimeRange bounds = BoundsFor(time, SegmentUnit::kDay, 30, {});
    REQUIRE(bounds.Contains(time));
  }
}

TEST_CASE("a directory name says when its segment begins", "[segment]") {
  for (const UnixNanos begin : {UnixNanos{0}, kMidnight, kMidnight + 7 * kNanosPerHour}) {
    UnixNanos parsed = -1;
    REQUIRE(ParseSegmentDirectoryName(SegmentDirectoryName(begin, SegmentUnit::kDay), parsed));
    REQUIRE(parsed == begin);
  }
  UnixNanos parsed = 0;
  for (const SegmentUnit unit : {SegmentUnit::kHour, SegmentUnit::kDay}) {
    for (const UnixNanos time : {TimeRange::All().begin, TimeRange::All().begin + kNanosPerDay,
                                 TimeRange::All().end - 1}) {
      const UnixNanos begin = BoundsFor(time, unit, 1, {}).begin;
      CAPTURE(SegmentDirectoryName(begin, unit));
      REQUIRE(ParseSegmentDirectoryName(SegmentDirectoryName(begin, unit), parsed));
      REQUIRE(parsed == begin);
    }
  }
  for (const char* name : {"seg-", "seg-2026112", "seg-20261320", "seg-20260230", "seg-2026112024",
                           "seg--0261120", "shard-0", "seg-20261120x", "seg-99991120",
                           "seg-16770920", "seg-16770921", "seg-22620412"}) {
    CAPTURE(name);
    REQUIRE(!ParseSegmentDirectoryName(name, parsed));
  }
}

}  // namespace
}  // namespace ficus
