// Opens the file system of the machine with the I/O engine that works here.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "engine/base/metrics.h"
#include "engine/base/result.h"
#include "engine/io/file_system.h"

namespace ficus {

enum class IoEngine : uint8_t { kAuto, kUring, kThreads };

struct DiskOptions {
  IoEngine engine = IoEngine::kAuto;
  uint32_t queue_depth = 256;
  // Counts of operations, bytes, ring submissions by file class, latencies. May be null.
  MetricRegistry* metrics = nullptr;
};

// `root` must exist. kAuto probes io_uring (set-up, one write, one fsync) and falls back to threads
// with one log line (event "io.fallback") that names the cause: sysctl, seccomp, memlock. kUring:
// kUnavailable with the cause instead.
Result<std::unique_ptr<FileSystem>> OpenDiskFileSystem(std::string_view root, DiskOptions options);

// Why io_uring cannot be used here; empty when it can. Probes once per process.
std::string UringRefusal();

}  // namespace ficus
