// The memory of a run of rows on its way to a query.
#pragma once

#include <cstddef>

#include "engine/base/memory_ledger.h"
#include "engine/base/result.h"

namespace ficus {

// A run of copied rows ends behind the row with which its cells reach this. Many cursors are open
// at the same time: the rows of a mem part that fills the ledger must still be readable.
inline constexpr size_t kRunCellBytesTarget = 256 << 10;

// Cells beyond the target, which is small change, are charged to MemoryConsumer::kQueries; the most
// that was asked for is kept until it goes. One thread.
class RunMemory {
 public:
  explicit RunMemory(MemoryLedger& ledger) : ledger_(ledger) {}

  // Asked for each row; a Result would cost more than the row.
  bool Covers(size_t bytes) const { return bytes <= covered_; }
  // Before the cells of a run take `bytes` that are not covered. kResourceExhausted.
  Result<> Cover(size_t bytes) {
    const size_t rounded = (bytes / kStepBytes + 1) * kStepBytes;
    if (reservation_.bytes() > 0) {
      RETURN_IF_ERROR(reservation_.Resize(rounded));
    } else {
      ASSIGN_OR_RETURN(reservation_, ledger_.Reserve(MemoryConsumer::kQueries, rounded));
    }
    covered_ = rounded;
    return Ok();
  }

 private:
  static constexpr size_t kStepBytes = 64 << 10;

  MemoryLedger& ledger_;
  MemoryReservation reservation_;
  size_t covered_ = kRunCellBytesTarget;
};

}  // namespace ficus
