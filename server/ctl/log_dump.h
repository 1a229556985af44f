// The log as text, for `ficusctl log`.
#pragma once

#include <string>

#include "engine/base/result.h"
#include "engine/io/file_system.h"
#include "engine/table/routed_rows.h"

namespace ficus {

// A line for the log, each file and each batch, with what the batch holds. Damage is shown and does
// not end the text. Errors as LogReader::Open gives them.
Result<std::string> DumpLog(FileSystem& log_fs);

// One line that says what was checked. kCorruption names file and byte range of the first damage,
// or the batch that is no record.
Result<std::string> VerifyLog(FileSystem& log_fs);

// What a batch holds, a line for each piece.
std::string LogRecordText(const LogRecord& record);

}  // namespace ficus
