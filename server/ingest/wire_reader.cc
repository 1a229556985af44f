#include "server/ingest/wire_reader.h"

#include <algorithm>
#include <array>

namespace ficus {

WireReader::VarintEnd WireReader::VarintByBytes(std::string_view bytes, int bytes_max) {
  uint64_t value = 0;
  const int count = static_cast<int>(std::min(bytes.size(), static_cast<size_t>(bytes_max)));
  for (int i = 0; i < count; ++i) {
    const auto byte = static_cast<uint8_t>(bytes[static_cast<size_t>(i)]);
    value |= uint64_t{byte & 0x7Fu} << (7 * i);
    if (byte < 0x80) return {value, bytes.data() + i + 1};
  }
  return {0, nullptr};
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

const char* WireReader::SkipField(std::string_view bytes, uint32_t tag, int depth) {
  WireReader in(bytes);
  const uint32_t field = tag >> 3;
  if (field == 0) return nullptr;
  const bool is_group = (tag & 7) == static_cast<uint32_t>(WireType::kStartGroup);
  return (is_group ? in.SkipGroup(field, depth) : in.SkipPlain(tag)) ? in.p_ : nullptr;
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
