// Rows of one subject, column by column: the currency of log, mem parts, parts and queries.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/clock.h"
#include "engine/model/column.h"
#include "engine/model/ids.h"
#include "engine/model/time_range.h"

namespace ficus {

// A series that its rows need to be found by: written once per series and segment.
struct SeriesEntry {
  SubjectId subject;
  SeriesId series;
  std::string entity;  // the series key (entity.h)
  friend bool operator==(const SeriesEntry&, const SeriesEntry&) = default;
};

size_t MemoryBytes(const std::vector<SeriesEntry>& entries);

// All vectors have rows() entries. Any order of rows unless said otherwise.
struct RowBatch {
  SubjectId subject;
  std::vector<SeriesId> series;
  std::vector<UnixNanos> timestamps;
  std::vector<int64_t> versions;
  std::vector<bool> tombstones;       // empty: none is a deletion
  std::vector<ColumnValues> columns;  // distinct ids, ascending

  size_t rows() const { return timestamps.size(); }
  bool IsTombstone(size_t row) const { return !tombstones.empty() && tombstones[row]; }
  // Null when the batch has no such column: every row is null there.
  const ColumnValues* FindColumn(ColumnId id) const;
  // The smallest range that holds every row; empty for no rows. The last nanosecond of int64 cannot
  // lie inside a half-open range: a row there is left out.
  TimeRange Times() const;
  size_t MemoryBytes() const;
  friend bool operator==(const RowBatch&, const RowBatch&) = default;
};

// The order inside mem parts and parts: series, timestamp, then the row that wins first (highest
// version; equal versions keep their order in `batch`, which is log order).
// O(rows) for sorted rows and for rows whose series ids are hashes and whose times mostly ascend.
std::vector<uint32_t> SortedOrder(const RowBatch& batch);
bool IsSorted(const RowBatch& batch);

// The rows of `batch` in `order` (row numbers, as from SortedOrder). With `keep_winners_only`, of
// neighbours with equal series and timestamp only the first.
RowBatch Reordered(const RowBatch& batch, const std::vector<uint32_t>& order,
                   bool keep_winners_only);

// Adds `from`'s row to the end of `to`, column by id; columns missing on either side become null.
// A column on both sides has one type (CHECKed).
void AppendRow(RowBatch& to, const RowBatch& from, size_t row);

}  // namespace ficus
