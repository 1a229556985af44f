// What mem parts and parts have in common: rows in order, found by subject, series and time.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/base/result.h"
#include "engine/model/row_batch.h"
#include "engine/part/block_header.h"

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

  // Which runs RowCursor::NextRun may leave unread.
  enum class Unread : uint8_t {
    kNone,
    kForColumns,  // of all that are handed on, columns will be read
    kForBounds,   // columns will be read only where a header has no bounds of them
  };
  Unread unread = Unread::kNone;
};

// What a scan cost; added up by whoever runs it.
struct ScanCost {
  uint64_t blocks_read = 0;
  uint64_t blocks_skipped = 0;
  uint64_t bytes_read = 0;
  uint64_t rows_read = 0;
};

// A run of rows that a cursor has come to and not read: a block of one series, without deletions,
// all of whose rows are wanted. Valid until the cursor moves on. One thread.
class UnreadRun {
 public:
  virtual ~UnreadRun() = default;
  // What the index says of it.
  virtual const BlockHeader& header() const = 0;
  // All values of one of its columns that the request names. kCorruption names the file.
  virtual Result<ColumnValues> ReadColumn(const BlockColumn& column) = 0;
  // Replaces `rows` by its rows, as RowCursor::Next would. kCorruption names the file.
  virtual Result<> ReadRows(RowBatch& rows) = 0;
};

// Rows in the order (series, timestamp, winner first), a run at a time. One thread.
class RowCursor {
 public:
  virtual ~RowCursor() = default;

  // Replaces `rows` by the next run, which continues the order; false at the end. Rows outside the
  // request never come. Versions and tombstones always come. kCorruption names the file: nothing
  // more can be read from this cursor.
  virtual Result<bool> Next(RowBatch& rows) = 0;

  // The same, but where the request allows it and no other rows lie between those of a run,
  // `unread` is that run and `rows` is empty. Otherwise `unread` is null.
  virtual Result<bool> NextRun(RowBatch& rows, UnreadRun*& unread) {
    unread = nullptr;
    return Next(rows);
  }

  virtual const ScanCost& cost() const = 0;
};

}  // namespace ficus
