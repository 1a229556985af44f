#include "server/observability/memory_metrics.h"

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "server/observability/prometheus_text.h"
#include "test/server/observability/metrics_parser.h"
#include "test/support/skip.h"

extern "C" int mallctl(const char*, void*, size_t*, void*, size_t) __attribute__((weak));

namespace ficus {
namespace {

// A compiler may leave out an allocation that nobody looks at.
void Keep(std::vector<char>& memory) { asm volatile("" : : "r"(memory.data()) : "memory"); }

std::map<std::string, double> Samples(const MetricRegistry& registry) {
  return ParseSamples(PrometheusText(registry.Collect()));
}

TEST_CASE("the ledger's accounts are metrics", "[metrics]") {
  MetricRegistry registry;
  MemoryLedger ledger(1000);
  const auto handle = AddLedgerMetrics(registry, ledger);
  const auto held = ledger.Reserve(MemoryConsumer::kQueries, 300);
  REQUIRE_FALSE(ledger.Reserve(MemoryConsumer::kCaches, 701));
  const auto samples = Samples(registry);
  REQUIRE(samples.at("ficus_memory_budget_bytes") == 1000);
  REQUIRE(samples.at("ficus_memory_used_bytes{consumer=\"queries\"}") == 300);
  REQUIRE(samples.at("ficus_memory_used_bytes{consumer=\"log\"}") == 0);
  REQUIRE(samples.at("ficus_memory_refused_total{consumer=\"caches\"}") == 1);
  REQUIRE(samples.size() == 1 + 2 * kMemoryConsumerCount);
}

TEST_CASE("the allocator's figures are there when it is jemalloc", "[metrics]") {
  MetricRegistry registry;
  const auto handle = AddAllocatorMetrics(registry);
  if (::mallctl == nullptr) {
    REQUIRE(registry.Collect().empty());
    SKIP_TEST("this build is not linked to jemalloc");
  }
  const double before = Samples(registry).at("ficus_allocator_bytes{kind=\"allocated\"}");
  std::vector<char> memory(32 << 20, 1);
  Keep(memory);
  const auto samples = Samples(registry);
  REQUIRE(samples.size() == 6);
  REQUIRE(samples.at("ficus_allocator_bytes{kind=\"allocated\"}") >= before + (32 << 20));
  REQUIRE(samples.at("ficus_allocator_bytes{kind=\"resident\"}") > 0);
}

}  // namespace
}  // namespace ficus
