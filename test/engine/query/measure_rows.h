// The rows of an answer one by one, as models and expectations have them.
#pragma once

#include <vector>

#include "engine/model/tag_value.h"
#include "engine/query/measure_answer.h"

namespace ficus {

struct MeasureRow {
  UnixNanos timestamp = 0;
  SeriesId series;
  int64_t version = 0;
  std::vector<TagValue> tags;
  std::vector<TagValue> fields;
  friend bool operator==(const MeasureRow&, const MeasureRow&) = default;
};

inline std::vector<TagValue> ValuesAt(const std::vector<AnswerColumn>& columns, size_t row) {
  std::vector<TagValue> values;
  for (const AnswerColumn& column : columns) {
    values.push_back(ValueAt(column.values, column.PlaceOf(row)));
  }
  return values;
}

inline std::vector<MeasureRow> RowsOf(const MeasureRowBatch& batch) {
  std::vector<MeasureRow> rows(batch.rows);
  for (size_t row = 0; row < batch.rows; ++row) {
    if (!batch.timestamps.empty()) {
      rows[row].timestamp = batch.timestamps[row];
      rows[row].series = batch.series[row];
      rows[row].version = batch.versions[row];
    }
    rows[row].tags = ValuesAt(batch.tags, row);
    rows[row].fields = ValuesAt(batch.fields, row);
  }
  return rows;
}

}  // namespace ficus
