// Doubles that were decimal numbers of few digits, as integers and one power of ten.
//
// A double v becomes the integer d nearest to v * 10^exponent if d / 10^exponent has exactly the
// bits of v; any other value is an exception and kept as it is. After ALP (Afroozeh, Kuffo, Boncz,
// SIGMOD 2024); unlike there, decoding divides by the power of ten, which IEEE 754 rounds
// correctly, instead of multiplying by its inexact inverse and by a second power: one exponent is
// searched instead of a pair, and more values come back exactly.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace ficus {

// 10^22 is the largest power of ten that is a double.
inline constexpr int kDecimalExponentMax = 22;

struct Decimals {
  int exponent = 0;
  std::vector<uint64_t> integers;   // one per value; that of an exception repeats a neighbour's
  std::vector<uint32_t> positions;  // of the exceptions, ascending
};

// The doubles with the bits `words` as decimals; nothing when that would hardly help.
std::optional<Decimals> ToDecimals(std::span<const uint64_t> words);

// Replaces integers by the bits of the doubles. Any integers are valid, 0 <= exponent <=
// kDecimalExponentMax (CHECKed).
void FromDecimals(int exponent, std::span<uint64_t> words);

}  // namespace ficus
