// Reversible steps on words before they are packed: deltas, scaling, order of floats. All
// arithmetic wraps, so every step is undone exactly whatever the words are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace ficus {

// Calls `f` for a reference to each word. The inner loop has a fixed length, which is what g++ -O2
// needs to turn it into vector instructions.
template <typename F>
void ForEachWord(std::span<uint64_t> words, F f) {
  constexpr size_t kBlock = 64;
  uint64_t* at = words.data();
  size_t left = words.size();
  for (; left >= kBlock; left -= kBlock, at += kBlock) {
    for (size_t i = 0; i < kBlock; ++i) f(at[i]);
  }
  for (size_t i = 0; i < left; ++i) f(at[i]);
}

// words[i + 1] - words[i]: one fewer than there are words.
std::vector<uint64_t> Deltas(std::span<const uint64_t> words);

// Fills words[i] = words[i - 1] + words[i] from the second on: the inverse of Deltas.
void SumDeltas(std::span<uint64_t> words);

// The greatest number that divides all differences to the first word, taken as signed; 0 when they
// are all 0.
uint64_t CommonDivisor(std::span<const uint64_t> words);

// The differences to the first word divided by `divisor`.
std::vector<uint64_t> Scaled(std::span<const uint64_t> words, uint64_t divisor);

// Maps the bits of doubles to signed integers in the order of the doubles (negative NaNs first,
// positive NaNs last), and back: it is its own inverse.
constexpr uint64_t OrderedBits(uint64_t bits) {
  return bits ^ (static_cast<uint64_t>(static_cast<int64_t>(bits) >> 63) >> 1);
}

}  // namespace ficus
