// Patched frame of reference: a run cut into frames, each with a base, a width and the few values
// that do not fit.
//
// The base is chosen so that most values lie in [base, base + 2^width); the others are stored aside
// with their position, so that one spike does not widen a thousand values. Values are signed
// numbers in two's complement. Layout: FILE-FORMAT.md, "Encodings". After PFOR (Zukowski et al.,
// ICDE 2006); here outliers may lie on both sides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "engine/base/bytes.h"
#include "engine/base/result.h"

namespace ficus {

inline constexpr size_t kFrameValues = 1024;

// Appends the frames of `values`.
void EncodeFrames(std::span<const uint64_t> values, std::string& out);

// The bytes that EncodeFrames would append, nearly: exceptions are counted, not measured.
size_t EstimateFrames(std::span<const uint64_t> values);

// Fills `out` with frames from the front of `reader`.
Result<> DecodeFrames(ByteReader& reader, std::span<uint64_t> out);

}  // namespace ficus
