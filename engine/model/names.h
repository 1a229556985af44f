// Which names groups, measures and the like may have: a name becomes part of a path and of an
// object key.
#pragma once

#include <string_view>

#include "engine/base/result.h"

namespace ficus {

inline constexpr size_t kNameBytesMax = 128;

// Letters, digits, '_', '-', '.'; first a letter, digit or '_'; at most kNameBytesMax; not "." or
// "..". kInvalidArgument names `what` and the reason.
Result<> CheckName(std::string_view what, std::string_view name);

// CheckName, and not a name the node keeps for itself (a group that starts with "_schema").
Result<> CheckGroupName(std::string_view name);

inline constexpr std::string_view kSchemaGroup = "_schema";

}  // namespace ficus
