// Decodes arbitrary bytes as a series key; an entity that has no empty value encodes to the same
// key again. Then uses the bytes as values of an entity.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/bytes.h"
#include "engine/base/check.h"
#include "engine/model/entity.h"

namespace {

// Empty strings and binary come back as null, so keys are compared after one more round.
void Reencode(const ficus::DecodedSeriesKey& decoded) {
  const auto key = ficus::EncodeSeriesKey(decoded.subject, decoded.entity);
  CHECK(key.has_value());
  const auto again = ficus::DecodeSeriesKey(*key);
  CHECK(again.has_value());
  CHECK(again->subject == decoded.subject && again->entity == decoded.entity);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto decoded = ficus::DecodeSeriesKey(bytes);
  if (decoded) {
    Reencode(*decoded);
  } else {
    CHECK(decoded.error().code == ficus::ErrorCode::kCorruption);
  }

  const std::string text(bytes);
  std::vector<ficus::TagValue> entity = {ficus::Null{}, "s" + text, ficus::Binary{"b" + text}};
  if (size >= sizeof(int64_t)) {
    entity.emplace_back(std::in_place_type<int64_t>, ficus::LoadLittle<int64_t>(bytes.data()));
  }
  Reencode({text, entity});
  CHECK(ficus::ShardOf(text, entity, 7).value() < 7);
  return 0;
}
