// Records that replay could not apply: kept aside, named, never dropped on doubt.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/log_position.h"
#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/io/file_system.h"

namespace ficus {

// Files `<dir>/<log id>-<position>.parked` below the log's directory: the payload of a batch as the
// log had it, and its checksum. Parking the same batch again changes nothing.
Result<> ParkRecord(FileSystem& log_fs, RandomSource& random, LogId log, LogPosition position,
                    std::string_view payload);

// How many are parked.
Result<uint64_t> CountParked(FileSystem& log_fs);

}  // namespace ficus
