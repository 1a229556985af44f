// The naive truth that parts are compared with: a map from row to values, and random rows.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "engine/base/random.h"
#include "engine/model/row_batch.h"
#include "engine/part/row_source.h"

namespace ficus {

// A row as it can be compared: values by column as bytes, nulls left out.
struct ModelRow {
  int64_t version = 0;
  bool tombstone = false;
  std::map<uint32_t, std::string> values;
  friend bool operator==(const ModelRow&, const ModelRow&) = default;
};

// Subject, series, timestamp.
using ModelKey = std::tuple<uint64_t, uint64_t, int64_t>;
using ModelRows = std::map<ModelKey, ModelRow>;

// The bytes of all cells of a batch.
size_t AllCellBytes(const RowBatch& batch);

// Rows of a batch in a form that forgets how they were batched. With `columns` only those.
ModelRow RowOf(const RowBatch& batch, size_t row, const std::vector<ColumnId>* columns);

class RowModel {
 public:
  // Batches come in log order.
  void Add(const RowBatch& batch);
  const ModelRows& rows() const { return rows_; }
  ModelRows Select(const ScanRequest& request) const;

  // What merges drop.
  void DropSubject(SubjectId subject);
  void DropBefore(UnixNanos time);
  void DropTombstones();

 private:
  ModelRows rows_;
};

// All rows of a cursor; REQUIREs that they come in order, in runs of at most kBlockRowsMax, and
// with no column that was not asked for.
ModelRows Drain(RowCursor& cursor, const ScanRequest& request);

// Random rows: few series and timestamps, so that many meet; columns of every type that come and
// go; nulls, NaN payloads, equal versions, deletions.
struct RandomRows {
  uint64_t subjects = 3;
  uint64_t series = 20;
  uint64_t timestamps = 200;
  size_t rows = 500;
  bool tombstones = true;
  // Rows come minute by minute for all series, as scraped metrics do.
  bool regular = false;
  // Half of the rows belong to the first series, half of the rest to the second, and so on.
  bool skewed = false;
};
// One batch for some subjects, each in any order of rows, distinct subjects.
std::vector<RowBatch> MakeRandomBatches(SeededRandom& random, const RandomRows& shape);

SubjectId RandomSubject(uint64_t index);
SeriesId RandomSeries(uint64_t index);
ScanRequest MakeRandomRequest(SeededRandom& random, const RandomRows& shape);
inline constexpr UnixNanos kModelEpoch = 1'700'000'000'000'000'000;

// Every column there is in random rows.
std::vector<ColumnId> AllModelColumns();

// Entries of some series, ascending.
std::vector<SeriesEntry> ModelEntries(const RandomRows& shape);

// A batch with one int column, each row (series, timestamp, version, value), in the given order.
struct PlainRow {
  uint64_t series;
  int64_t timestamp;
  int64_t version;
  int64_t value;
};
RowBatch PlainBatch(uint64_t subject, const std::vector<PlainRow>& rows);
inline constexpr ColumnId kPlainColumn{7};
// The same rows, each with a string of `cell_bytes` in kPlainColumn.
RowBatch CellBatch(uint64_t subject, const std::vector<PlainRow>& rows, size_t cell_bytes);
ScanRequest PlainScan(uint64_t subject);

}  // namespace ficus
