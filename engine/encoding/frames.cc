#include "engine/encoding/frames.h"

#include <algorithm>
#include <array>
#include <bit>

#include "engine/encoding/bit_packing.h"

namespace ficus {
namespace {

constexpr uint8_t kHasExceptions = 0x80;

int Width(uint64_t value) { return static_cast<int>(std::bit_width(value)); }

int PositionWidth(size_t count) { return Width(count - 1); }

struct Frame {
  int64_t base = 0;
  int width = 0;
  size_t exceptions = 0;

  size_t BytesOf(size_t count, int spread_width) const {
    constexpr size_t kHeadBytes = 4;
    const auto exception_bits = static_cast<size_t>(PositionWidth(count) + spread_width + 8);
    return kHeadBytes + PackedBytes(count, width) + exceptions * exception_bits / 8;
  }
};

struct Spread {
  int64_t low;
  int64_t high;

  int width() const { return Width(static_cast<uint64_t>(high) - static_cast<uint64_t>(low)); }
};

Spread SpreadOf(std::span<const uint64_t> values) {
  Spread spread{static_cast<int64_t>(values[0]), static_cast<int64_t>(values[0])};
  for (const uint64_t value : values) {
    spread.low = std::min(spread.low, static_cast<int64_t>(value));
    spread.high = std::max(spread.high, static_cast<int64_t>(value));
  }
  return spread;
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
struct Distances {
  std::array<uint32_t, 65> below{};
  std::array<uint32_t, 65> above{};
};

Distances DistancesFrom(int64_t center, std::span<const uint64_t> values) {
  Distances distances;
  for (const uint64_t value : values) {
    const bool is_above = static_cast<int64_t>(value) >= center;
    const uint64_t difference = value - static_cast<uint64_t>(center);
    auto& side = is_above ? distances.above : distances.below;
    ++side[static_cast<size_t>(Width(is_above ? difference : -difference))];
  }
  return distances;
}

uint64_t Reach(size_t width) { return width == 64 ? ~uint64_t{0} : (uint64_t{1} << width) - 1; }

// Tries every pair of reaches below and above the center, and measures the best one exactly.
Frame PatchedFrame(std::span<const uint64_t> values, const Spread& spread, int64_t center) {
  const Distances distances = DistancesFrom(center, values);
  Frame best{0, 65, 0};
  size_t best_bytes = ~size_t{0};
  uint64_t best_below = 0;
  uint64_t best_above = 0;
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
      const Frame frame{0, width, values.size() - inside};
      const size_t bytes = frame.BytesOf(values.size(), spread.width());
      if (bytes < best_bytes) {
        best_bytes = bytes;
        best = frame;
        best_below = Reach(below);
        best_above = Reach(above);
      }
    }
  }
  if (best.exceptions == 0) return {spread.low, spread.width(), 0};

  Spread inner{center, center};
  bool any = false;
  for (const uint64_t value : values) {
    const uint64_t difference = value - static_cast<uint64_t>(center);
    const bool is_above = static_cast<int64_t>(value) >= center;
    if (is_above ? difference > best_above : -difference > best_below) continue;
    const auto number = static_cast<int64_t>(value);
    inner = any ? Spread{std::min(inner.low, number), std::max(inner.high, number)}
                : Spread{number, number};
    any = true;
  }
  best.base = inner.low;
  best.width = inner.width();
  return best;
}

Frame PlanFrame(std::span<const uint64_t> values) {
  const Spread spread = SpreadOf(values);
  const Frame plain{spread.low, spread.width(), 0};
  const Middle middle = MiddleOf(values);
  // Exceptions must save a good part of the width to be worth their search.
  if (plain.width <= middle.width + middle.width / 4) return plain;
  return PatchedFrame(values, spread, middle.center);
}

void EncodeFrame(std::span<const uint64_t> values, std::string& out) {
  const Frame frame = PlanFrame(values);
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
  UnpackBits(packed, width, out);
  const auto base = static_cast<uint64_t>(UnZigZag(zigzag_base));
  for (uint64_t& value : out) value += base;
  return exceptions == 0 ? Ok() : DecodeExceptions(reader, exceptions, base, out);
}

}  // namespace

void EncodeFrames(std::span<const uint64_t> values, std::string& out) {
  for (size_t begin = 0; begin < values.size(); begin += kFrameValues) {
    EncodeFrame(values.subspan(begin, std::min(kFrameValues, values.size() - begin)), out);
  }
}

size_t EstimateFrames(std::span<const uint64_t> values) {
  size_t bytes = 0;
  for (size_t begin = 0; begin < values.size(); begin += kFrameValues) {
    const auto frame = values.subspan(begin, std::min(kFrameValues, values.size() - begin));
    const Frame plan = PlanFrame(frame);
    bytes += plan.BytesOf(frame.size(), SpreadOf(frame).width());
  }
  return bytes;
}

Result<> DecodeFrames(ByteReader& reader, std::span<uint64_t> out) {
  for (size_t begin = 0; begin < out.size(); begin += kFrameValues) {
    RETURN_IF_ERROR(
        DecodeFrame(reader, out.subspan(begin, std::min(kFrameValues, out.size() - begin))));
  }
  return Ok();
}

}  // namespace ficus
