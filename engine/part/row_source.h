// What mem parts and parts have in common: rows in order, found by subject, series and time.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/base/result.h"
#include "engine/model/row_batch.h"

namespace ficus {

// Which rows and columns a scan wants.
struct ScanRequest {
  SubjectId subject;
  // Ascending; only rows of these series. Ignored when `all_series`.
  std::vector<SeriesId> series;
  bool all_series = false;
  TimeRange times = TimeRange::All();
  // Ascending. Rows come with these columns only; a column that a block lacks is left out of its
  // batch.
  std::vector<ColumnId> columns;
};

// What a scan cost; added up by whoever runs it.
struct ScanCost {
  uint64_t blocks_read = 0;
  uint64_t blocks_skipped = 0;
  uint64_t bytes_read = 0;
  uint64_t rows_read = 0;
};

// Rows in the order (series, timestamp, winner first), a run at a time. One thread.
class RowCursor {
 public:
  virtual ~RowCursor() = default;

  // Replaces `rows` by the next run, which continues the order; false at the end. Rows outside the
  // request never come. Versions and tombstones always come. kCorruption names the file: nothing
  // more can be read from this cursor.
  virtual Result<bool> Next(RowBatch& rows) = 0;

  virtual const ScanCost& cost() const = 0;
};

}  // namespace ficus
