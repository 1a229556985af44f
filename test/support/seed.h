// The seed of a randomised test: FICUS_TEST_SEED when set, so that a failed run can be repeated,
// else `default_seed`. Show it on failure: `const uint64_t seed = TestSeed(1); CAPTURE(seed);`
#pragma once

#include <cstdint>
#include <cstdlib>

namespace ficus {

inline uint64_t TestSeed(uint64_t default_seed) {
  const char* text = std::getenv("FICUS_TEST_SEED");
  return text == nullptr ? default_seed : std::strtoull(text, nullptr, 0);
}

// FICUS_TEST_ROUNDS when set, else `default_rounds`: how often a randomised test repeats itself;
// longer at night.
inline int TestRounds(int default_rounds) {
  const char* text = std::getenv("FICUS_TEST_ROUNDS");
  return text == nullptr ? default_rounds : std::atoi(text);
}

}  // namespace ficus
