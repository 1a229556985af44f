// The whole engine behind one door: open, write, change schemas, find groups for queries, close.
//
// It owns the log, the groups of all catalogs, the schema registry and the rules that tie them
// together: what is logged before what is done, what replay believes, when the log may be trimmed,
// when the node takes no writes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/memory_ledger.h"
#include "engine/base/metrics.h"
#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/database/live_groups.h"
#include "engine/database/read_only_state.h"
#include "engine/database/row_router.h"
#include "engine/database/schema_changes.h"
#include "engine/io/file_system.h"
#include "engine/model/keyed_rows.h"
#include "engine/query/measure_execution.h"
#include "engine/runtime/executor.h"
#include "engine/schema/schema_registry.h"
#include "engine/schema/schema_snapshot.h"
#include "engine/segment/group_store.h"
#include "engine/snapshot/snapshot_request.h"
#include "engine/snapshot/snapshot_store.h"
#include "engine/wal/log.h"

namespace ficus {

// All of it outlives the database.
struct DatabaseEnvironment {
  FileSystem& fs;      // rooted at storage.path
  FileSystem& log_fs;  // rooted at the log's directory
  Clock& clock;
  RandomSource& random;
  MemoryLedger& ledger;
  MetricRegistry& metrics;
  Executor& log_executor;  // one thread: commits and their callbacks
  Executor& introduce_executor;
  Executor& flush_executor;
  Executor& merge_executor;
  // One thread: schema changes, snapshots, retention, deletions. With very many files one of these
  // may take minutes.
  Executor& background_executor;
  // One thread: watching disk and clock, trimming the log. Nothing that may take long runs here, so
  // that a disk that fills is seen within seconds whatever the others do.
  Executor& watch_executor;
  // Waits until `done` is true; set where the executors run nothing by themselves
  // (DeterministicExecutor). Empty: threads do the work and the caller sleeps.
  std::function<void(const std::function<bool()>& done)> run_until;
};

struct DatabaseOptions {
  LogOptions log;
  TableOptions table;  // flush and merge settings; the rest is set per table
  uint64_t log_bytes_max = uint64_t{1} << 30;  // beyond it the oldest unflushed shards are flushed
  int64_t log_age_nanos = 10 * 60 * kNanosPerSecond;
  int64_t segment_idle_nanos = kNanosPerHour;
  int64_t future_nanos_max = kNanosPerDay;  // a clock step beyond it suspends retention
  uint32_t disk_read_only_percent = 95;
  SnapshotRetention snapshots;
  uint64_t ballast_bytes = 64 << 20;  // freed when the disk is full, for flushes and deletes
  int64_t watch_interval_nanos = kNanosPerSecond;
  // The operator accepts that acknowledged rows may be gone: a missing, foreign, damaged or
  // shortened log does not stop the start.
  bool accept_log_loss = false;
  // Ends Open() while nothing but the log's rows is at stake: until the replay is over.
  std::stop_token stop = {};
};

struct DatabaseStatus {
  uint64_t parts = 0;
  uint64_t mem_parts = 0;
  uint64_t rows = 0;
  uint64_t file_bytes = 0;
  uint64_t file_rows = 0;
  uint64_t memory_bytes = 0;
  uint64_t log_files = 0;
  uint64_t log_bytes = 0;
  uint64_t damaged_files = 0;
  uint64_t parked_records = 0;
  size_t most_parts_per_shard = 0;
};

class Database : public GroupSource {
 public:
  // Locks the root, opens and replays the log, opens what must be open. kUnavailable: another
  // process holds the root. kFailedPrecondition: the log is missing, foreign, damaged or too short;
  // the text says how to accept the loss. kCancelled: DatabaseOptions::stop; the next Open finds
  // every acknowledged row, and a restore that waits goes on with it.
  static Result<std::unique_ptr<Database>> Open(DatabaseEnvironment environment,
                                                DatabaseOptions options);
  // Stores rows. Routes and logs on the calling thread, which may wait for the disk when a segment
  // is new: not for a thread that must not block. `done` is called once, when every row that was
  // not refused is durable (by the log's durability) and visible, or at once with the error for all
  // of them: kResourceExhausted (memory or log queue), kNoSpace and kReadOnly (the node takes no
  // writes), kUnavailable (closing).
  using WriteDone = std::function<void(Result<>, std::vector<RefusedRow>)>;
  virtual void Write(std::vector<KeyedRows> rows, WriteDone done) = 0;

  virtual std::shared_ptr<const SchemaSnapshot> Schema() const = 0;

  // Runs `prepare` when no other change is under way, makes its outcome durable, publishes it, then
  // calls `done`. `prepare` runs on the background executor.
  using PrepareChange = SchemaChanges::Prepare;
  using ChangeDone = SchemaChanges::Done;
  virtual void ChangeSchema(PrepareChange prepare, ChangeDone done) = 0;

  // Deletes a group as BanyanDB's GroupRegistryService.Delete asks. `allow` is asked on the
  // background executor when nothing but the log lies between here and the deletion; its error is
  // the outcome. `done` once the group no longer exists for readers and writers; its files go
  // later, and until then the name cannot be used again (Task says kUnderWay).
  using AllowChange = SchemaChanges::Allow;
  virtual void DeleteGroup(std::string group, GroupDeletion deletion, AllowChange allow,
                           ChangeDone done) = 0;
  virtual std::optional<DeletionTask> Task(std::string_view group) const = 0;
  // True when a row of the group is stored.
  virtual Result<bool> HasRows(std::string_view group) = 0;

  virtual std::optional<ReadOnlyState> ReadOnly() const = 0;
  virtual DatabaseStatus Status() = 0;
  virtual uint64_t node_id() const = 0;
  virtual UnixNanos opened_at() const = 0;

  // The operator has looked at the clock: retention, suspended after a step, may go on.
  virtual void ConfirmClock() = 0;

  // Flushes every table; `done` with the first error.
  virtual void FlushAll(std::function<void(Result<>)> done) = 0;
  // Merges every table until there is nothing to merge.
  virtual void MergeAll(std::function<void(Result<>)> done) = 0;
  // Commits a removal for every expired segment and removes it; run once a minute, and by tests.
  virtual void RunRetention(std::function<void(Result<>)> done) = 0;

  // Takes a snapshot of everything acknowledged before the call, at one log position; `done` from a
  // job. Snapshots are taken one after another, the next one after `done`: what is held in it is
  // kept. What could not be taken of a catalog stands in its `error`; a group is in it whole or not
  // at all. Errors: kUnavailable (closing), kResourceExhausted (too many wait), kNoSpace and others
  // of log and disk: nothing of it stays.
  using SnapshotDone = std::function<void(Result<SnapshotContents>)>;
  virtual void TakeSnapshot(SnapshotRequest request, SnapshotDone done) = 0;
  // The next five as SnapshotStore says: blocking, any thread outside the executors.
  virtual Result<std::vector<SnapshotSummary>> ListSnapshots() = 0;
  virtual Result<SnapshotContents> ReadSnapshot(std::string_view id) = 0;
  virtual Result<> DeleteSnapshot(std::string_view id) = 0;
  virtual Result<SnapshotVerification> VerifySnapshot(std::string_view id,
                                                      const std::stop_token& stop) = 0;
  // A held snapshot is not removed, neither by age and count nor by DeleteSnapshot.
  virtual Result<SnapshotHold> HoldSnapshot(std::string_view id, std::string holder) = 0;

  // Finishes what was accepted and closes everything; what is not flushed is in the log. From
  // outside the executors, which must still run. Idempotent.
  virtual void Close() = 0;
};

}  // namespace ficus
