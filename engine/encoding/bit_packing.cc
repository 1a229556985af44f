#include "engine/encoding/bit_packing.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "engine/base/bytes.h"
#include "engine/base/check.h"

namespace ficus {
namespace {

constexpr size_t kLanes = 4;
constexpr size_t kRows = 64;
static_assert(kLanes * kRows == kPackGroup);

constexpr uint64_t LowBits(int width) {
  return width == 64 ? ~uint64_t{0} : (uint64_t{1} << width) - 1;
}

// One word of every lane. Both compilers lower it to what the target has: one AVX2 register or two
// of SSE2.
using Lanes = uint64_t __attribute__((vector_size(kLanes * sizeof(uint64_t))));

// By reference, because how such a vector is returned depends on the target.
inline __attribute__((always_inline)) void Load(const void* from, Lanes& lanes) {
  std::memcpy(&lanes, from, sizeof lanes);
}

// Each lane's 64 values fill exactly `width` words; word k of all lanes lies together.
void PackGroup(const uint64_t* values, size_t width, char* words) {
  Lanes pending{};
  for (size_t row = 0; row < kRows; ++row) {
    const size_t shift = row * width % 64;
    Lanes lanes;
    Load(values + row * kLanes, lanes);
    pending |= lanes << shift;
    if (shift + width >= 64) {
      std::memcpy(words, &pending, sizeof pending);
      words += sizeof pending;
      pending = shift == 0 ? Lanes{} : lanes >> (64 - shift);
    }
  }
}

// 0 < width <= 64. The second word of a value that lies in one word only adds bits that the mask
// removes, so every row takes the same steps.
inline __attribute__((always_inline)) void UnpackGroupInline(const char* packed, size_t width,
                                                             uint64_t base, uint64_t* out) {
  const uint64_t mask = LowBits(static_cast<int>(width));
  for (size_t row = 0; row < kRows; ++row) {
    const size_t bit = row * width;
    const size_t shift = bit % 64;
    const size_t first = bit / 64;
    const size_t second = std::min(first + 1, width - 1);
    Lanes low;
    Lanes high;
    Load(packed + first * sizeof low, low);
    Load(packed + second * sizeof high, high);
    const Lanes lanes = ((low >> shift | high << 1 << (63 - shift)) & mask) + base;
    std::memcpy(out + row * kLanes, &lanes, sizeof lanes);
  }
}

void UnpackGroup(const char* packed, size_t width, uint64_t base, uint64_t* out) {
  UnpackGroupInline(packed, width, base, out);
}

__attribute__((target("avx2,bmi2"))) void UnpackGroupAvx2(const char* packed, size_t width,
                                                          uint64_t base, uint64_t* out) {
  UnpackGroupInline(packed, width, base, out);
}

const bool kHasAvx2 = __builtin_cpu_supports("avx2") != 0 && __builtin_cpu_supports("bmi2") != 0;

void PackTail(std::span<const uint64_t> values, int width, std::string& out) {
  std::array<char, PackedBytes(kPackGroup - 1, 64) + sizeof(uint64_t)> bytes;
  char* at = bytes.data();
  uint64_t pending = 0;
  int pending_bits = 0;
  for (const uint64_t value : values) {
    pending |= value << pending_bits;
    pending_bits += width;
    if (pending_bits >= 64) {
      StoreLittle(at, pending);
      at += sizeof pending;
      pending_bits -= 64;
      pending = pending_bits == 0 ? 0 : value >> (width - pending_bits);
    }
  }
  StoreLittle(at, pending);
  out.append(bytes.data(), PackedBytes(values.size(), width));
}

void UnpackTail(std::string_view packed, int width, uint64_t base, std::span<uint64_t> out) {
  std::array<char, PackedBytes(kPackGroup - 1, 64) + 16> bytes;
  std::memcpy(bytes.data(), packed.data(), packed.size());
  std::memset(bytes.data() + packed.size(), 0, 16);
  const uint64_t mask = LowBits(width);
  if (width <= 56) {
    for (size_t i = 0; i < out.size(); ++i) {
      const size_t bit = i * static_cast<size_t>(width);
      out[i] = (LoadLittle<uint64_t>(bytes.data() + bit / 8) >> (bit % 8) & mask) + base;
    }
    return;
  }
  for (size_t i = 0; i < out.size(); ++i) {
    const size_t bit = i * static_cast<size_t>(width);
    const char* at = bytes.data() + bit / 8;
    const uint64_t high = static_cast<unsigned char>(at[8]);
    out[i] = ((LoadLittle<uint64_t>(at) >> (bit % 8) | high << 1 << (63 - bit % 8)) & mask) + base;
  }
}

}  // namespace

void PackBits(std::span<const uint64_t> values, int width, std::string& out) {
  if (width == 0) return;
  const auto words_per_lane = static_cast<size_t>(width);
  std::array<char, 64 * sizeof(Lanes)> words;
  for (; values.size() >= kPackGroup; values = values.subspan(kPackGroup)) {
    PackGroup(values.data(), words_per_lane, words.data());
    out.append(words.data(), words_per_lane * sizeof(Lanes));
  }
  if (!values.empty()) PackTail(values, width, out);
}

void UnpackBits(std::string_view packed, int width, std::span<uint64_t> out, uint64_t base) {
  CHECK(packed.size() == PackedBytes(out.size(), width))
      << packed.size() << " bytes for " << out.size() << " values of " << width << " bits";
  if (width == 0) {
    std::fill(out.begin(), out.end(), base);
    return;
  }
  const auto unpack_group = kHasAvx2 ? UnpackGroupAvx2 : UnpackGroup;
  const size_t group_bytes = PackedBytes(kPackGroup, width);
  for (; out.size() >= kPackGroup; out = out.subspan(kPackGroup)) {
    unpack_group(packed.data(), static_cast<size_t>(width), base, out.data());
    packed.remove_prefix(group_bytes);
  }
  if (!out.empty()) UnpackTail(packed, width, base, out);
}

void UnpackBitsPlainly(std::string_view packed, int width, std::span<uint64_t> out) {
  const auto bits = static_cast<size_t>(width);
  const size_t grouped = out.size() / kPackGroup * kPackGroup;
  for (size_t i = 0; i < out.size(); ++i) {
    out[i] = 0;
    for (size_t b = 0; b < bits; ++b) {
      size_t bit = i * bits + b;
      if (i < grouped) {
        // Bit of this lane's 64 values, then the word of the group that holds it.
        const size_t lane_bit = i % kPackGroup / kLanes * bits + b;
        const size_t word = i / kPackGroup * kLanes * bits + lane_bit / 64 * kLanes + i % kLanes;
        bit = word * 64 + lane_bit % 64;
      }
      const auto byte = static_cast<unsigned char>(packed[bit / 8]);
      out[i] |= uint64_t{byte} >> (bit % 8) % 8 & 1 ? uint64_t{1} << b : 0;
    }
  }
}

}  // namespace ficus
