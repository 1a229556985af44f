#include "engine/encoding/dictionary.h"

#include <algorithm>

#include <catch2/catch.hpp>

#include "engine/base/random.h"
#include "test/support/seed.h"

namespace ficus {

TEST_CASE("a dictionary lists its words once, in order, and its codes name them", "[dictionary]") {
  SeededRandom random(TestSeed(1));
  for (const uint64_t distinct : {1, 2, 10, 500}) {
    std::vector<uint64_t> words(2000);
    for (uint64_t& word : words) word = (random.Below(distinct) - distinct / 2) * 0x123456789abcdef;
    const auto dictionary = MakeDictionary(words, 1000);
    REQUIRE(dictionary);
    REQUIRE(dictionary->values.size() <= distinct);
    REQUIRE(std::is_sorted(
        dictionary->values.begin(), dictionary->values.end(),
        [](uint64_t a, uint64_t b) { return static_cast<int64_t>(a) < static_cast<int64_t>(b); }));
    REQUIRE(std::adjacent_find(dictionary->values.begin(), dictionary->values.end()) ==
            dictionary->values.end());
    for (size_t i = 0; i < words.size(); ++i) {
      REQUIRE(dictionary->values[dictionary->codes[i]] == words[i]);
    }
  }
}

TEST_CASE("there is no dictionary with more words than allowed", "[dictionary]") {
  const std::vector<uint64_t> words = {1, 2, 3, 1};
  REQUIRE(MakeDictionary(words, 3));
  REQUIRE_FALSE(MakeDictionary(words, 2));
  REQUIRE_FALSE(MakeDictionary(words, 0));
}

}  // namespace ficus
