// Programs that a workload starts, and what they cost.
#pragma once

#include <cstdint>
#include <string>
#include <sys/types.h>
#include <vector>

namespace ficus::bench {

// Starts a program with its output appended to a file. `core`: it runs on this one only, taken
// modulo the cores there are; negative: anywhere.
pid_t Start(const std::vector<std::string>& command, const std::string& output, int core = -1);

bool IsRunning(pid_t pid);
// Its exit code, or 128 and the signal.
int WaitFor(pid_t pid);

// User and system time of a running process, threads that ended included.
double CpuSeconds(pid_t pid);
// Resident bytes that are its own: not those of files.
uint64_t AnonymousBytes(pid_t pid);

}  // namespace ficus::bench
