#include "engine/model/time_range.h"

#include <catch2/catch.hpp>

namespace ficus {

TEST_CASE("a range holds its begin and not its end", "[model]") {
  const TimeRange range{10, 20};
  REQUIRE(range.Contains(10));
  REQUIRE(range.Contains(19));
  REQUIRE_FALSE(range.Contains(20));
  REQUIRE_FALSE(range.Contains(9));
}

TEST_CASE("ranges that only touch do not overlap", "[model]") {
  REQUIRE_FALSE(TimeRange{10, 20}.Overlaps(TimeRange{20, 30}));
  REQUIRE(TimeRange{10, 21}.Overlaps(TimeRange{20, 30}));
  REQUIRE(TimeRange{10, 20}.Intersect(TimeRange{20, 30}).empty());
  REQUIRE(TimeRange{10, 25}.Intersect(TimeRange{20, 30}) == TimeRange{20, 25});
}

TEST_CASE("the range of all time holds every other range", "[model]") {
  REQUIRE(TimeRange::All().Contains(TimeRange{-5, 5}));
  REQUIRE(TimeRange::All().Contains(std::numeric_limits<UnixNanos>::min()));
  REQUIRE(TimeRange{}.empty());
}

}  // namespace ficus
