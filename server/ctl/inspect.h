// `ficusctl part|index|manifest|log show|verify`: one file, or the log's folder, as text.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/result.h"

namespace ficus {

enum class Inspected : uint8_t { kPart, kIndex, kManifest, kLog };
enum class Inspection : uint8_t { kShow, kVerify };

// `path` as the operator gave it, outside of any root. Reads only. Errors name the path;
// kCorruption the first bad byte range.
Result<std::string> Inspect(Inspected what, Inspection how, const std::string& path,
                            uint64_t items_max);

}  // namespace ficus
