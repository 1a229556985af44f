// The LSM of one shard: mem parts, parts and index runs, and the loops that turn one into the
// other.
//
//     introduce --> mem parts --flush--> parts --merge--> fewer, larger parts --> garbage
//
// The introducer (a strand) is the only publisher of snapshots. Flushes and merges are jobs, at
// most one of each per table, posted when they are worth while; an idle table has no thread, no
// timer and no descriptor. Each changes the durable state through the manifest writer first and
// publishes second. Layout of the directory: FILE-FORMAT.md, "Shard".
//
// Invariants
//   - rows are introduced in log order; a flush takes a prefix of the mem parts
//   - a mem part is dropped, and a merge's inputs are removed, only after a durable manifest covers
//   them
//   - flushed positions never fall, epochs and file numbers are never reused
//   - neither a mem part nor a flush holds rows of both sides of the seal line
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/gate.h"
#include "engine/base/log_position.h"
#include "engine/base/memory_ledger.h"
#include "engine/base/metrics.h"
#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/index/series_set.h"
#include "engine/io/file_system.h"
#include "engine/model/catalog.h"
#include "engine/runtime/executor.h"
#include "engine/table/merge_policy.h"
#include "engine/table/routed_rows.h"
#include "engine/table/seal_line.h"
#include "engine/table/snapshot.h"

namespace ficus {

// What all tables of a node share. Outlives them.
struct TableEnvironment {
  FileSystem& fs;
  Clock& clock;
  RandomSource& random;
  MemoryLedger& ledger;
  MetricRegistry& metrics;
  Executor& introduce;
  Executor& flush;
  Executor& merge;
  LogId log_id;
  // Calls back once the log is durable up to a position; a flush records no position before that.
  std::function<void(LogPosition, std::function<void()>)> sync_log;
  // A flush found no space: the node takes no writes for now. Called from jobs.
  std::function<void(const Error&)> on_no_space;
  // A table's oldest unflushed position rose. Called from jobs; must not block.
  std::function<void()> on_flushed;
  // Where file snapshots cut; null where none are taken.
  SealLine* seal = nullptr;
  // How many bytes a merge may write so that the node goes on taking writes. Any thread.
  std::function<uint64_t()> merge_room = [] { return std::numeric_limits<uint64_t>::max(); };
};

struct TableOptions {
  std::string directory;  // below the root; exists
  Catalog catalog = Catalog::kMeasure;
  GroupId group;
  int64_t flush_interval_nanos = 5 * kNanosPerSecond;
  size_t flush_bytes = 64 << 20;
  MergeLimits merge;
  // Rows of dead subjects and rows below `drop_before` are dropped by merges.
  std::function<bool(SubjectId)> is_live = [](SubjectId) { return true; };
  std::function<UnixNanos()> drop_before = [] { return TimeRange::All().begin; };
};

// Rows of one log batch for this table.
struct Introduction {
  LogPosition position;
  Scn scn;
  std::vector<RowBatch> rows;  // one per subject
  std::vector<SeriesEntry> entries;
  MemoryReservation reservation;  // MemoryConsumer::kMemParts, for MemoryBytes()

  size_t MemoryBytes() const;
};

class TsTable {
 public:
  // Makes the existing, empty directory a table without rows, durably. A table that was ever
  // created always has a manifest, so a missing one is noticed.
  static Result<> Create(TableEnvironment& environment, const TableOptions& options);

  // Reads the newest manifest and opens what it names. A part or run that is damaged or missing is
  // set aside and listed in the snapshot; the rest serves. One that cannot be opened now stays
  // where it is, and each use of it tries again (late_file.h). A hole in the manifests (the newest
  // is unreadable) opens the table read-only: reads see the newest readable one, writes are
  // refused, nothing is removed. Files that no manifest names are moved aside.
  static Result<std::unique_ptr<TsTable>> Open(TableEnvironment environment, TableOptions options);
  virtual ~TsTable() = default;  // after Close()

  // Adds rows; `done` is called once they are visible. Positions must rise from call to call. Never
  // blocks, never refuses: everything that can refuse a row comes before the log. A closed table
  // belongs to a group or segment that is gone: its rows are dropped, and `done` is called at once.
  virtual void Introduce(Introduction introduction, std::function<void()> done) = 0;

  // Never null. Holds a lock for one pointer copy.
  virtual std::shared_ptr<const Snapshot> Current() const = 0;

  // Series whose entries are durable and introduced here. Loaded at the first call; an error when a
  // run is damaged or cannot be read now: the writer then sends entries again.
  virtual Result<const SeriesSet*> KnownSeries() = 0;

  // Verifies every part and run in the background and sets aside what fails: called by whoever met
  // damaged bytes.
  virtual void CheckDamage() = 0;

  // Why writes must be refused before they reach the log; none when they need not be.
  virtual std::optional<Error> ReadOnly() const = 0;

  // Position of the oldest batch that no durable manifest covers; none when all is flushed.
  virtual std::optional<LogPosition> OldestUnflushed() const = 0;
  // Highest position of this log that a manifest covers; replay skips up to it.
  virtual LogPosition Flushed() const = 0;
  // Highest SCN that a manifest recorded, of whatever log.
  virtual Scn FlushedScn() const = 0;

  // Flushes everything introduced so far; `done` with the error that stopped it, if any.
  virtual void Flush(std::function<void(Result<>)> done) = 0;
  // Flushes the rows up to the line that is drawn at `position` and pins the files that hold
  // exactly those; rows beyond the line are not waited for. After the rows up to the line were
  // introduced. Errors: why the flush failed; kUnavailable when the table is closed,
  // kFailedPrecondition when the line was lifted. `done` comes from jobs and must not block.
  using PinDone = std::function<void(Result<PinnedTable>)>;
  virtual void PinAt(LogPosition position, PinDone done) = 0;
  // Merges the parts that there are until the policy finds nothing more to do with them, and takes
  // the time to write few bytes. What is flushed meanwhile is left alone: it would never end.
  virtual void MergeAll(std::function<void(Result<>)> done) = 0;

  // No job of this table runs or waits, nothing is unflushed and no one else holds its snapshot: it
  // can be closed.
  virtual bool IsIdle() const = 0;

  // Starts no new jobs; those that wait or run come to their end, flushes and merges without having
  // written all. Any thread, never blocks.
  virtual void Shut() = 0;
  // Shut(), and no job is left.
  virtual bool IsDrained() const = 0;
  // Shut(), then waits until it is drained; flushes nothing. From outside the executors; under the
  // deterministic executor only once it is drained. Idempotent.
  virtual void Close() = 0;
};

// Adds rows to an introduction in which each subject stands once. kCorruption: a column has another
// type than in the rows of the subject that are there already.
Result<> AddRows(Introduction& introduction, RowBatch rows);

}  // namespace ficus
