// ficus_load verify: reads back everything a journal speaks of and compares point by point.
#pragma once

#include <string>

#include "engine/base/result.h"

namespace ficus::load {

// Prints what was compared and each kind of offence. kCorruption when there is one.
Result<> VerifyJournal(const std::string& address, const std::string& journal);

}  // namespace ficus::load
