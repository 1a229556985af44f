#include "engine/query/row_store.h"

#include <algorithm>

namespace ficus {

RowStore::RowStore(const MeasureGroupPlan& plan) : plan_(&plan) {
  for (const ScanColumn& column : plan.columns) columns_.emplace_back(column.id, column.type);
}

void RowStore::Append(const SeriesRows& rows, RowRange range) {
  const auto begin = static_cast<ptrdiff_t>(range.begin);
  const auto end = static_cast<ptrdiff_t>(range.end);
  const RowBatch& batch = rows.batch;
  timestamps_.insert(timestamps_.end(), batch.timestamps.begin() + begin,
                     batch.timestamps.begin() + end);
  versions_.insert(versions_.end(), batch.versions.begin() + begin, batch.versions.begin() + end);
  series_.insert(series_.end(), range.rows(), rows.series);
  for (size_t slot = 0; slot < columns_.size(); ++slot) {
    if (rows.columns[slot] == nullptr) {
      columns_[slot].AppendNulls(range.rows());
    } else {
      columns_[slot].AppendRange(*rows.columns[slot], range.begin, range.end);
    }
  }
}

void RowStore::AppendBare(SeriesId series, UnixNanos timestamp) {
  timestamps_.push_back(timestamp);
  versions_.push_back(0);
  series_.push_back(series);
  for (ColumnValues& column : columns_) column.AppendNull();
}

void RowStore::AppendFrom(const RowStore& other, size_t row) {
  timestamps_.push_back(other.timestamps_[row]);
  versions_.push_back(other.versions_[row]);
  series_.push_back(other.series_[row]);
  for (size_t slot = 0; slot < columns_.size(); ++slot) {
    columns_[slot].AppendFrom(other.columns_[slot], row);
  }
}

size_t RowStore::BytesOf(const SeriesRows& rows, RowRange range) {
  size_t bytes = range.rows() * (3 + rows.columns.size()) * sizeof(uint64_t);
  for (const ColumnValues* column : rows.columns) {
    if (column == nullptr || IsFixed(column->type())) continue;
    bytes += column->offsets()[range.end] - column->offsets()[range.begin];
  }
  return bytes;
}

size_t RowStore::MemoryBytes() const {
  size_t bytes = timestamps_.size() * 3 * sizeof(uint64_t);
  for (const ColumnValues& column : columns_) bytes += column.MemoryBytes();
  return bytes + entities_.size() * sizeof(Entity) + keys_.size();
}

void RowStore::AddEntity(SeriesId series, std::string_view key) {
  entities_.push_back({series.value(), keys_.size(), key.size()});
  keys_.append(key);
}

void RowStore::FinishEntities() {
  std::sort(entities_.begin(), entities_.end(),
            [](const Entity& a, const Entity& b) { return a.series < b.series; });
}

void RowStore::CopyEntities(const RowStore& other) {
  entities_ = other.entities_;
  keys_ = other.keys_;
}

std::string_view RowStore::FindEntity(SeriesId series) const {
  const auto found =
      std::lower_bound(entities_.begin(), entities_.end(), series.value(),
                       [](const Entity& entity, uint64_t id) { return entity.series < id; });
  if (found == entities_.end() || found->series != series.value()) return {};
  return std::string_view(keys_).substr(found->offset, found->bytes);
}

}  // namespace ficus
