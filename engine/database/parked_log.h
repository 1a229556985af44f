// Records that replay could not apply: kept aside, named, never dropped on doubt.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/log_position.h"
#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/io/file_system.h"

namespace ficus {

// Files `parked/<log id>-<position>.parked` below the log's directory: the payload of a batch as
// the log had it, and its checksum. Parking the same batch again changes nothing.
Result<> ParkRecord(FileSystem& log_fs, RandomSource& random, LogId log, LogPosition position,
                    std::string_view payload);

struct ParkedFile {
  std::string name;
  LogId log;
  LogPosition position;
};

// Ascending by log, then by position. Other files that lie there are left out.
Result<std::vector<ParkedFile>> ListParked(FileSystem& log_fs);
// How many are parked.
Result<uint64_t> CountParked(FileSystem& log_fs);

// The payload. kCorruption: its checksum is wrong.
Result<std::string> ReadParked(FileSystem& log_fs, const std::string& name);

// Removes it for good, durably. kNotFound; kInvalidArgument for a name that ListParked would not
// give.
Result<> DropParked(FileSystem& log_fs, const std::string& name);

}  // namespace ficus
