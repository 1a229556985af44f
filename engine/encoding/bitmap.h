// Bitmaps of rows (which have a value, which are deletions) in few bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace ficus {

// Appends `count` bits; bit i is words[i / 64] >> (i % 64) & 1. Bits beyond `count` must be 0
// (CHECKed).
void EncodeBitmap(std::span<const uint64_t> words, size_t count, std::string& out);

// Fills `words` ((count + 63) / 64 of them). kCorruption for foreign bytes and for bits set beyond
// `count`.
Result<> DecodeBitmap(std::string_view encoded, size_t count, std::span<uint64_t> words);

}  // namespace ficus
