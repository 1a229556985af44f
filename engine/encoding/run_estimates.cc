#include "engine/encoding/run_estimates.h"

#include <algorithm>
#include <array>
#include <bit>
#include <vector>

namespace ficus {
namespace {

constexpr size_t kStretch = 4;

uint64_t HashOfStretch(const uint64_t* words) {
  uint64_t hash = 0;
  for (size_t i = 0; i < kStretch; ++i) hash = (hash ^ words[i]) * 0x9e3779b97f4a7c15;
  return hash;
}

}  // namespace

size_t CountRuns(std::span<const uint64_t> words) {
  size_t runs = 1;
  for (size_t i = 1; i < words.size(); ++i) runs += words[i] != words[i - 1];
  return runs;
}

bool LooksRepetitive(std::span<const uint64_t> words) {
  std::array<uint64_t, 128> sample;
  const size_t count = std::min(words.size(), sample.size());
  for (size_t i = 0; i < count; ++i) sample[i] = words[i * words.size() / count];
  const auto end = sample.begin() + static_cast<ptrdiff_t>(count);
  std::sort(sample.begin(), end);
  const auto distinct = static_cast<size_t>(std::unique(sample.begin(), end) - sample.begin());
  return distinct * 4 <= count * 3;
}

double RepeatedShare(std::span<const uint64_t> words) {
  if (words.size() < 2 * kStretch) return 0;
  const auto table_bits = static_cast<int>(std::bit_width(words.size()));
  // Where a stretch with this hash was last seen, plus one.
  std::vector<uint32_t> seen(size_t{1} << table_bits);
  size_t repeated = 0;
  size_t next_free = 0;  // the first word that no counted stretch covers
  for (size_t i = 0; i + kStretch <= words.size(); ++i) {
    uint32_t& slot = seen[HashOfStretch(&words[i]) >> (64 - table_bits)];
    if (i >= next_free && slot > 0 &&
        std::equal(&words[i], &words[i] + kStretch, &words[slot - 1])) {
      repeated += kStretch;
      next_free = i + kStretch;
    }
    slot = static_cast<uint32_t>(i + 1);
  }
  return static_cast<double>(repeated) / static_cast<double>(words.size());
}

}  // namespace ficus
