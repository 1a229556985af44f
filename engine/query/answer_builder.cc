#include "engine/query/answer_builder.h"

#include <algorithm>
#include <numeric>

namespace ficus {
namespace {

bool IsEntity(const ValueSource& source) { return source.kind == ValueSource::Kind::kEntity; }

// Of one slot of an answer, for rows of one series.
size_t BytesOf(const ValueSource& source, const RowStore& store, RowRange range) {
  if (source.kind != ValueSource::Kind::kColumn) return range.rows() * 2 * sizeof(uint32_t);
  const ColumnValues& column = store.column(source.index);
  const size_t fixed = range.rows() * 2 * sizeof(uint64_t);
  if (IsFixed(column.type())) return fixed;
  return fixed + column.offsets()[range.end] - column.offsets()[range.begin];
}

}  // namespace

AnswerBuilder::AnswerBuilder(const MeasurePlanDetail& plan, const AnswerTypes& types,
                             MeasureRowBatch& batch)
    : plan_(plan), batch_(batch), shared_(types.tags.size(), 0) {
  for (const ColumnType type : types.tags) batch.tags.push_back({{ColumnId(), type}, {}});
  for (const ColumnType type : types.fields) batch.fields.push_back({{ColumnId(), type}, {}});
  for (const MeasureGroupPlan& group : plan.groups) {
    for (size_t tag = 0; tag < shared_.size(); ++tag) {
      if (IsEntity(group.tags[tag])) shared_[tag] = 1;
    }
  }
}

Result<> AnswerBuilder::Append(const RowStore& store, RowRange range) {
  const auto times = store.timestamps().subspan(range.begin, range.rows());
  const auto versions = store.versions().subspan(range.begin, range.rows());
  batch_.timestamps.insert(batch_.timestamps.end(), times.begin(), times.end());
  batch_.versions.insert(batch_.versions.end(), versions.begin(), versions.end());
  batch_.series.insert(batch_.series.end(), range.rows(), store.series(range.begin));
  const std::vector<ValueSource>& fields = store.plan().fields;
  for (size_t field = 0; field < fields.size(); ++field) {
    RETURN_IF_ERROR(AppendTo(batch_.fields[field], false, fields[field], store, range));
  }
  return AppendTags(store, range);
}

Result<> AnswerBuilder::AppendTags(const RowStore& store, RowRange range) {
  const SeriesId series = store.series(range.begin);
  same_series_ = last_store_ == &store && last_series_ == series;
  last_store_ = &store;
  last_series_ = series;
  if (plan_.needs_entity_for_tags && !same_series_) {
    const std::string_view key = store.FindEntity(series);
    entity_known_ = !key.empty();
    if (entity_known_) RETURN_IF_ERROR(entity_.Assign(key));
  }
  const std::vector<ValueSource>& tags = store.plan().tags;
  for (size_t tag = 0; tag < tags.size(); ++tag) {
    RETURN_IF_ERROR(AppendTo(batch_.tags[tag], shared_[tag] != 0, tags[tag], store, range));
  }
  batch_.rows += range.rows();
  return Ok();
}

Result<> AnswerBuilder::AppendTo(AnswerColumn& column, bool shared, const ValueSource& source,
                                 const RowStore& store, RowRange range) {
  const auto first = static_cast<uint32_t>(column.values.rows());
  if (source.kind == ValueSource::Kind::kColumn) {
    column.values.AppendRange(store.column(source.index), range.begin, range.end);
    if (!shared) return Ok();
    column.places.resize(column.places.size() + range.rows());
    std::iota(column.places.end() - static_cast<ptrdiff_t>(range.rows()), column.places.end(),
              first);
    return Ok();
  }
  if (!shared) {
    column.values.AppendNulls(range.rows());
    return Ok();
  }
  uint32_t place = first;
  if (same_series_) {
    place = column.places.back();
  } else if (IsEntity(source) && entity_known_) {
    RETURN_IF_ERROR(entity_.AppendTo(column.values, source.index));
  } else {
    column.values.AppendNull();
  }
  column.places.insert(column.places.end(), range.rows(), place);
  return Ok();
}

size_t AnswerBuilder::BytesOf(const RowStore& store, RowRange range) {
  size_t bytes = range.rows() * 3 * sizeof(uint64_t);
  for (const ValueSource& source : store.plan().tags) bytes += ficus::BytesOf(source, store, range);
  for (const ValueSource& source : store.plan().fields) {
    bytes += ficus::BytesOf(source, store, range);
  }
  // No value of an entity is longer than its key.
  bytes += store.plan().tags.size() * store.FindEntity(store.series(range.begin)).size();
  return 2 * bytes;
}

}  // namespace ficus
