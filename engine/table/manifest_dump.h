// What `ficusctl manifest show` and `ficusctl manifest verify` print.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/io/file_system.h"

namespace ficus {

// Text, a line for each thing that the manifest at `path` says. Errors as DecodeManifest gives
// them, with the path.
Result<std::string> DumpManifest(FileSystem& fs, std::string_view path);

// Checks the manifest and every part and run that it names, beside it: presence, size, checksum,
// every byte. One line says what was checked; kCorruption names the first bad file and byte range.
Result<std::string> VerifyManifest(FileSystem& fs, std::string_view path);

}  // namespace ficus
