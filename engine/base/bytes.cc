#include "engine/base/bytes.h"

namespace ficus {

void PutVarint(std::string& out, uint64_t value) {
  char bytes[kVarintBytesMax];
  size_t count = 0;
  while (value >= 0x80) {
    bytes[count++] = static_cast<char>(value | 0x80);
    value >>= 7;
  }
  bytes[count++] = static_cast<char>(value);
  out.append(bytes, count);
}

void PutLengthPrefixed(std::string& out, std::string_view bytes) {
  PutVarint(out, bytes.size());
  out.append(bytes);
}

bool ByteReader::ReadVarint(uint64_t& value) {
  if (!ok_) return false;
  uint64_t decoded = 0;
  for (size_t i = 0; i < kVarintBytesMax && i < rest_.size(); ++i) {
    const auto byte = static_cast<unsigned char>(rest_[i]);
    if (i == kVarintBytesMax - 1 && byte > 1) break;
    decoded |= static_cast<uint64_t>(byte & 0x7f) << (7 * i);
    if (byte < 0x80) {
      rest_.remove_prefix(i + 1);
      value = decoded;
      return true;
    }
  }
  ok_ = false;
  return false;
}

bool ByteReader::ReadVarintAtMost(uint64_t max, uint64_t& value) {
  uint64_t decoded = 0;
  if (!ReadVarint(decoded)) return false;
  if (decoded > max) {
    ok_ = false;
    return false;
  }
  value = decoded;
  return true;
}

bool ByteReader::ReadBytes(size_t count, std::string_view& bytes) {
  if (!Has(count)) return false;
  bytes = rest_.substr(0, count);
  rest_.remove_prefix(count);
  return true;
}

bool ByteReader::ReadLengthPrefixed(std::string_view& bytes) {
  uint64_t count = 0;
  return ReadVarintAtMost(rest_.size(), count) && ReadBytes(count, bytes);
}

bool ByteReader::Skip(size_t count) {
  std::string_view skipped;
  return ReadBytes(count, skipped);
}

}  // namespace ficus
