// Tags, varints and lengths of the protocol buffers wire form, read from front to back.
//
// Lenient exactly where the generated C++ classes are: numbers longer than needed, bits beyond the
// width of a number. Every read stays inside the bytes.
#pragma once

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
  explicit WireReader(std::string_view bytes) : p_(bytes.data()), end_(p_ + bytes.size()) {}

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
  bool Skip(uint32_t tag, int depth);

 private:
  bool ReadLongVarint(int bytes_max, uint64_t& value);
  bool SkipFixed(ptrdiff_t size) {
    if (end_ - p_ < size) return false;
    p_ += size;
    return true;
  }
  // A field other than a group.
  bool SkipPlain(uint32_t tag);
  bool SkipGroup(uint32_t field, int depth);

  const char* p_;
  const char* end_;
};

}  // namespace ficus
