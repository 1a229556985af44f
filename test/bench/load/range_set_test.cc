#include "bench/load/range_set.h"

#include <set>

#include <catch2/catch.hpp>

#include "engine/base/random.h"
#include "test/support/seed.h"

namespace ficus::load {
namespace {

TEST_CASE("a range set holds what a plain set holds", "[load]") {
  const uint64_t seed = TestSeed(1);
  CAPTURE(seed);
  SeededRandom random(seed);
  for (int round = 0; round < 50; ++round) {
    RangeSet ranges;
    std::set<uint64_t> plain;
    for (int i = 0; i < 30; ++i) {
      const uint64_t first = random.Below(200);
      const uint64_t count = random.Below(12);
      ranges.Add(first, count);
      for (uint64_t number = first; number < first + count; ++number) plain.insert(number);
      REQUIRE(ranges.size() == plain.size());
      REQUIRE(ranges.end() == (plain.empty() ? 0 : *plain.rbegin() + 1));
    }
    for (uint64_t number = 0; number < 220; ++number) {
      REQUIRE(ranges.Contains(number) == (plain.count(number) > 0));
    }
  }
}

TEST_CASE("neighbouring ranges become one", "[load]") {
  RangeSet ranges;
  ranges.Add(10, 5);
  ranges.Add(20, 5);
  REQUIRE(ranges.ranges().size() == 2);
  ranges.Add(15, 5);
  REQUIRE(ranges.ranges() == std::map<uint64_t, uint64_t>{{10, 25}});
}

}  // namespace
}  // namespace ficus::load
