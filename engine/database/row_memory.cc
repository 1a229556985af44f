#include "engine/database/row_memory.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "engine/segment/group_store.h"

namespace ficus {
namespace {

constexpr int64_t kPauseNanos = kNanosPerSecond;

struct TableRows {
  std::shared_ptr<TsTable> table;
  size_t bytes = 0;
};

// The largest first.
std::vector<TableRows> RowsInMemory(const LiveGroups& groups) {
  std::vector<TableRows> rows;
  for (const auto& store : groups.All()) {
    for (auto& table : store->OpenTables()) {
      const size_t bytes = table->Current()->memory_bytes();
      if (bytes > 0) rows.push_back({std::move(table), bytes});
    }
  }
  std::sort(rows.begin(), rows.end(),
            [](const TableRows& a, const TableRows& b) { return a.bytes > b.bytes; });
  return rows;
}

}  // namespace

Result<MemoryReservation> RowMemory::Reserve(size_t bytes) {
  auto reserved = ledger_.Reserve(MemoryConsumer::kMemParts, bytes);
  const size_t used = ledger_.used_bytes(MemoryConsumer::kMemParts);
  if (!reserved.has_value() || used > ledger_.share_bytes(MemoryConsumer::kMemParts) / 2) {
    FlushLargest();
  }
  return reserved;
}

void RowMemory::FlushLargest() {
  if (clock_.Monotonic() < relief_->not_before || relief_->under_way.exchange(true)) return;
  const std::vector<TableRows> tables = RowsInMemory(groups_);
  size_t left = 0;
  for (const TableRows& rows : tables) left += rows.bytes;
  const size_t goal = ledger_.share_bytes(MemoryConsumer::kMemParts) / 4;
  // Its last copy goes when every flush has ended.
  const std::shared_ptr<void> end(nullptr,
                                  [relief = relief_](void*) { relief->under_way = false; });
  for (const TableRows& rows : tables) {
    if (left <= goal) break;
    left -= rows.bytes;
    rows.table->Flush([end, relief = relief_, &clock = clock_](const Result<>& flushed) {
      if (!flushed.has_value()) relief->not_before = clock.Monotonic() + kPauseNanos;
    });
  }
}

}  // namespace ficus
