// Runs of 8-byte words (integers, timestamps, doubles as bits) in few bytes, and back, bit for bit.
//
// The encoder looks at a sample and chooses per run: const, run lengths, dictionary, frame of
// reference or deltas with patched bit-packing, ALP for doubles with a verified round trip, zstd on
// top where it saves at least a tenth. Layout of each scheme: FILE-FORMAT.md, "Encodings".
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace ficus {

enum class WordKind : uint8_t { kInteger, kFloat };

// kFast for flushes; kSmall for merges, which may spend more time on fewer bytes.
enum class Effort : uint8_t { kFast, kSmall };

// A run in one block of a part.
inline constexpr size_t kRunValuesMax = 1 << 16;

// Appends the encoded run. 0 <= words.size() <= kRunValuesMax (CHECKed). The count is not stored.
void EncodeWords(std::span<const uint64_t> words, WordKind kind, Effort effort, std::string& out);

// Fills `out` (its size is the count that was encoded) from the whole of `encoded`. kCorruption,
// never a crash, for any other bytes; `out` is then unspecified.
Result<> DecodeWords(std::string_view encoded, std::span<uint64_t> out);

// The name of the scheme that `encoded` uses ("const", "delta-for", ...), for tools; "unknown" for
// foreign bytes.
std::string_view WordsSchemeName(std::string_view encoded);

}  // namespace ficus
