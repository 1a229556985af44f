#include "engine/encoding/word_transforms.h"

#include <numeric>

namespace ficus {
namespace {

uint64_t Magnitude(uint64_t difference) {
  return static_cast<int64_t>(difference) < 0 ? -difference : difference;
}

}  // namespace

std::vector<uint64_t> Deltas(std::span<const uint64_t> words) {
  std::vector<uint64_t> deltas(words.empty() ? 0 : words.size() - 1);
  for (size_t i = 0; i < deltas.size(); ++i) deltas[i] = words[i + 1] - words[i];
  return deltas;
}

void SumDeltas(std::span<uint64_t> words) {
  uint64_t sum = 0;
  for (uint64_t& word : words) {
    sum += word;
    word = sum;
  }
}

uint64_t CommonDivisor(std::span<const uint64_t> words) {
  uint64_t divisor = 0;
  for (const uint64_t word : words) {
    const uint64_t magnitude = Magnitude(word - words[0]);
    if (divisor == 0 || magnitude % divisor != 0) divisor = std::gcd(divisor, magnitude);
    if (divisor == 1) return 1;
  }
  return divisor;
}

std::vector<uint64_t> Scaled(std::span<const uint64_t> words, uint64_t divisor) {
  std::vector<uint64_t> scaled(words.size());
  for (size_t i = 0; i < words.size(); ++i) {
    const uint64_t difference = words[i] - words[0];
    const uint64_t quotient = Magnitude(difference) / divisor;
    scaled[i] = static_cast<int64_t>(difference) < 0 ? -quotient : quotient;
  }
  return scaled;
}

}  // namespace ficus
