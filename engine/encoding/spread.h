// The smallest and the largest of some signed words.
#pragma once

#include <bit>
#include <cstdint>
#include <span>

namespace ficus {

struct Spread {
  int64_t low = 0;
  int64_t high = 0;

  // Bits that the difference needs.
  int width() const {
    return static_cast<int>(
        std::bit_width(static_cast<uint64_t>(high) - static_cast<uint64_t>(low)));
  }
};

// Of at least one word. Uses AVX2 where the processor has it.
Spread SpreadOf(std::span<const uint64_t> words);

// The same in the plainest way: what the tests compare SpreadOf with.
Spread SpreadPlainly(std::span<const uint64_t> words);

}  // namespace ficus
