// What `ficusctl index show` and `ficusctl index verify` print.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/io/file_system.h"
#include "engine/part/part_dump.h"

namespace ficus {

// Text, a line for each thing: the frame of the file, the footer's JSON, sections, entries.
Result<std::string> DumpIndexRun(FileSystem& fs, std::string_view path, DumpLimits limits);

// Opens the run, reads every byte and says in one line what was checked. kCorruption names the file
// and the first bad byte range.
Result<std::string> VerifyIndexRun(FileSystem& fs, std::string_view path);

}  // namespace ficus
