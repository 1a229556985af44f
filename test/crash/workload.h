// A scripted node: does one operation after the other and knows at every moment which worlds a
// crash may leave.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "test/crash/backup_place.h"
#include "test/crash/crash_states.h"
#include "test/crash/expectation.h"
#include "test/crash/world.h"
#include "test/engine/database/database_harness.h"

namespace ficus {

enum class CrashOp : uint8_t {
  kPut,    // one row, of a series that is there already
  kBatch,  // three rows: two shards, two segments, one of them about to expire
  kFlush,
  kMerge,
  kRetention,  // a day passes and expired segments go
  kSchema,     // the group's TTL changes
  kRecreate,   // the group is deleted and made again
  kSnapshot,
  kBackup,   // a snapshot goes to a store, is read back and restored onto an empty machine
  kRestore,  // the newest backup is staged, and the node starts with it
  kRestart,
  // Not in every sequence:
  kBusy,    // rows, a snapshot, a flush and a merge at the same time
  kWatch,   // a minute passes: the node trims its log, and what has expired goes
  kNewLog,  // everything is flushed, the log is lost, and the operator accepts that
};
inline constexpr CrashOp kCrashOps[] = {CrashOp::kPut,      CrashOp::kBatch,     CrashOp::kFlush,
                                        CrashOp::kMerge,    CrashOp::kRetention, CrashOp::kSchema,
                                        CrashOp::kRecreate, CrashOp::kSnapshot,  CrashOp::kBackup,
                                        CrashOp::kRestore,  CrashOp::kRestart};
std::string CrashOpName(CrashOp op);

// Options under which everything happens after few rows and few files.
void MakeTiny(DatabaseOptions& options);

class Workload {
 public:
  // Called before each change of a disk, with what is about to change.
  using AtCrashPoint = std::function<void(const Workload& workload, std::string_view effect)>;

  explicit Workload(Durability durability = Durability::kStrict);

  // Opens an empty root and makes the group, the measure and one flushed row.
  void Prepare();
  void Run(CrashOp op);
  // Crash points are reported from here on; none: not any more.
  void Observe(AtCrashPoint at_crash_point);

  // What a node that starts now must show.
  const Expectation& expected() const { return expected_; }
  const MemoryFileSystem& fs() const { return node_.fs(); }
  const MemoryFileSystem& log_fs() const { return node_.log_fs(); }
  UnixNanos now() const { return node_.now(); }
  DatabaseHarness& node() { return node_; }
  // Rows may be refused: something outside of the node fails.
  void AllowRefusals() { may_refuse_ = true; }
  size_t refused() const { return refused_; }
  bool failed() const { return !failure_.has_value(); }
  // What the node shows now; must be the newest world. The first thing that went wrong before.
  Result<> Check();

 private:
  using Done = std::function<void(const Result<>&)>;

  // Starts something that leads from the world of now to `after`, waits for it and for all that it
  // causes. `durable`: with its acknowledgement everything before it is on the device.
  void Start(CrashOp op);
  void NoteNumbers();
  void Step(const World& after, bool durable, const std::function<void(Done)>& start);
  void Expect(const World& after);
  // Until `done`, but not for ever: then the workload has failed.
  void Pump(const std::function<bool()>& done);
  void Acknowledge(const Result<>& result, bool durable);
  void Fail(const Error& error);
  void CheckShown();
  void CheckShows(const std::vector<NodeRow>& rows);
  void DropWorldsBefore(const World& after);
  std::vector<NodeRow> TakeBack(const std::vector<NodeRow>& rows,
                                const std::vector<RefusedRow>& refused, const World& after);

  void Change(const World& after, Database::PrepareChange prepare);
  World After(std::vector<NodeRow>& rows);
  void Write(const std::vector<NodeRow>& rows, const World& after, const Done& done);
  void Put(std::vector<NodeRow> rows);
  std::vector<NodeRow> Batch() const;
  void Retain();
  void Recreate();
  World WithoutExpired() const;
  void TakeSnapshot(const Done& done);
  void BackUp();
  void Restore();
  void Restart();
  void Busy();
  SchemaObject Group(uint32_t ttl_days);
  void LoseLog();
  void CreateGroup();
  void CreateMeasure();
  UnixNanos DayBegin(int64_t days_ago) const;
  // Counts as under way until it is called.
  Done BusyDone();
  World current() const { return expected_.worlds.back(); }
  bool strict() { return node_.options().log.durability == Durability::kStrict; }

  DatabaseHarness node_{7};
  AtCrashPoint at_crash_point_;
  Expectation expected_;
  BackupPlace backups_;
  std::string newest_snapshot_;
  bool retention_held_ = false;  // what was restored stays, whatever its age
  Result<> failure_;
  int64_t version_ = 0;
  int under_way_ = 0;  // of a busy moment
  bool may_refuse_ = false;
  size_t refused_ = 0;  // rows
};

}  // namespace ficus
