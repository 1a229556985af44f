#include "server/observability/memory_metrics.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

// jemalloc's. Weak: null where the program brings another allocator.
extern "C" int mallctl(const char* name, void* old_value, size_t* old_length, void* new_value,
                       size_t new_length) __attribute__((weak));

namespace ficus {
namespace {

// jemalloc's figures are those of its last epoch; a new one makes them current.
bool StartAllocatorEpoch() {
  uint64_t epoch = 1;
  return ::mallctl("epoch", nullptr, nullptr, &epoch, sizeof epoch) == 0;
}

}  // namespace

std::shared_ptr<void> AddLedgerMetrics(MetricRegistry& registry, const MemoryLedger& ledger) {
  return registry.AddCollector([&ledger](std::vector<MetricFamily>& families) {
    MetricFamily budget{
        "ficus_memory_budget_bytes", "Limit of all reservations together.", MetricType::kGauge, {}};
    budget.samples.push_back({{}, static_cast<double>(ledger.limit_bytes()), nullptr});
    MetricFamily used{
        "ficus_memory_used_bytes", "Memory reserved at present.", MetricType::kGauge, {}};
    MetricFamily refused{"ficus_memory_refused_total",
                         "Reservations refused because a bound was reached.",
                         MetricType::kCounter,
                         {}};
    for (size_t i = 0; i < kMemoryConsumerCount; ++i) {
      const auto consumer = static_cast<MemoryConsumer>(i);
      const MetricLabels labels = {{"consumer", std::string(MemoryConsumerName(consumer))}};
      used.samples.push_back({labels, static_cast<double>(ledger.used_bytes(consumer)), nullptr});
      refused.samples.push_back({labels, static_cast<double>(ledger.refused(consumer)), nullptr});
    }
    families.push_back(std::move(budget));
    families.push_back(std::move(used));
    families.push_back(std::move(refused));
  });
}

std::shared_ptr<void> AddAllocatorMetrics(MetricRegistry& registry) {
  return registry.AddCollector([](std::vector<MetricFamily>& families) {
    if (::mallctl == nullptr || !StartAllocatorEpoch()) return;
    static constexpr std::array<const char*, 6> kKinds = {"allocated", "active", "metadata",
                                                          "resident",  "mapped", "retained"};
    MetricFamily family{
        "ficus_allocator_bytes", "Memory as the allocator counts it.", MetricType::kGauge, {}};
    for (const char* kind : kKinds) {
      size_t bytes = 0;
      size_t length = sizeof bytes;
      const std::string name = std::string("stats.") + kind;
      if (::mallctl(name.c_str(), &bytes, &length, nullptr, 0) != 0) continue;
      family.samples.push_back({{{"kind", kind}}, static_cast<double>(bytes), nullptr});
    }
    families.push_back(std::move(family));
  });
}

}  // namespace ficus
