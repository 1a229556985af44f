// Why the node takes no writes.
#pragma once

#include <string>

#include "engine/base/error.h"

namespace ficus {

struct ReadOnlyState {
  ErrorCode code = ErrorCode::kReadOnly;  // kNoSpace when it ends by itself with space
  std::string reason;
};

}  // namespace ficus
