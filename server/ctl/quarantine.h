// The files that a node set aside because they are damaged or unexplained.
#pragma once

#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/io/file_system.h"

namespace ficus {

// Every file below a `quarantine` folder of the node rooted at `fs`, sorted.
Result<std::vector<std::string>> ListQuarantine(FileSystem& fs);

// Deletes one of them, durably. kNotFound when `path` is none of them.
Result<> DropQuarantined(FileSystem& fs, const std::string& path);

}  // namespace ficus
