// How much memory this process may use: what the machine has, or what its control group allows.
#pragma once

#include <cstdint>
#include <string>

#include "config/config.h"
#include "config/config_files.h"
#include "engine/base/result.h"

namespace ficus {

struct MachineMemory {
  uint64_t bytes = 0;
  // The file that set the bound: "/proc/meminfo", "/sys/fs/cgroup/memory.max", ...
  std::string source;
};

// The smallest of the machine's memory and the limits of the process' control group and the groups
// above it, in version 2 and version 1 alike. kIo when not even /proc/meminfo tells.
Result<MachineMemory> DetectMachineMemory(const ConfigFiles& files);

// The bytes that `limit` means here. kInvalidArgument when it is above what the machine has.
Result<uint64_t> MemoryLimitBytes(const MemoryLimit& limit, const MachineMemory& memory);

}  // namespace ficus
