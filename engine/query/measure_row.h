// The answer to a measure query, row by row.
#pragma once

#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/memory_ledger.h"
#include "engine/base/result.h"
#include "engine/model/ids.h"
#include "engine/model/tag_value.h"
#include "engine/query/measure_query.h"

namespace ficus {

// What every row of an answer has.
struct MeasureRowShape {
  std::vector<FamilyTags> tags;     // the names of MeasureRow::tags, family after family
  std::vector<std::string> fields;  // the names of MeasureRow::fields
  bool has_header = true;           // false: rows are aggregates; timestamp, series, version unset
};

struct MeasureRow {
  UnixNanos timestamp = 0;
  SeriesId series;
  int64_t version = 0;
  std::vector<TagValue> tags;    // null where the row, or its group's schema, has none
  std::vector<TagValue> fields;  // same
  friend bool operator==(const MeasureRow&, const MeasureRow&) = default;
};

// Rows of the answer, in its order. The reservation (MemoryConsumer::kQueries) covers them and
// travels with them.
struct MeasureRowBatch {
  std::vector<MeasureRow> rows;
  MemoryReservation reservation;
};

class MeasureRowSink {
 public:
  virtual ~MeasureRowSink() = default;
  // Called on the thread that runs the query, batches of at most kMeasureRowBatchMax rows. An error
  // ends the query with it.
  virtual Result<> Accept(MeasureRowBatch batch) = 0;
};

inline constexpr size_t kMeasureRowBatchMax = 512;

}  // namespace ficus
