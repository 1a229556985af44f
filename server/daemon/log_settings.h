// From what the configuration says about the log to how it is written.
#pragma once

#include "config/config.h"
#include "engine/base/log.h"

namespace ficus {

// Format `auto` is text for a person at a terminal and JSON for everything else, so for each file.
LogSettings LogSettingsOf(const LogConfig& config, bool stderr_is_terminal);

}  // namespace ficus
