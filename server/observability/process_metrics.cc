#include "server/observability/process_metrics.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <sys/resource.h>
#include <system_error>

#include <time.h>
#include <unistd.h>

namespace ficus {
namespace {

void ReadMemory(ProcessUsage& usage) {
  uint64_t virtual_pages = 0;
  uint64_t resident_pages = 0;
  std::ifstream statm("/proc/self/statm");
  if (!(statm >> virtual_pages >> resident_pages)) return;
  const auto page_bytes = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  usage.virtual_bytes = virtual_pages * page_bytes;
  usage.resident_bytes = resident_pages * page_bytes;
}

uint64_t CountEntries(const char* folder) {
  uint64_t count = 0;
  std::error_code error;
  std::filesystem::directory_iterator entry(folder, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) ++count;
  return count;
}

void ReadDescriptors(ProcessUsage& usage) {
  const uint64_t entries = CountEntries("/proc/self/fd");
  // One of them was the folder itself.
  usage.open_fds = entries > 0 ? entries - 1 : 0;
  rlimit limit;
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) usage.max_fds = limit.rlim_cur;
}

MetricFamily Single(const char* name, const char* help, MetricType type, double value) {
  return {name, help, type, {MetricSample{{}, value, nullptr}}};
}

}  // namespace

ProcessUsage ReadProcessUsage() {
  ProcessUsage usage;
  ReadMemory(usage);
  ReadDescriptors(usage);
  timespec cpu;
  if (::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu) == 0) {
    usage.cpu_seconds = static_cast<double>(cpu.tv_sec) + static_cast<double>(cpu.tv_nsec) * 1e-9;
  }
  usage.threads = CountEntries("/proc/self/task");
  return usage;
}

std::shared_ptr<void> AddProcessMetrics(MetricRegistry& registry, UnixNanos started) {
  const double start_seconds = static_cast<double>(started) / static_cast<double>(kNanosPerSecond);
  return registry.AddCollector([start_seconds](std::vector<MetricFamily>& families) {
    const ProcessUsage usage = ReadProcessUsage();
    const auto gauge = [&](const char* name, const char* help, auto value) {
      families.push_back(Single(name, help, MetricType::kGauge, static_cast<double>(value)));
    };
    families.push_back(Single("process_cpu_seconds_total", "User and system CPU time in seconds.",
                              MetricType::kCounter, usage.cpu_seconds));
    gauge("process_resident_memory_bytes", "Resident memory in bytes.", usage.resident_bytes);
    gauge("process_virtual_memory_bytes", "Virtual memory in bytes.", usage.virtual_bytes);
    gauge("process_open_fds", "Open file descriptors.", usage.open_fds);
    gauge("process_max_fds", "File descriptors that may be open.", usage.max_fds);
    gauge("process_threads", "Threads.", usage.threads);
    gauge("process_start_time_seconds", "Start of the process in seconds since 1970.",
          start_seconds);
    gauge("ficus_start_time_seconds", "Start of the process in seconds since 1970.", start_seconds);
  });
}

}  // namespace ficus
