// Tags, varints and lengths of the protocol buffers wire form, read from front to back.
//
// Lenient exactly where the generated C++ classes are: numbers longer than needed, bits beyond the
// width of a number. Every read stays inside the bytes.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/base/bytes.h"

namespace ficus {

// Of unknown groups and known messages together.
inline constexpr int kWireDepthMax = 100;

enum class WireType : uint32_t {
  kVarint = 0,
  kFixed64 = 1,
  kBytes = 2,
  kStartGroup = 3,
  kEndGroup = 4,
  kFixed32 = 5,
};

constexpr uint32_t WireTag(uint32_t field, WireType type) {
  return field << 3 | static_cast<uint32_t>(type);
}

// Each read returns false when the bytes end or break the form; the reader is then useless.
class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : WireReader(bytes, bytes.data() + bytes.size()) {}
  // `bytes` lie in a buffer that goes on to `buffer_end`: what follows them may be loaded, and is
  // never given.
  WireReader(std::string_view bytes, const char* buffer_end)
      : p_(bytes.data()), end_(p_ + bytes.size()), buffer_end_(buffer_end) {}

  bool AtEnd() const { return p_ == end_; }

  bool ReadTag(uint32_t& tag) {
    if (p_ != end_ && static_cast<uint8_t>(*p_) < 0x80) {
      tag = static_cast<uint8_t>(*p_++);
      return true;
    }
    uint64_t value = 0;
    if (!ReadLongVarint(5, value)) return false;
    tag = static_cast<uint32_t>(value);
    return true;
  }

  bool ReadVarint(uint64_t& value) {
    if (p_ != end_ && static_cast<uint8_t>(*p_) < 0x80) {
      value = static_cast<uint8_t>(*p_++);
      return true;
    }
    return ReadLongVarint(10, value);
  }

  bool ReadFixed64(uint64_t& value) {
    if (end_ - p_ < 8) return false;
    value = LoadLittle<uint64_t>(p_);
    p_ += 8;
    return true;
  }

  // A length and that many bytes.
  bool ReadBytes(std::string_view& bytes) {
    uint64_t size = 0;
    if (p_ != end_ && static_cast<uint8_t>(*p_) < 0x80) {
      size = static_cast<uint8_t>(*p_++);
    } else if (!ReadLongVarint(5, size)) {
      return false;
    }
    if (size > static_cast<uint64_t>(end_ - p_)) return false;
    bytes = {p_, static_cast<size_t>(size)};
    p_ += size;
    return true;
  }

  // Skips the rest of a field that nobody knows. `depth` is what is left of kWireDepthMax.
  bool Skip(uint32_t tag, int depth) {
    const char* next = SkipField({p_, static_cast<size_t>(end_ - p_)}, tag, depth);
    if (next == nullptr) return false;
    p_ = next;
    return true;
  }

 private:
  // Numbers of two to eight bytes without a branch per byte: the first byte without its high bit
  // set is the last one, and pairs of 7, 14 and 28 bits move together.
  bool ReadLongVarint(int bytes_max, uint64_t& value) {
    if (buffer_end_ - p_ >= 8) {
      uint64_t word = LoadLittle<uint64_t>(p_);
      const uint64_t ends = ~word & 0x8080808080808080;
      if (ends != 0) {
        const int bytes = (std::countr_zero(ends) >> 3) + 1;
        if (bytes > bytes_max || bytes > end_ - p_) return false;
        word &= (ends ^ (ends - 1)) & 0x7F7F7F7F7F7F7F7F;
        word = (word & 0x007F007F007F007F) | (word & 0x7F007F007F007F00) >> 1;
        word = (word & 0x00003FFF00003FFF) | (word & 0x3FFF00003FFF0000) >> 2;
        word = (word & 0x000000000FFFFFFF) | (word & 0x0FFFFFFF00000000) >> 4;
        value = word;
        p_ += bytes;
        return true;
      }
    }
    const VarintEnd read = VarintByBytes({p_, static_cast<size_t>(end_ - p_)}, bytes_max);
    if (read.end == nullptr) return false;
    value = read.value;
    p_ = read.end;
    return true;
  }

  // What is seldom needed works on copies, so that the compiler can keep a reader in registers.
  struct VarintEnd {
    uint64_t value;
    const char* end;  // null: malformed
  };
  static VarintEnd VarintByBytes(std::string_view bytes, int bytes_max);
  // Where the field ends; null: malformed.
  static const char* SkipField(std::string_view bytes, uint32_t tag, int depth);

  // A field other than a group.
  bool SkipPlain(uint32_t tag);
  bool SkipGroup(uint32_t field, int depth);
  bool SkipFixed(ptrdiff_t size) {
    if (end_ - p_ < size) return false;
    p_ += size;
    return true;
  }

  const char* p_;
  const char* end_;
  const char* buffer_end_;
};

}  // namespace ficus
