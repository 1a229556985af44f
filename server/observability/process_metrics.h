// What the operating system knows about this process, under the names that every Prometheus client
// library uses, so that ready-made dashboards work.
#pragma once

#include <cstdint>
#include <memory>

#include "engine/base/clock.h"
#include "engine/base/metrics.h"

namespace ficus {

struct ProcessUsage {
  uint64_t resident_bytes = 0;
  uint64_t virtual_bytes = 0;
  double cpu_seconds = 0;  // user and system
  uint64_t open_fds = 0;
  uint64_t max_fds = 0;
  uint64_t threads = 0;
};

// Figures that the system does not tell are 0. Any thread; reads a few files of /proc.
ProcessUsage ReadProcessUsage();

// process_resident_memory_bytes, process_virtual_memory_bytes, process_cpu_seconds_total,
// process_open_fds, process_max_fds, process_threads, process_start_time_seconds, and our own
// ficus_start_time_seconds. `started` is when the process began. Gone with the handle.
std::shared_ptr<void> AddProcessMetrics(MetricRegistry& registry, UnixNanos started);

}  // namespace ficus
