#include "engine/encoding/run_estimates.h"

#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/random.h"
#include "test/engine/encoding/distributions.h"
#include "test/support/seed.h"

namespace ficus {

TEST_CASE("runs of equal words are counted", "[words]") {
  REQUIRE(CountRuns(std::vector<uint64_t>{7}) == 1);
  REQUIRE(CountRuns(std::vector<uint64_t>{7, 7, 8, 7, 7}) == 3);
}

TEST_CASE("a sample tells repetitive words from distinct ones", "[words]") {
  SeededRandom random(TestSeed(1));
  REQUIRE(LooksRepetitive(Generate("few floats", 5000, random)));
  REQUIRE(LooksRepetitive(Generate("status codes", 10, random)));
  REQUIRE_FALSE(LooksRepetitive(Generate("random bits", 5000, random)));
  REQUIRE_FALSE(LooksRepetitive(Generate("minutes", 5000, random)));
}

TEST_CASE("the repeated share is that of stretches that occurred before", "[words]") {
  SeededRandom random(TestSeed(2));
  std::vector<uint64_t> words = Generate("random bits", 1000, random);
  REQUIRE(RepeatedShare(words) == 0);
  REQUIRE(RepeatedShare(std::vector<uint64_t>(3)) == 0);
  words.insert(words.end(), words.begin() + 500, words.begin() + 1000);
  REQUIRE(RepeatedShare(words) == Approx(1.0 / 3).margin(0.03));
  REQUIRE(RepeatedShare(Generate("period of a day", 4320, random)) > 0.6);
}

}  // namespace ficus
