#include "engine/encoding/word_scheme.h"

namespace ficus {

std::string_view WordSchemeName(uint8_t scheme) {
  switch (static_cast<WordScheme>(scheme)) {
    case WordScheme::kRaw:
      return "raw";
    case WordScheme::kConst:
      return "const";
    case WordScheme::kLinear:
      return "linear";
    case WordScheme::kRuns:
      return "runs";
    case WordScheme::kDictionary:
      return "dictionary";
    case WordScheme::kFor:
      return "for";
    case WordScheme::kDeltaFor:
      return "delta-for";
    case WordScheme::kDelta2For:
      return "delta2-for";
    case WordScheme::kAns:
      return "ans";
    case WordScheme::kDeltaAns:
      return "delta-ans";
    case WordScheme::kDelta2Ans:
      return "delta2-ans";
    case WordScheme::kVarint:
      return "varint";
    case WordScheme::kDeltaVarint:
      return "delta-varint";
    case WordScheme::kScaled:
      return "scaled";
    case WordScheme::kDecimal:
      return "decimal";
    case WordScheme::kOrdered:
      return "ordered";
    case WordScheme::kZstd:
      return "zstd";
  }
  return "unknown";
}

}  // namespace ficus
