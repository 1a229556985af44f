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
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/result.h"

namespace ficus {

inline constexpr size_t kFrameValues = 1024;

// How one frame is stored.
struct FramePlan {
  int64_t base = 0;
  int width = 0;
  size_t exceptions = 0;
  size_t bytes = 0;  // exceptions are guessed, not measured
};

// One plan for each frame of `values`.
std::vector<FramePlan> PlanFrames(std::span<const uint64_t> values);

// Appends `values` as planned for them.
void EncodeFrames(std::span<const uint64_t> values, std::span<const FramePlan> plans,
                  std::string& out);

// Fills `out` with frames from the front of `reader`.
Result<> DecodeFrames(ByteReader& reader, std::span<uint64_t> out);

}  // namespace ficus
