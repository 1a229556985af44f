// The answer to a measure query, in columns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/memory_ledger.h"
#include "engine/base/result.h"
#include "engine/model/column.h"
#include "engine/model/ids.h"
#include "engine/query/measure_query.h"

namespace ficus {

// What every row of an answer has.
struct MeasureRowShape {
  std::vector<FamilyTags> tags;     // the names of MeasureRowBatch::tags, family after family
  std::vector<std::string> fields;  // the names of MeasureRowBatch::fields
  bool has_header = true;           // false: rows are aggregates without time, series and version
};

// One tag or field of several rows; null where a row, or its group's schema, has none.
struct AnswerColumn {
  ColumnValues values;
  // Where the value of each row is in `values`, so that rows may share one; empty: row i has
  // value i.
  std::vector<uint32_t> places;

  size_t PlaceOf(size_t row) const { return places.empty() ? row : places[row]; }
};

// Rows of the answer, in its order. The reservation (MemoryConsumer::kQueries) covers them and
// travels with them.
struct MeasureRowBatch {
  size_t rows = 0;
  // One for each row, or none when the rows have no header.
  std::vector<UnixNanos> timestamps;
  std::vector<SeriesId> series;
  std::vector<int64_t> versions;
  std::vector<AnswerColumn> tags;    // as MeasureRowShape::tags
  std::vector<AnswerColumn> fields;  // as MeasureRowShape::fields
  MemoryReservation reservation;
};

class MeasureRowSink {
 public:
  virtual ~MeasureRowSink() = default;
  // Called on the thread that runs the query, batches of 1 to kMeasureRowBatchMax rows. An error
  // ends the query with it.
  virtual Result<> Accept(MeasureRowBatch batch) = 0;
};

inline constexpr size_t kMeasureRowBatchMax = 512;

}  // namespace ficus
