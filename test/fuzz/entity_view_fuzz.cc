// Splits arbitrary bytes as a series key: the same bytes are refused here as by the decoder, and
// what is accepted has the same values.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "engine/base/check.h"
#include "engine/model/entity.h"
#include "engine/query/entity_view.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view key(reinterpret_cast<const char*>(data), size);
  ficus::EntityView view;
  const auto assigned = view.Assign(key);
  const auto decoded = ficus::DecodeSeriesKey(key);
  if (!assigned.has_value()) {
    CHECK(assigned.error().code == ficus::ErrorCode::kCorruption);
    CHECK(!decoded.has_value());
    return 0;
  }
  std::vector<std::string_view> encoded;
  bool all = true;
  for (size_t i = 0; i < view.size(); ++i) {
    encoded.push_back(view.encoded(i));
    const auto value = view.Decode(i);
    if (!value.has_value()) {
      CHECK(value.error().code == ficus::ErrorCode::kCorruption);
      all = false;
      continue;
    }
    CHECK(view.IsNull(i) == std::holds_alternative<ficus::Null>(*value));
    if (decoded.has_value()) CHECK(*value == decoded->entity.at(i));
  }
  if (!decoded.has_value()) return 0;
  CHECK(all && decoded->entity.size() == view.size());
  const auto again = ficus::SeriesKeyOf(decoded->subject, encoded);
  CHECK(again.has_value() && ficus::DecodeSeriesKey(*again)->entity == decoded->entity);
  return 0;
}
