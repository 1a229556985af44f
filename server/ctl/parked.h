// The batches that replay could not apply and keeps aside: what they are, and giving them up.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/io/file_system.h"

namespace ficus {

// One paragraph per parked batch below the log's directory: its file, where it stood in which log,
// and what it holds; or why it cannot be read.
Result<std::string> ListParkedText(FileSystem& log_fs);

// Deletes a parked batch, by the name that the list gives. Its rows are gone for good. kNotFound,
// kInvalidArgument.
Result<> DropParkedBatch(FileSystem& log_fs, std::string_view name);

}  // namespace ficus
