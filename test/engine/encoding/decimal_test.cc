#include "engine/encoding/decimal.h"

#include <bit>
#include <cmath>
#include <limits>

#include <catch2/catch.hpp>

#include "engine/base/random.h"
#include "test/engine/encoding/distributions.h"
#include "test/support/seed.h"

namespace ficus {
namespace {

std::vector<uint64_t> Restored(const Decimals& decimals, const std::vector<uint64_t>& words) {
  std::vector<uint64_t> restored = decimals.integers;
  FromDecimals(decimals.exponent, restored);
  for (const uint32_t position : decimals.positions) restored[position] = words[position];
  return restored;
}

}  // namespace

TEST_CASE("numbers with two decimals become integers without exception", "[decimal]") {
  std::vector<uint64_t> words;
  for (int i = -5000; i < 5000; ++i) {
    if (i != 0) words.push_back(std::bit_cast<uint64_t>(i / 100.0));
  }
  const auto decimals = ToDecimals(words);
  REQUIRE(decimals);
  REQUIRE(decimals->exponent == 2);
  REQUIRE(decimals->positions.empty());
  REQUIRE(decimals->integers[0] == static_cast<uint64_t>(int64_t{-5000}));
  REQUIRE((Restored(*decimals, words) == words));
}

TEST_CASE("what is not decimal becomes an exception", "[decimal]") {
  std::vector<uint64_t> words;
  for (int i = 1; i <= 100; ++i) words.push_back(std::bit_cast<uint64_t>(i / 10.0));
  const uint64_t special =
      GENERATE(uint64_t{0x8000000000000000}, uint64_t{0x7ff8dead0000beef},
               uint64_t{0x7ff0000000000000}, uint64_t{0x0000000000000001},
               std::bit_cast<uint64_t>(1.0 / 3), std::bit_cast<uint64_t>(1e300));
  words[0] = special;
  words[1] = special;
  words[50] = special;
  const auto decimals = ToDecimals(words);
  REQUIRE(decimals);
  REQUIRE(decimals->positions == std::vector<uint32_t>{0, 1, 50});
  REQUIRE(decimals->integers[0] == decimals->integers[2]);
  REQUIRE(decimals->integers[50] == decimals->integers[49]);
  REQUIRE((Restored(*decimals, words) == words));
}

TEST_CASE("decimals of every distribution restore it", "[decimal]") {
  SeededRandom random(TestSeed(1));
  for (const Distribution& distribution : Distributions()) {
    for (const size_t count : {1u, 2u, 50u, 3000u}) {
      const auto words = Generate(distribution.name, count, random);
      const auto decimals = ToDecimals(words);
      CAPTURE(std::string(distribution.name), count);
      if (decimals) REQUIRE((Restored(*decimals, words) == words));
    }
  }
}

TEST_CASE("random doubles are not taken for decimals", "[decimal]") {
  SeededRandom random(TestSeed(2));
  REQUIRE_FALSE(ToDecimals(Generate("random floats", 1000, random)));
}

}  // namespace ficus
