#include "engine/encoding/spread.h"

#include <algorithm>
#include <cstring>

namespace ficus {
namespace {

constexpr size_t kLanes = 4;
using Lanes = int64_t __attribute__((vector_size(kLanes * sizeof(int64_t))));

// SSE2 cannot compare 64-bit integers; the plain loop is the faster one there.
__attribute__((target("avx2"))) Spread SpreadAvx2(std::span<const uint64_t> words) {
  Lanes low;
  std::memcpy(&low, words.data(), sizeof low);
  Lanes high = low;
  for (size_t i = kLanes; i + kLanes <= words.size(); i += kLanes) {
    Lanes lanes;
    std::memcpy(&lanes, words.data() + i, sizeof lanes);
    low = lanes < low ? lanes : low;
    high = lanes > high ? lanes : high;
  }
  // The last lanes may overlap those before them.
  Lanes last;
  std::memcpy(&last, words.data() + words.size() - kLanes, sizeof last);
  low = last < low ? last : low;
  high = last > high ? last : high;
  Spread spread{low[0], high[0]};
  for (size_t lane = 1; lane < kLanes; ++lane) {
    spread.low = std::min<int64_t>(spread.low, low[lane]);
    spread.high = std::max<int64_t>(spread.high, high[lane]);
  }
  return spread;
}

bool HasAvx2() {
  static const bool has = __builtin_cpu_supports("avx2") != 0;
  return has;
}

}  // namespace

Spread SpreadPlainly(std::span<const uint64_t> words) {
  Spread spread{static_cast<int64_t>(words[0]), static_cast<int64_t>(words[0])};
  for (const uint64_t word : words) {
    spread.low = std::min(spread.low, static_cast<int64_t>(word));
    spread.high = std::max(spread.high, static_cast<int64_t>(word));
  }
  return spread;
}

Spread SpreadOf(std::span<const uint64_t> words) {
  return words.size() >= 2 * kLanes && HasAvx2() ? SpreadAvx2(words) : SpreadPlainly(words);
}

}  // namespace ficus
