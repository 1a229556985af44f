#include "server/ingest/utf8.h"

#include <cstdint>

#include "engine/base/bytes.h"

namespace ficus {
namespace {

constexpr uint64_t kHighBits = 0x8080808080808080;

// What may follow a lead byte: how many bytes, and the range of the first of them, which is what
// rules out overlong forms and surrogates.
struct Sequence {
  size_t followers;
  uint8_t low;
  uint8_t high;
};

bool SequenceOf(uint8_t lead, Sequence& sequence) {
  if (lead < 0xC2 || lead > 0xF4) return false;
  if (lead < 0xE0) {
    sequence = {1, 0x80, 0xBF};
  } else if (lead < 0xF0) {
    sequence = {2, static_cast<uint8_t>(lead == 0xE0 ? 0xA0 : 0x80),
                static_cast<uint8_t>(lead == 0xED ? 0x9F : 0xBF)};
  } else {
    sequence = {3, static_cast<uint8_t>(lead == 0xF0 ? 0x90 : 0x80),
                static_cast<uint8_t>(lead == 0xF4 ? 0x8F : 0xBF)};
  }
  return true;
}

bool IsUtf8Slow(const uint8_t* p, const uint8_t* end) {
  while (p < end) {
    if (*p < 0x80) {
      ++p;
      continue;
    }
    Sequence sequence;
    if (!SequenceOf(*p, sequence)) return false;
    if (static_cast<size_t>(end - p) <= sequence.followers) return false;
    if (p[1] < sequence.low || p[1] > sequence.high) return false;
    for (size_t i = 2; i <= sequence.followers; ++i) {
      if ((p[i] & 0xC0) != 0x80) return false;
    }
    p += sequence.followers + 1;
  }
  return true;
}

}  // namespace

bool IsUtf8(std::string_view bytes) {
  const char* p = bytes.data();
  const char* end = p + bytes.size();
  for (; end - p >= 8; p += 8) {
    if ((LoadLittle<uint64_t>(p) & kHighBits) != 0) break;
  }
  return IsUtf8Slow(reinterpret_cast<const uint8_t*>(p), reinterpret_cast<const uint8_t*>(end));
}

}  // namespace ficus
