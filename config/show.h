// A loaded configuration as text: what `config show` prints.
#pragma once

#include <string>

#include "config/load.h"

namespace ficus {

enum class ShowOrigin { kNo, kYes };

// Every key with its value, as YAML that loads to the same Config; values that came by {file: PATH}
// or {env: NAME} are "***". With kYes a comment behind each value says where it came from.
std::string ShowConfig(const LoadedConfig& loaded, ShowOrigin origin);

}  // namespace ficus
