#include "engine/encoding/word_transforms.h"

#include <algorithm>
#include <bit>
#include <limits>

#include <catch2/catch.hpp>

#include "engine/base/random.h"
#include "test/engine/encoding/distributions.h"
#include "test/support/seed.h"

namespace ficus {

TEST_CASE("summing deltas undoes taking them", "[words]") {
  SeededRandom random(TestSeed(1));
  for (const Distribution& distribution : Distributions()) {
    const auto words = Generate(distribution.name, 100, random);
    auto sums = Deltas(words);
    sums.insert(sums.begin(), words[0]);
    SumDeltas(sums);
    REQUIRE((sums == words));
  }
  REQUIRE(Deltas({}).empty());
  REQUIRE(Deltas(std::vector<uint64_t>{1}).empty());
}

TEST_CASE("scaled words multiply back, whatever their signs", "[words]") {
  SeededRandom random(TestSeed(2));
  for (int round = 0; round < TestRounds(200); ++round) {
    const uint64_t factor = 1 + random.Below(1000000);
    std::vector<uint64_t> words(50, random.Next());
    for (uint64_t& word : words) word += factor * (random.Below(2000) - 1000);
    const uint64_t divisor = CommonDivisor(words);
    REQUIRE(divisor % factor == 0);
    if (divisor == 0) continue;
    const auto scaled = Scaled(words, divisor);
    for (size_t i = 0; i < words.size(); ++i) REQUIRE(words[0] + scaled[i] * divisor == words[i]);
  }
  const std::vector<uint64_t> ends = {0, uint64_t{1} << 63};
  REQUIRE(CommonDivisor(ends) == uint64_t{1} << 63);
  REQUIRE(Scaled(ends, uint64_t{1} << 63)[1] == ~uint64_t{0});
  REQUIRE(CommonDivisor(std::vector<uint64_t>{5, 5}) == 0);
}

TEST_CASE("ordered bits sort as the doubles do and are their own inverse", "[words]") {
  const std::vector<double> ascending = {
      -std::numeric_limits<double>::infinity(), -1e300, -1, -1e-310, -0.0, 0.0, 1e-310, 1, 1e300,
      std::numeric_limits<double>::infinity()};
  for (size_t i = 1; i < ascending.size(); ++i) {
    const auto before =
        static_cast<int64_t>(OrderedBits(std::bit_cast<uint64_t>(ascending[i - 1])));
    const auto after = static_cast<int64_t>(OrderedBits(std::bit_cast<uint64_t>(ascending[i])));
    REQUIRE(before < after);
  }
  SeededRandom random(TestSeed(3));
  for (int i = 0; i < 1000; ++i) {
    const uint64_t bits = random.Next();
    REQUIRE(OrderedBits(OrderedBits(bits)) == bits);
  }
}

}  // namespace ficus
