// The protocol buffers wire form, written from the back to the front: when the head of a nested
// message is written, its length is known.
//
// So that a reader finds fields in the order of their numbers, the highest is written first.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "engine/base/bytes.h"
#include "engine/base/check.h"
#include "server/ingest/wire_reader.h"

namespace ficus {

// Writes into bytes that the caller owns and that are large enough, which is CHECKed.
class WireWriter {
 public:
  WireWriter(char* begin, size_t size) : begin_(begin), p_(begin + size), end_(p_) {}

  // What was written so far: the last bytes of the buffer.
  size_t size() const { return static_cast<size_t>(end_ - p_); }
  std::string_view written() const { return {p_, size()}; }

  // The number of an element or an enum, alone.
  void PutVarint(uint64_t value) {
    const size_t bytes = VarintBytes(value);
    char* p = Take(bytes);
    for (char* const last = p + bytes - 1; p != last; value >>= 7) {
      *p++ = static_cast<char>(value | 0x80);
    }
    *p = static_cast<char>(value);
  }
  // A field with its head, whatever its value.
  void PutNumber(uint32_t field, uint64_t value) {
    PutVarint(value);
    PutVarint(WireTag(field, WireType::kVarint));
  }
  // A double as its bits, too.
  void PutFixed64(uint32_t field, uint64_t value) {
    StoreLittle(Take(sizeof value), value);
    PutVarint(WireTag(field, WireType::kFixed64));
  }
  void PutBytes(uint32_t field, std::string_view bytes) {
    if (!bytes.empty()) std::memcpy(Take(bytes.size()), bytes.data(), bytes.size());
    PutLength(field, bytes.size());
  }
  // Makes what was written since size() was `before` a message, or packed numbers.
  void PutMessage(uint32_t field, size_t before) { PutLength(field, size() - before); }

  // As fields without presence are: nothing for zero, nothing for an empty string.
  void PutNumberUnlessZero(uint32_t field, uint64_t value) {
    if (value != 0) PutNumber(field, value);
  }
  void PutBytesUnlessEmpty(uint32_t field, std::string_view bytes) {
    if (!bytes.empty()) PutBytes(field, bytes);
  }

 private:
  static size_t VarintBytes(uint64_t value) {
    return static_cast<size_t>(std::bit_width(value | 1) + 6) / 7;
  }

  void PutLength(uint32_t field, size_t length) {
    PutVarint(length);
    PutVarint(WireTag(field, WireType::kBytes));
  }

  char* Take(size_t bytes) {
    CHECK(static_cast<size_t>(p_ - begin_) >= bytes) << "a message outgrew its bound";
    p_ -= bytes;
    return p_;
  }

  char* const begin_;
  char* p_;
  char* const end_;
};

}  // namespace ficus
