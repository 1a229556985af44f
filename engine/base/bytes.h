// Little-endian numbers and varints in byte strings: the alphabet of every format we write.
//
// A std::string is a buffer of bytes and a std::string_view is a view of some; neither says
// anything about text.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>

#include "engine/base/result.h"

namespace ficus {

static_assert(std::endian::native == std::endian::little,
              "the formats are little-endian in memory");

template <typename T>
requires std::is_trivially_copyable_v<T> T LoadLittle(const char* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <typename T>
requires std::is_trivially_copyable_v<T>
void StoreLittle(char* to, T value) { std::memcpy(to, &value, sizeof value); }

// Appends `value` as sizeof(T) bytes.
template <typename T>
requires std::is_trivially_copyable_v<T>
void PutLittle(std::string& out, T value) {
  char bytes[sizeof value];
  std::memcpy(bytes, &value, sizeof value);
  out.append(bytes, sizeof value);
}

inline constexpr size_t kVarintBytesMax = 10;

// Appends `value` in groups of seven bits, least significant first (LEB128); at most
// kVarintBytesMax bytes.
void PutVarint(std::string& out, uint64_t value);
// Appends the length of `bytes` as a varint, then `bytes`.
void PutLengthPrefixed(std::string& out, std::string_view bytes);

// Small numbers of either sign become small unsigned numbers: 0, -1, 1, -2, ... -> 0, 1, 2, 3, ...
constexpr uint64_t ZigZag(int64_t value) {
  return static_cast<uint64_t>(value) << 1 ^ static_cast<uint64_t>(value >> 63);
}
constexpr int64_t UnZigZag(uint64_t value) {
  return static_cast<int64_t>(value >> 1) ^ -static_cast<int64_t>(value & 1);
}

// Reads a byte string from front to back and never beyond its end.
//
// A failed read returns false, leaves `value` untouched and makes every later read fail, so that a
// decoder may read a whole record and ask ok() once.
class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes), size_(bytes.size()) {}

  template <typename T>
  requires std::is_trivially_copyable_v<T>
  bool ReadLittle(T& value) {
    if (!Has(sizeof value)) return false;
    value = LoadLittle<T>(rest_.data());
    rest_.remove_prefix(sizeof value);
    return true;
  }
  // Refuses encodings longer than kVarintBytesMax and values beyond 64 bits.
  bool ReadVarint(uint64_t& value);
  // A varint that must not exceed `max`: a bound in front of an allocation.
  bool ReadVarintAtMost(uint64_t max, uint64_t& value);
  bool ReadBytes(size_t count, std::string_view& bytes);
  bool ReadLengthPrefixed(std::string_view& bytes);
  bool Skip(size_t count);

  bool ok() const { return ok_; }
  bool AtEnd() const { return ok_ && rest_.empty(); }
  size_t remaining() const { return rest_.size(); }
  // Bytes read so far.
  size_t offset() const { return size_ - rest_.size(); }

 private:
  bool Has(size_t count) {
    ok_ = ok_ && rest_.size() >= count;
    return ok_;
  }

  std::string_view rest_;
  size_t size_;
  bool ok_ = true;
};

}  // namespace ficus
