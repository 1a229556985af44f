#include "server/observability/process_metrics.h"

#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "server/observability/prometheus_text.h"
#include "test/server/observability/metrics_parser.h"

namespace ficus {
namespace {

// A compiler may leave out an allocation that nobody looks at.
void Keep(std::vector<char>& memory) { asm volatile("" : : "r"(memory.data()) : "memory"); }

std::map<std::string, double> Samples(const MetricRegistry& registry) {
  return ParseSamples(PrometheusText(registry.Collect()));
}

TEST_CASE("a process uses memory, time, descriptors and threads", "[metrics]") {
  const ProcessUsage before = ReadProcessUsage();
  REQUIRE(before.resident_bytes > 1'000'000);
  REQUIRE(before.virtual_bytes >= before.resident_bytes);
  REQUIRE(before.open_fds >= 3);
  REQUIRE(before.max_fds > before.open_fds);
  REQUIRE(before.threads >= 1);

  std::vector<char> memory(32 << 20, 1);
  Keep(memory);
  std::ifstream open("/proc/self/stat");
  const ProcessUsage after = ReadProcessUsage();
  REQUIRE(after.resident_bytes >= before.resident_bytes + memory.size() / 2);
  REQUIRE(after.open_fds == before.open_fds + 1);
  REQUIRE(after.cpu_seconds > before.cpu_seconds);
}

TEST_CASE("process metrics have the names that dashboards know", "[metrics]") {
  MetricRegistry registry;
  const auto handle = AddProcessMetrics(registry, 1'700'000'000'500'000'000);
  const auto samples = Samples(registry);
  REQUIRE(samples.at("process_start_time_seconds") == 1'700'000'000.5);
  REQUIRE(samples.at("ficus_start_time_seconds") == 1'700'000'000.5);
  for (const char* name :
       {"process_cpu_seconds_total", "process_resident_memory_bytes",
        "process_virtual_memory_bytes", "process_open_fds", "process_max_fds", "process_threads"}) {
    CAPTURE(name);
    REQUIRE(samples.at(name) > 0);
  }
}

}  // namespace
}  // namespace ficus
