#include "engine/encoding/spread.h"

#include <limits>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/random.h"
#include "test/support/seed.h"

namespace ficus {

TEST_CASE("the spread agrees with the plain version wherever the ends are", "[words]") {
  SeededRandom random(TestSeed(1));
  for (size_t count = 1; count <= 40; ++count) {
    for (size_t end = 0; end < count; ++end) {
      std::vector<uint64_t> words(count);
      for (uint64_t& word : words) word = random.Below(1000) - 500;
      words[end] = random.Below(2) == 0 ? 1ULL << 63 : ~0ULL >> 1;
      const Spread spread = SpreadOf(words);
      const Spread plain = SpreadPlainly(words);
      REQUIRE(spread.low == plain.low);
      REQUIRE(spread.high == plain.high);
    }
  }
}

TEST_CASE("the width of a spread is that of its difference", "[words]") {
  REQUIRE(Spread{5, 5}.width() == 0);
  REQUIRE(Spread{-1, 0}.width() == 1);
  REQUIRE(
      Spread{std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()}.width() ==
      64);
}

}  // namespace ficus
