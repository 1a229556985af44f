// Decodes arbitrary bytes as a bitmap; what decodes is encoded and decoded again.
//
// Input: two bytes with the count, then the bytes.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/check.h"
#include "engine/encoding/bitmap.h"

namespace {

void RoundTrip(const std::vector<uint64_t>& words, size_t count) {
  std::string encoded;
  ficus::EncodeBitmap(words, count, encoded);
  std::vector<uint64_t> decoded(words.size());
  CHECK(ficus::DecodeBitmap(encoded, count, decoded).has_value());
  CHECK(decoded == words);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const size_t count = data[0] + size_t{data[1]} * 256;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  std::vector<uint64_t> words((count + 63) / 64);
  const auto result = ficus::DecodeBitmap(bytes, count, words);
  if (result) {
    RoundTrip(words, count);
  } else {
    CHECK(result.error().code == ficus::ErrorCode::kCorruption);
  }

  std::vector<uint64_t> given(bytes.size() / sizeof(uint64_t));
  if (!given.empty()) std::memcpy(given.data(), bytes.data(), given.size() * sizeof(uint64_t));
  RoundTrip(given, 64 * given.size());
  return 0;
}
