// The schemes of a run of words: the first byte of its encoding. Numbers are part of the file
// format. Layout of each: FILE-FORMAT.md, "Encodings".
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace ficus {

enum class WordScheme : uint8_t {
  kRaw = 1,
  kConst = 2,
  kLinear = 3,
  kRuns = 4,
  kDictionary = 5,
  kFor = 6,
  kDeltaFor = 7,
  kDelta2For = 8,
  kAns = 9,
  kDeltaAns = 10,
  kDelta2Ans = 11,
  kVarint = 12,
  kDeltaVarint = 13,
  kScaled = 14,
  kDecimal = 15,
  kOrdered = 16,
  kZstd = 17,
};

// Schemes hold other encoded runs; deeper than this is corruption.
inline constexpr int kWordNestingMax = 8;

// What a compressed run of `count` words may hold before compression: varints need up to ten bytes
// a word.
constexpr size_t ZstdContentMax(size_t count) { return 64 + 10 * count; }

// The name of a scheme, "unknown" for foreign numbers.
std::string_view WordSchemeName(uint8_t scheme);

}  // namespace ficus
