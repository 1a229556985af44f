// Decodes arbitrary bytes as a run of words, then encodes arbitrary words and decodes them again.
//
// Input: two bytes with the count and the kind, then the bytes.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/check.h"
#include "engine/encoding/words.h"

namespace {

void RoundTrip(const std::vector<uint64_t>& words, ficus::WordKind kind) {
  for (const ficus::Effort effort : {ficus::Effort::kFast, ficus::Effort::kSmall}) {
    std::string encoded;
    ficus::EncodeWords(words, kind, effort, encoded);
    std::vector<uint64_t> decoded(words.size());
    CHECK(ficus::DecodeWords(encoded, decoded).has_value());
    CHECK(decoded == words) << "scheme " << ficus::WordsSchemeName(encoded);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const size_t count = data[0] + size_t{data[1] & 0x7fu} * 256;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 2, size - 2);
  std::vector<uint64_t> words(count);
  const auto result = ficus::DecodeWords(bytes, words);
  CHECK(result.has_value() || result.error().code == ficus::ErrorCode::kCorruption);

  std::vector<uint64_t> given(bytes.size() / sizeof(uint64_t));
  if (!given.empty()) std::memcpy(given.data(), bytes.data(), given.size() * sizeof(uint64_t));
  RoundTrip(given, data[1] & 0x80 ? ficus::WordKind::kFloat : ficus::WordKind::kInteger);
  // Single bytes as words: the small numbers that whole words hardly ever are.
  RoundTrip(std::vector<uint64_t>(bytes.begin(), bytes.end()), ficus::WordKind::kInteger);
  return 0;
}
