// Decodes arbitrary bytes as cells, then cuts them into cells, encodes and decodes those.
//
// Input: one byte with the count and, in the round trip, the length of the cells; then the bytes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/check.h"
#include "engine/encoding/cells.h"

namespace {

constexpr size_t kBytesMax = 1 << 16;

void RoundTrip(std::string_view bytes, size_t cell_bytes) {
  std::vector<uint32_t> offsets = {0};
  while (offsets.back() < bytes.size() && offsets.size() <= ficus::kRunValuesMax) {
    // Every third cell is shorter, some are empty.
    const size_t length = offsets.size() % 3 == 0 ? cell_bytes / 2 : cell_bytes;
    offsets.push_back(static_cast<uint32_t>(
        std::min(bytes.size(), offsets.back() + std::max<size_t>(length, 1))));
  }
  const std::string_view used = bytes.substr(0, offsets.back());
  for (const ficus::Effort effort : {ficus::Effort::kFast, ficus::Effort::kSmall}) {
    std::string encoded;
    ficus::EncodeCells(offsets, used, effort, encoded);
    std::vector<uint32_t> decoded_offsets;
    std::string decoded;
    CHECK(ficus::DecodeCells(encoded, offsets.size() - 1, used.size(), decoded_offsets, decoded)
              .has_value());
    CHECK(decoded == used);
    CHECK(offsets.size() == 1 || decoded_offsets == offsets);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const size_t count = data[0];
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::vector<uint32_t> offsets;
  std::string cells;
  const auto result = ficus::DecodeCells(bytes, count, kBytesMax, offsets, cells);
  if (result) {
    CHECK(cells.size() <= kBytesMax);
    CHECK(std::is_sorted(offsets.begin(), offsets.end()));
  } else {
    CHECK(result.error().code == ficus::ErrorCode::kCorruption);
  }
  RoundTrip(bytes, count % 20);
  return 0;
}
