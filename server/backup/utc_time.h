// Times as records of a backup show them: "2026-11-20T09:30:15.000000001Z".
#pragma once

#include <string>
#include <string_view>

#include "engine/base/clock.h"

namespace ficus {

// Always 30 characters, UTC, nine digits of a second.
std::string UtcText(UnixNanos time);
// False for anything but what UtcText writes.
bool ParseUtcText(std::string_view text, UnixNanos& time);

}  // namespace ficus
