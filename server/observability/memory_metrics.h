// Memory as the ledger counts it and as the allocator holds it.
#pragma once

#include <memory>

#include "engine/base/memory_ledger.h"
#include "engine/base/metrics.h"

namespace ficus {

// ficus_memory_budget_bytes, ficus_memory_used_bytes{consumer},
// ficus_memory_refused_total{consumer}. `ledger` outlives the handle.
std::shared_ptr<void> AddLedgerMetrics(MetricRegistry& registry, const MemoryLedger& ledger);

// ficus_allocator_bytes{kind}: allocated, active, metadata, resident, mapped, retained as jemalloc
// defines them. Nothing when the program is not linked to jemalloc.
std::shared_ptr<void> AddAllocatorMetrics(MetricRegistry& registry);

}  // namespace ficus
