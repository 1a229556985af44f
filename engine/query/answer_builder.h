// Batches of the answer out of stored rows.
#pragma once

#include <cstddef>
#include <vector>

#include "engine/base/result.h"
#include "engine/part/row_range.h"
#include "engine/query/entity_view.h"
#include "engine/query/measure_answer.h"
#include "engine/query/measure_plan_detail.h"
#include "engine/query/row_store.h"

namespace ficus {

// Fills one batch, run by run. One thread.
class AnswerBuilder {
 public:
  // Columns get the types of `types`. `batch` is empty; both outlive the builder, and so do the
  // stores.
  AnswerBuilder(const MeasurePlanDetail& plan, const AnswerTypes& types, MeasureRowBatch& batch);

  // Rows [begin, end) of the store, all of one series. kCorruption: its key is not that of an
  // entity.
  Result<> Append(const RowStore& store, RowRange range);
  // The same, but only the tags: the row is an aggregate.
  Result<> AppendTags(const RowStore& store, RowRange range);

  // An upper bound of what Append takes, vectors that grow included.
  static size_t BytesOf(const RowStore& store, RowRange range);

 private:
  void Prepare(const std::vector<ColumnType>& types, std::vector<AnswerColumn>& columns);
  Result<> AppendTo(AnswerColumn& column, bool shared, const ValueSource& source,
                    const RowStore& store, RowRange range);
  Result<> AppendEntityValue(ColumnValues& values, size_t position);

  const MeasurePlanDetail& plan_;
  MeasureRowBatch& batch_;
  std::vector<char> shared_;  // by tag: its values come from entities
  const RowStore* last_store_ = nullptr;
  SeriesId last_series_;
  bool same_series_ = false;   // as that of the rows before
  bool entity_known_ = false;  // of entity_, the series at hand
  EntityView entity_;
};

}  // namespace ficus
