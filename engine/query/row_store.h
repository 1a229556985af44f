// Rows taken out of a scan, in columns, with the entities of their series.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/model/column.h"
#include "engine/part/row_range.h"
#include "engine/query/measure_plan_detail.h"
#include "engine/query/slice_scan.h"

namespace ficus {

// Rows of one group of the query. One thread.
class RowStore {
 public:
  // `plan` outlives it.
  explicit RowStore(const MeasureGroupPlan& plan);

  const MeasureGroupPlan& plan() const { return *plan_; }
  size_t rows() const { return timestamps_.size(); }
  UnixNanos timestamp(size_t row) const { return timestamps_[row]; }
  SeriesId series(size_t row) const { return series_[row]; }
  int64_t version(size_t row) const { return versions_[row]; }
  std::span<const UnixNanos> timestamps() const { return timestamps_; }
  std::span<const int64_t> versions() const { return versions_; }
  // A column that was missing is null in its rows.
  const ColumnValues& column(size_t slot) const { return columns_[slot]; }

  // Rows of the batch that `rows` is of.
  void Append(const SeriesRows& rows, RowRange range);
  // A row that is null in every column and has no version.
  void AppendBare(SeriesId series, UnixNanos timestamp);
  // A row of a store of the same plan.
  void AppendFrom(const RowStore& other, size_t row);
  // Bytes that Append would add, not counting how vectors grow.
  static size_t BytesOf(const SeriesRows& rows, RowRange range);
  // The same of AppendBare.
  static size_t BareBytes(const MeasureGroupPlan& plan) {
    return (3 + plan.columns.size()) * sizeof(uint64_t);
  }
  // Of the rows and of the entities, not counting how vectors grow.
  size_t MemoryBytes() const;

  // Copies the key of a series, in any order and more than once, until FinishEntities.
  void AddEntity(SeriesId series, std::string_view key);
  void FinishEntities();
  void CopyEntities(const RowStore& other);
  // After FinishEntities; empty when it is not known.
  std::string_view FindEntity(SeriesId series) const;
  static constexpr size_t EntityBytes(std::string_view key) { return key.size() + sizeof(Entity); }

 private:
  struct Entity {
    uint64_t series = 0;
    size_t offset = 0;
    size_t bytes = 0;
  };

  const MeasureGroupPlan* plan_;
  std::vector<UnixNanos> timestamps_;
  std::vector<SeriesId> series_;
  std::vector<int64_t> versions_;
  std::vector<ColumnValues> columns_;  // by slot
  std::vector<Entity> entities_;       // ascending series
  std::string keys_;
};

// A row of one of several stores.
struct StoredRow {
  uint32_t store = 0;
  uint32_t row = 0;
  friend auto operator<=>(const StoredRow&, const StoredRow&) = default;
};

}  // namespace ficus
