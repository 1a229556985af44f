#include "engine/encoding/decimal.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

#include "engine/base/check.h"
#include "engine/encoding/word_transforms.h"

namespace ficus {
namespace {

constexpr std::array<double, kDecimalExponentMax + 1> kPowers = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

// Adding 1.5 * 2^52 to a double below 2^51 rounds it to an integer, which then stands in the low
// bits; subtracting the bits of the sum's zero gives the integer. Both directions are one addition,
// also where the processor has no conversion between 64-bit integers and doubles.
constexpr double kRounder = 6755399441055744.0;
constexpr double kLimit = 2251799813685248.0;  // 2^51

inline uint64_t IntegerOf(double rounded) {
  return std::bit_cast<uint64_t>(rounded) - std::bit_cast<uint64_t>(kRounder);
}

inline uint64_t DoubleBits(uint64_t integer, double power) {
  const double rounded = std::bit_cast<double>(integer + std::bit_cast<uint64_t>(kRounder));
  return std::bit_cast<uint64_t>((rounded - kRounder) / power);
}

// The integer of the double with the bits `word`; whether it gives back the same bits.
inline bool TryDecimal(uint64_t word, double power, uint64_t& integer) {
  const double scaled = std::bit_cast<double>(word) * power;
  integer = IntegerOf(scaled + kRounder);
  return std::abs(scaled) < kLimit && DoubleBits(integer, power) == word;
}

constexpr int kTooLong = -1;

int SmallestExponent(uint64_t word) {
  uint64_t integer = 0;
  for (int exponent = 0; exponent <= kDecimalExponentMax; ++exponent) {
    if (TryDecimal(word, kPowers[static_cast<size_t>(exponent)], integer)) return exponent;
  }
  return kTooLong;
}

struct Sample {
  std::array<uint64_t, 32> words;
  size_t size = 0;
};

Sample TakeSample(std::span<const uint64_t> words) {
  Sample sample;
  sample.size = std::min(words.size(), sample.words.size());
  for (size_t i = 0; i < sample.size; ++i) sample.words[i] = words[i * words.size() / sample.size];
  return sample;
}

constexpr size_t kExceptionBits = 80;

size_t BitsWith(int exponent, const Sample& sample) {
  const double power = kPowers[static_cast<size_t>(exponent)];
  int64_t low = 0;
  int64_t high = 0;
  size_t fitting = 0;
  for (size_t i = 0; i < sample.size; ++i) {
    uint64_t integer = 0;
    if (!TryDecimal(sample.words[i], power, integer)) continue;
    const auto number = static_cast<int64_t>(integer);
    low = fitting == 0 ? number : std::min(low, number);
    high = fitting == 0 ? number : std::max(high, number);
    ++fitting;
  }
  const auto width = static_cast<size_t>(std::bit_width(static_cast<uint64_t>(high - low)));
  return fitting * width + (sample.size - fitting) * kExceptionBits;
}

// The exponent with the fewest bits, if it saves anything.
std::optional<int> ChooseExponent(std::span<const uint64_t> words) {
  const Sample sample = TakeSample(words);
  std::array<bool, kDecimalExponentMax + 1> wanted{};
  for (size_t i = 0; i < sample.size; ++i) {
    const int exponent = SmallestExponent(sample.words[i]);
    if (exponent != kTooLong) wanted[static_cast<size_t>(exponent)] = true;
  }
  std::optional<int> best;
  size_t best_bits = 60 * sample.size;
  for (int exponent = 0; exponent <= kDecimalExponentMax; ++exponent) {
    if (!wanted[static_cast<size_t>(exponent)]) continue;
    const size_t bits = BitsWith(exponent, sample);
    if (bits < best_bits) {
      best_bits = bits;
      best = exponent;
    }
  }
  return best;
}

}  // namespace

std::optional<Decimals> ToDecimals(std::span<const uint64_t> words) {
  const std::optional<int> exponent = ChooseExponent(words);
  if (!exponent) return std::nullopt;
  const double power = kPowers[static_cast<size_t>(*exponent)];
  Decimals decimals{*exponent, std::vector<uint64_t>(words.size()), {}};
  const size_t exceptions_max = words.size() / 2;
  for (size_t i = 0; i < words.size(); ++i) {
    if (TryDecimal(words[i], power, decimals.integers[i])) continue;
    if (decimals.positions.size() == exceptions_max) return std::nullopt;
    decimals.positions.push_back(static_cast<uint32_t>(i));
    decimals.integers[i] = i == 0 ? 0 : decimals.integers[i - 1];
  }
  // Exceptions at the very front repeat what follows them.
  size_t front = 0;
  while (front < decimals.positions.size() && decimals.positions[front] == front) ++front;
  std::fill_n(decimals.integers.begin(), front, decimals.integers[front]);
  return decimals;
}

void FromDecimals(int exponent, std::span<uint64_t> words) {
  CHECK(exponent >= 0 && exponent <= kDecimalExponentMax) << exponent;
  const double power = kPowers[static_cast<size_t>(exponent)];
  ForEachWord(words, [power](uint64_t& word) { word = DoubleBits(word, power); });
}

}  // namespace ficus
