// Reads the rows of one time slice: all shards of all groups, merged, filtered, series by series.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "engine/base/result.h"
#include "engine/part/row_source.h"
#include "engine/query/compiled_criteria.h"
#include "engine/query/damage_log.h"
#include "engine/query/query_context.h"
#include "engine/query/series_selection.h"
#include "engine/query/time_slices.h"
#include "engine/segment/segment.h"
#include "engine/table/snapshot.h"

namespace ficus {

// A shard of a group as the query sees it: a pinned snapshot and the series wanted from it.
struct ShardSource {
  ShardSource(size_t group_index, const MeasureGroupPlan& group_plan, MemoryLedger& ledger)
      : group(group_index), plan(group_plan), selection(ledger) {}

  const size_t group;
  const MeasureGroupPlan& plan;
  TimeRange times;  // of the group within the slice
  std::string name;
  std::shared_ptr<TsTable> table;
  std::shared_ptr<const Snapshot> snapshot;
  SeriesSelection selection;

  // While its rows are read.
  std::unique_ptr<RowCursor> cursor;
  UnreadRun* unread = nullptr;  // instead of rows
  RowBatch batch;
  size_t row = 0;
  bool at_end = true;
  std::vector<const ColumnValues*> columns;  // by slot, of `batch`
  size_t hint = 0;
  int64_t read_nanos = 0;
  uint64_t rows_matched = 0;
};

// Rows of one series that lie next to each other in a batch.
struct SeriesRows {
  const ShardSource& source;
  const RowBatch& batch;
  ColumnSlots columns;
  SeriesId series;
  size_t begin = 0;
  size_t end = 0;                    // at least one row
  std::string_view key;              // empty unless keys were wanted
  const uint8_t* matches = nullptr;  // by row - begin; null: every row
};

// A block of rows of one series, all of which match, that may stay unread.
struct SeriesBlock {
  const ShardSource& source;
  UnreadRun& run;
  std::string_view key;              // empty unless keys were wanted
  mutable bool read_failed = false;  // the block itself could not be read

  Result<ColumnValues> ReadColumn(const BlockColumn& column) const {
    auto values = run.ReadColumn(column);
    read_failed = !values.has_value();
    return values;
  }
};

class SeriesRowsConsumer {
 public:
  virtual ~SeriesRowsConsumer() = default;
  // Ascending by (series, timestamp) within a slice. What `rows` refers to ends with the call.
  virtual Result<> Accept(const SeriesRows& rows) = 0;
  // What the rows of a block may come as instead, if the consumer asks for it. Blocks of a series
  // and its other rows ascend by time.
  virtual Result<> AcceptBlock(const SeriesBlock& block) = 0;
  // For the scans of a group: which blocks it can do with, unread.
  virtual ScanRequest::Unread WantedUnread(const MeasureGroupPlan& plan) const = 0;
  // No more rows come from `source` in this pass; its snapshot is still there.
  virtual Result<> EndSource(const ShardSource& source) = 0;
};

// One thread.
class SliceScan {
 public:
  // What it refers to outlives it. `candidates` by group.
  SliceScan(const QueryContext& context, const std::vector<SeriesCandidates>& candidates,
            DamageLog& damage, bool wants_keys)
      : context_(context), candidates_(candidates), damage_(damage), wants_keys_(wants_keys) {}

  // Pins the shards of `slice` and selects their series. A segment that is being removed has no
  // rows any more.
  Result<> Open(const TimeSlice& slice, QuerySpan* parent);

  // From here on a shard that is opened again shows the rows that it showed before: for answers
  // that take several passes over all slices.
  void KeepSnapshots() { keeps_snapshots_ = true; }

  // Reads the rows within `times`; may be called again.
  Result<> Read(const TimeRange& times, SeriesRowsConsumer& consumer, QuerySpan* parent);

  // After Open or Read failed with kCorruption: the error, or success when the slice can be opened
  // again without what is damaged.
  Result<> Recover(const Error& error);

 private:
  Result<> OpenShard(ShardSource& source, QuerySpan* parent);
  std::shared_ptr<const Snapshot> SnapshotOf(const std::shared_ptr<TsTable>& table);
  Result<> StartSource(ShardSource& source, const TimeRange& times, ScanRequest::Unread unread);
  Result<> Refill(ShardSource& source);
  Result<> BindColumns(ShardSource& source);
  Result<> ReadRun(ShardSource& source);
  Result<bool> ReadTied(const std::tuple<SeriesId, UnixNanos>& key);
  Result<bool> NextRun(ShardSource*& source, size_t& end);
  Result<> DeliverBlock(ShardSource& source, SeriesRowsConsumer& consumer);
  Result<> Deliver(ShardSource& source, size_t end, SeriesRowsConsumer& consumer);
  Result<> ResolveTie(const std::tuple<SeriesId, UnixNanos>& key);
  Result<bool> MatchesNow(ShardSource& source);
  static SeriesRows RowsOf(const ShardSource& source, size_t begin, size_t end);
  Result<size_t> Match(ShardSource& source, SeriesRows& rows);
  void Report(const ShardSource& source, QuerySpan* parent) const;

  const QueryContext& context_;
  const std::vector<SeriesCandidates>& candidates_;
  DamageLog& damage_;
  const bool wants_keys_;

  bool keeps_snapshots_ = false;
  std::map<std::shared_ptr<TsTable>, std::shared_ptr<const Snapshot>> kept_;
  std::vector<std::unique_ptr<ShardSource>> sources_;
  ShardSource* failed_ = nullptr;  // where the last error came from
  EntityView entity_;
  std::vector<uint8_t> matches_;
};

}  // namespace ficus
