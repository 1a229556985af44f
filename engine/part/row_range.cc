#include "engine/part/row_range.h"

#include <algorithm>
#include <string>
#include <vector>

#include "engine/base/check.h"

namespace ficus {
namespace {

// The column of `batch` with the id and type of `like`, made where missing; null on another type.
ColumnValues* FindOrAddColumn(RowBatch& batch, size_t rows, const ColumnValues& like) {
  auto place = std::lower_bound(
      batch.columns.begin(), batch.columns.end(), like.id(),
      [](const ColumnValues& column, ColumnId wanted) { return column.id() < wanted; });
  if (place == batch.columns.end() || place->id() != like.id()) {
    place = batch.columns.insert(place, ColumnValues(like.id(), like.type()));
    place->AppendNulls(rows);
  }
  return place->type() == like.type() ? &*place : nullptr;
}

void AppendKeys(RowBatch& to, const RowBatch& from, RowRange range) {
  const size_t rows = to.rows();
  const auto append = [&](auto& target, const auto& source) {
    target.insert(target.end(), source.begin() + static_cast<ptrdiff_t>(range.begin),
                  source.begin() + static_cast<ptrdiff_t>(range.end));
  };
  append(to.series, from.series);
  append(to.timestamps, from.timestamps);
  append(to.versions, from.versions);
  if (!from.tombstones.empty()) {
    to.tombstones.resize(rows);
    append(to.tombstones, from.tombstones);
  } else if (!to.tombstones.empty()) {
    to.tombstones.resize(to.rows());
  }
}

template <typename Wanted>
Result<> AppendRowsIf(RowBatch& to, const RowBatch& from, RowRange range, const Wanted& wanted) {
  DCHECK(range.begin <= range.end && range.end <= from.rows());
  const size_t rows = to.rows();
  AppendKeys(to, from, range);
  for (const ColumnValues& column : from.columns) {
    if (!wanted(column.id())) continue;
    ColumnValues* target = FindOrAddColumn(to, rows, column);
    if (target == nullptr) {
      return Error{ErrorCode::kCorruption,
                   "column " + std::to_string(column.id().value()) + " has two types"};
    }
    target->AppendRange(column, range.begin, range.end);
  }
  for (ColumnValues& column : to.columns) column.AppendNulls(to.rows() - column.rows());
  return Ok();
}

}  // namespace

Result<> AppendRows(RowBatch& to, const RowBatch& from, RowRange range) {
  return AppendRowsIf(to, from, range, [](ColumnId) { return true; });
}

Result<> AppendRows(RowBatch& to, const RowBatch& from, RowRange range,
                    const std::vector<ColumnId>& columns) {
  return AppendRowsIf(to, from, range, [&](ColumnId id) {
    return std::binary_search(columns.begin(), columns.end(), id);
  });
}

void ClearRows(RowBatch& batch) {
  batch.series.clear();
  batch.timestamps.clear();
  batch.versions.clear();
  batch.tombstones.clear();
  batch.columns.clear();
}

void ClearValues(RowBatch& batch) {
  batch.series.clear();
  batch.timestamps.clear();
  batch.versions.clear();
  batch.tombstones.clear();
  for (ColumnValues& column : batch.columns) column.Clear();
}

void DropFirstRows(RowBatch& batch, size_t count) {
  if (count == batch.rows()) return ClearValues(batch);
  RowBatch rest;
  rest.subject = batch.subject;
  // A batch has one type for each of its columns.
  CHECK(AppendRows(rest, batch, {count, batch.rows()}).has_value());
  batch = std::move(rest);
}

size_t CellBytes(const RowBatch& batch, RowRange range) {
  size_t bytes = 0;
  for (const ColumnValues& column : batch.columns) {
    if (IsFixed(column.type())) continue;
    bytes += column.offsets()[range.end] - column.offsets()[range.begin];
  }
  return bytes;
}

}  // namespace ficus
