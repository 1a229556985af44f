#include "engine/base/id.h"

namespace ficus {

std::string Hex16(uint64_t value) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text(16, '0');
  for (size_t i = 16; i-- > 0; value >>= 4) text[i] = kDigits[value & 15];
  return text;
}

bool ParseHex16(std::string_view text, uint64_t& value) {
  if (text.size() != 16) return false;
  uint64_t parsed = 0;
  for (const char c : text) {
    if (c >= '0' && c <= '9') {
      parsed = parsed << 4 | static_cast<uint64_t>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      parsed = parsed << 4 | static_cast<uint64_t>(c - 'a' + 10);
    } else {
      return false;
    }
  }
  value = parsed;
  return true;
}

}  // namespace ficus
