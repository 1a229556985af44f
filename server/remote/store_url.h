// The URLs of stores: "file:///var/backups/ficus", the folder behind it, and what of a URL may be
// said aloud.
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

// `url` without user information, query, fragment and control characters: fit for messages.
std::string WithoutSecrets(std::string_view url);

// Whether `folder` is an absolute path below "/" without empty, "." and ".." pieces, NUL and an end
// in '/'.
Result<> CheckStoreFolder(std::string_view folder);

}  // namespace ficus
