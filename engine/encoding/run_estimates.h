// Cheap looks at a run of words, to decide what is worth trying on it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace ficus {

// How many times a word differs from the one before it, plus one. Not for no words.
size_t CountRuns(std::span<const uint64_t> words);

// True when at most three quarters of a sample are distinct.
bool LooksRepetitive(std::span<const uint64_t> words);

// The share of words that stand in a stretch of at least four which occurred before in the run:
// what a compressor that looks for matches lives on.
double RepeatedShare(std::span<const uint64_t> words);

}  // namespace ficus
