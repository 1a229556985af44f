// "file:///var/backups/ficus": the folder behind a URL and back.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace ficus {

// The absolute path that `url` names, percent escapes decoded, without a slash at the end.
// kInvalidArgument says what is wrong and what may have been meant.
Result<std::string> ParseFileUrl(std::string_view url);

// The inverse, with escapes where they are needed.
std::string FileUrl(std::string_view folder);

// Whether `folder` is an absolute path below "/" without empty, "." and ".." pieces, NUL and an end
// in '/'.
Result<> CheckStoreFolder(std::string_view folder);

}  // namespace ficus
