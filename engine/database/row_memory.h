// The memory of rows on their way into tables, and who gives some back when little is left.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "engine/base/clock.h"
#include "engine/base/memory_ledger.h"
#include "engine/base/result.h"
#include "engine/database/live_groups.h"

namespace ficus {

// Many tables that each hold less than a flush is worth can fill the share of
// MemoryConsumer::kMemParts together. When more than half of it is in use, the largest tables are
// flushed until a quarter would be left.
//
// All members: any thread. Outlived by its ledger and groups.
class RowMemory {
 public:
  RowMemory(const Clock& clock, MemoryLedger& ledger, const LiveGroups& groups)
      : clock_(clock), ledger_(ledger), groups_(groups) {}

  // Before rows of `bytes` are written to the log. kResourceExhausted: a flush makes room soon.
  Result<MemoryReservation> Reserve(size_t bytes);

 private:
  // Outlives the node's part in a flush that ends while it closes.
  struct Relief {
    std::atomic<bool> under_way{false};
    std::atomic<int64_t> not_before{0};  // monotonic; after a flush that failed
  };

  void FlushLargest();

  const Clock& clock_;
  MemoryLedger& ledger_;
  const LiveGroups& groups_;
  const std::shared_ptr<Relief> relief_ = std::make_shared<Relief>();
};

}  // namespace ficus
