// The interval of a measure as clients write it: a duration in the notation of the Go language, or
// whole days.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine/base/result.h"

namespace ficus {

// Nanoseconds of "300ms", "1.5h", "2h45m", "-1m", "0", or "7d". Units: ns, us, ms, s, m, h; a
// number in front of the first "d" counts days, and what follows it is ignored, as in BanyanDB.
// kInvalidArgument; the message is the one Go's library has for most mistakes.
Result<int64_t> ParseInterval(std::string_view text);

}  // namespace ficus
