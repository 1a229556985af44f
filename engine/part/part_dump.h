// What `ficusctl part show` and `ficusctl part verify` print.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/io/file_system.h"
#include "engine/part/section_file.h"

namespace ficus {

struct DumpLimits {
  // Blocks, or entries of an index run, that are listed; those behind them are counted only.
  uint64_t items = std::numeric_limits<uint64_t>::max();
};

// Text, a line for each thing: the frame of the file, the footer's JSON, sections, blocks with the
// encodings of their columns. Errors as Part::Open and Blocks::ReadRaw give them.
Result<std::string> DumpPart(FileSystem& fs, std::string_view path, DumpLimits limits);

// Opens the part, reads every byte and says in one line what was checked. kCorruption names the
// file and the first bad byte range.
Result<std::string> VerifyPart(FileSystem& fs, std::string_view path);

// The lines about the frame that all section files have in common.
std::string DumpFrame(const SectionFooter& frame);

}  // namespace ficus
