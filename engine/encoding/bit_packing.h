// Unsigned integers in `width` bits each, back to back: the form in which most columns lie on disk.
//
// Values go in groups of 256 as four lanes of 64, so that one step of four values is one shift of a
// vector register; what remains below 256 is packed one after another. Layout: FILE-FORMAT.md,
// "Encodings". After the interleaved layouts of Lemire et al. (SIMD-BP128) and FastLanes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace ficus {

inline constexpr size_t kPackGroup = 256;

// Bytes of `count` values of `width` bits, 0 <= width <= 64. No overflow up to 2^56 values.
constexpr size_t PackedBytes(size_t count, int width) {
  return (count * static_cast<size_t>(width) + 7) / 8;
}

// Appends PackedBytes(values.size(), width) bytes. Every value is below 2^width (not checked:
// higher bits would spoil neighbours).
void PackBits(std::span<const uint64_t> values, int width, std::string& out);

// Fills `out` from exactly PackedBytes(out.size(), width) bytes (CHECKed), `base` added to each
// value. Any bytes are valid.
void UnpackBits(std::string_view packed, int width, std::span<uint64_t> out, uint64_t base = 0);

// The same without a base, bit by bit: what the tests compare UnpackBits with.
void UnpackBitsPlainly(std::string_view packed, int width, std::span<uint64_t> out);

}  // namespace ficus
