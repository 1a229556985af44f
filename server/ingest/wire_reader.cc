#include "server/ingest/wire_reader.h"

#include <array>

namespace ficus {

bool WireReader::ReadLongVarint(int bytes_max, uint64_t& value) {
  uint64_t result = 0;
  for (int i = 0; i < bytes_max; ++i) {
    if (p_ == end_) return false;
    const auto byte = static_cast<uint8_t>(*p_++);
    result |= uint64_t{byte & 0x7Fu} << (7 * i);
    if (byte < 0x80) {
      value = result;
      return true;
    }
  }
  return false;
}

bool WireReader::SkipPlain(uint32_t tag) {
  uint64_t number = 0;
  std::string_view bytes;
  switch (static_cast<WireType>(tag & 7)) {
    case WireType::kVarint:
      return ReadVarint(number);
    case WireType::kFixed64:
      return SkipFixed(8);
    case WireType::kBytes:
      return ReadBytes(bytes);
    case WireType::kFixed32:
      return SkipFixed(4);
    default:
      return false;
  }
}

bool WireReader::Skip(uint32_t tag, int depth) {
  const uint32_t field = tag >> 3;
  if (field == 0) return false;
  return (tag & 7) == static_cast<uint32_t>(WireType::kStartGroup) ? SkipGroup(field, depth)
                                                                   : SkipPlain(tag);
}

bool WireReader::SkipGroup(uint32_t field, int depth) {
  std::array<uint32_t, kWireDepthMax> open;
  if (depth < 1) return false;
  int groups = 0;
  open[static_cast<size_t>(groups++)] = field;
  while (groups > 0) {
    uint32_t tag = 0;
    if (!ReadTag(tag)) return false;
    const uint32_t number = tag >> 3;
    if (number == 0) return false;
    switch (static_cast<WireType>(tag & 7)) {
      case WireType::kStartGroup:
        if (groups == depth) return false;
        open[static_cast<size_t>(groups++)] = number;
        break;
      case WireType::kEndGroup:
        if (open[static_cast<size_t>(--groups)] != number) return false;
        break;
      default:
        if (!SkipPlain(tag)) return false;
    }
  }
  return true;
}

}  // namespace ficus
