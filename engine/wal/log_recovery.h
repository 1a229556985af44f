// What happens to a log before anybody relies on it: read, judged, its torn tail cut, synced.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/io/file_system.h"
#include "engine/wal/log_reader.h"

namespace ficus {

// Name of the copy that is kept of a torn tail.
std::string BrokenFileName(const LogFileReport& file);

// The reader of the log as it is afterwards. Errors as in Log::Open; on kCorruption and
// kUnsupportedVersion nothing was changed. Repeating it after a crash at any point gives the same
// log. The caller holds the directory's lock.
Result<std::unique_ptr<LogReader>> RecoverLog(FileSystem& fs, RandomSource& random);

// Removes what a dead process left half made, durably.
Result<> RemoveLogTemporaries(FileSystem& fs);

}  // namespace ficus
