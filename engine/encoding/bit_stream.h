// Bits in a byte string, least significant first.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/bytes.h"

namespace ficus {

// Appends bits to a string; whole bytes only after Finish.
class BitWriter {
 public:
  explicit BitWriter(std::string& out) : out_(out) {}

  // The low `width` bits of `value`, 0 <= width <= 64; the others must be 0.
  void Put(uint64_t value, int width) {
    pending_ |= value << pending_bits_;
    pending_bits_ += width;
    if (pending_bits_ < 64) return;
    PutLittle(out_, pending_);
    pending_bits_ -= 64;
    pending_ = pending_bits_ == 0 ? 0 : value >> (width - pending_bits_);
  }

  // Fills the last byte with zeros. Once, after the last Put.
  void Finish() {
    char bytes[sizeof pending_];
    StoreLittle(bytes, pending_);
    out_.append(bytes, static_cast<size_t>(pending_bits_ + 7) / 8);
  }

 private:
  std::string& out_;
  uint64_t pending_ = 0;
  int pending_bits_ = 0;
};

// Reads what BitWriter wrote. After the last bit it reads zeros and is no longer ok().
class BitReader {
 public:
  explicit BitReader(std::string_view bytes) : bytes_(bytes) {}

  // 0 <= width <= 56.
  uint64_t Take(int width) {
    uint64_t word = 0;
    const size_t byte = position_ / 8;
    if (byte + sizeof word <= bytes_.size()) {
      word = LoadLittle<uint64_t>(bytes_.data() + byte);
    } else if (byte < bytes_.size()) {
      std::memcpy(&word, bytes_.data() + byte, bytes_.size() - byte);
    }
    word >>= position_ % 8;
    position_ += static_cast<size_t>(width);
    return word & ((uint64_t{1} << width) - 1);
  }

  bool ok() const { return position_ <= 8 * bytes_.size(); }
  // Bytes of which at least one bit was taken.
  size_t BytesTaken() const { return (position_ + 7) / 8; }

 private:
  std::string_view bytes_;
  size_t position_ = 0;
};

}  // namespace ficus
