#include "engine/encoding/frames.h"

#include <algorithm>
#include <array>
#include <bit>

#include "engine/encoding/bit_packing.h"
#include "engine/encoding/spread.h"

namespace ficus {
namespace {

constexpr uint8_t kHasExceptions = 0x80;

int Width(uint64_t value) { return static_cast<int>(std::bit_width(value)); }

int PositionWidth(size_t count) { return Width(count - 1); }

size_t BytesOf(size_t count, int width, size_t exceptions, int spread_width) {
  constexpr size_t kHeadBytes = 4;
  const auto exception_bits =
      static_cast<size_t>(PositionWidth(count)) + static_cast<size_t>(spread_width) + 8;
  return kHeadBytes + PackedBytes(count, width) + exceptions * exception_bits / 8;
}

// What a few values tell about where most of a frame lies.
struct Middle {
  int64_t center;
  int width;  // of the spread without the outermost eighths
};

Middle MiddleOf(std::span<const uint64_t> values) {
  std::array<int64_t, 32> sample;
  const size_t count = std::min(values.size(), sample.size());
  for (size_t i = 0; i < count; ++i) {
    sample[i] = static_cast<int64_t>(values[i * values.size() / count]);
  }
  std::sort(sample.begin(), sample.begin() + static_cast<ptrdiff_t>(count));
  const Spread inner{sample[count / 8], sample[count - 1 - count / 8]};
  return {sample[count / 2], inner.width()};
}

// How many values lie at which distance below and above a center, by the width of the distance.
// Counted on a sample of about 256 values, as numbers of all values.
struct Distances {
  std::array<uint32_t, 65> below{};
  std::array<uint32_t, 65> above{};
};

Distances DistancesFrom(int64_t center, std::span<const uint64_t> values) {
  constexpr size_t kSample = 256;
  const size_t step = std::max<size_t>(1, values.size() / kSample);
  Distances distances;
  for (size_t i = 0; i < values.size(); i += step) {
    const bool is_above = static_cast<int64_t>(values[i]) >= center;
    const uint64_t difference = values[i] - static_cast<uint64_t>(center);
    auto& side = is_above ? distances.above : distances.below;
    const size_t left = values.size() - i;
    side[static_cast<size_t>(Width(is_above ? difference : -difference))] +=
        static_cast<uint32_t>(std::min(step, left));
  }
  return distances;
}

uint64_t Reach(size_t width) { return width == 64 ? ~uint64_t{0} : (uint64_t{1} << width) - 1; }

// The values from center - below to center + above.
struct Around {
  int64_t center = 0;
  uint64_t below = 0;
  uint64_t above = 0;

  bool Holds(uint64_t value) const {
    const uint64_t difference = value - static_cast<uint64_t>(center);
    return static_cast<int64_t>(value) >= center ? difference <= above : -difference <= below;
  }
};

// Tries every pair of reaches below and above the center.
Around ChooseAround(std::span<const uint64_t> values, int spread_width, int64_t center) {
  const Distances distances = DistancesFrom(center, values);
  Around best;
  size_t best_bytes = ~size_t{0};
  size_t inside_below = 0;
  for (size_t below = 0; below <= 64; ++below) {
    if (below > 0 && distances.below[below] == 0) continue;
    inside_below += distances.below[below];
    size_t inside = inside_below;
    for (size_t above = 0; above <= 64; ++above) {
      if (above > 0 && distances.above[above] == 0) continue;
      inside += distances.above[above];
      const uint64_t reach = Reach(below) + Reach(above);
      const int width = reach < Reach(below) ? 64 : Width(reach);
      const size_t bytes = BytesOf(values.size(), width, values.size() - inside, spread_width);
      if (bytes < best_bytes) {
        best_bytes = bytes;
        best = {center, Reach(below), Reach(above)};
      }
    }
  }
  return best;
}

FramePlan PatchedPlan(std::span<const uint64_t> values, int spread_width, int64_t center) {
  const Around around = ChooseAround(values, spread_width, center);
  FramePlan plan;
  Spread inner;
  for (const uint64_t value : values) {
    if (!around.Holds(value)) {
      ++plan.exceptions;
      continue;
    }
    const auto number = static_cast<int64_t>(value);
    inner.low = plan.width++ == 0 ? number : std::min(inner.low, number);
    inner.high = plan.width == 1 ? number : std::max(inner.high, number);
  }
  plan.base = inner.low;
  plan.width = inner.width();
  plan.bytes = BytesOf(values.size(), plan.width, plan.exceptions, spread_width);
  return plan;
}

FramePlan PlanFrame(std::span<const uint64_t> values) {
  const Spread spread = SpreadOf(values);
  const int width = spread.width();
  const FramePlan plain{spread.low, width, 0, BytesOf(values.size(), width, 0, width)};
  if (width == 0) return plain;
  const Middle middle = MiddleOf(values);
  // Exceptions must save a good part of the width to be worth their search.
  if (width <= middle.width + middle.width / 4) return plain;
  const FramePlan patched = PatchedPlan(values, width, middle.center);
  return patched.bytes < plain.bytes ? patched : plain;
}

void EncodeFrame(std::span<const uint64_t> values, const FramePlan& frame, std::string& out) {
  const auto base = static_cast<uint64_t>(frame.base);
  std::array<uint64_t, kFrameValues> offsets;
  std::array<uint64_t, kFrameValues> positions;
  size_t exceptions = 0;
  const uint64_t reach = Reach(static_cast<size_t>(frame.width));
  for (size_t i = 0; i < values.size(); ++i) {
    offsets[i] = values[i] - base;
    positions[exceptions] = i;
    exceptions += offsets[i] > reach;
  }
  for (size_t i = 0; i < exceptions; ++i) offsets[positions[i]] = 0;

  out.push_back(static_cast<char>(frame.width | (exceptions > 0 ? kHasExceptions : 0)));
  PutVarint(out, ZigZag(frame.base));
  if (exceptions > 0) PutVarint(out, exceptions);
  PackBits({offsets.data(), values.size()}, frame.width, out);
  if (exceptions > 0) PackBits({positions.data(), exceptions}, PositionWidth(values.size()), out);
  for (size_t i = 0; i < exceptions; ++i) {
    PutVarint(out, ZigZag(static_cast<int64_t>(values[positions[i]] - base)));
  }
}

// The part of `values` that is the frame beginning at `begin`.
template <typename T>
std::span<T> FrameAt(std::span<T> values, size_t begin) {
  return values.subspan(begin, std::min(kFrameValues, values.size() - begin));
}

Error Corrupt(const char* what) { return {ErrorCode::kCorruption, std::string("frame: ") + what}; }

Result<> DecodeExceptions(ByteReader& reader, size_t exceptions, uint64_t base,
                          std::span<uint64_t> out) {
  const int width = PositionWidth(out.size());
  std::string_view packed;
  if (!reader.ReadBytes(PackedBytes(exceptions, width), packed)) return Corrupt("positions");
  std::array<uint64_t, kFrameValues> positions;
  UnpackBits(packed, width, {positions.data(), exceptions});
  for (size_t i = 0; i < exceptions; ++i) {
    uint64_t offset = 0;
    if (!reader.ReadVarint(offset) || positions[i] >= out.size()) return Corrupt("exception");
    out[positions[i]] = base + static_cast<uint64_t>(UnZigZag(offset));
  }
  return Ok();
}

Result<> DecodeFrame(ByteReader& reader, std::span<uint64_t> out) {
  uint8_t head = 0;
  uint64_t zigzag_base = 0;
  uint64_t exceptions = 0;
  reader.ReadLittle(head);
  reader.ReadVarint(zigzag_base);
  if ((head & kHasExceptions) != 0) reader.ReadVarintAtMost(out.size(), exceptions);
  const int width = head & ~kHasExceptions;
  if (!reader.ok() || width > 64) return Corrupt("head");
  std::string_view packed;
  if (!reader.ReadBytes(PackedBytes(out.size(), width), packed)) return Corrupt("values");
  const auto base = static_cast<uint64_t>(UnZigZag(zigzag_base));
  UnpackBits(packed, width, out, base);
  return exceptions == 0 ? Ok() : DecodeExceptions(reader, exceptions, base, out);
}

}  // namespace

std::vector<FramePlan> PlanFrames(std::span<const uint64_t> values) {
  std::vector<FramePlan> plans;
  for (size_t begin = 0; begin < values.size(); begin += kFrameValues) {
    plans.push_back(PlanFrame(FrameAt(values, begin)));
  }
  return plans;
}

void EncodeFrames(std::span<const uint64_t> values, std::span<const FramePlan> plans,
                  std::string& out) {
  for (size_t i = 0; i < plans.size(); ++i) {
    EncodeFrame(FrameAt(values, i * kFrameValues), plans[i], out);
  }
}

Result<> DecodeFrames(ByteReader& reader, std::span<uint64_t> out) {
  for (size_t begin = 0; begin < out.size(); begin += kFrameValues) {
    RETURN_IF_ERROR(DecodeFrame(reader, FrameAt(out, begin)));
  }
  return Ok();
}

}  // namespace ficus
