// The part of a configuration that config keeps as text, because only other rooms understand it:
// schedules, time zones, URLs of stores.
#pragma once

#include <vector>

#include "config/load.h"
#include "config/mistake.h"

namespace ficus {

// What is wrong with them, each at the place where the value was given; a schedule's mistake also
// names the column inside of it. For a configuration without mistakes of its own. Looks at tzdata,
// not at the stores.
std::vector<ConfigMistake> CheckMeanings(const LoadedConfig& loaded);

}  // namespace ficus
