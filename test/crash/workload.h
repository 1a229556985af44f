// A scripted node: does one operation after the other and knows at every moment which worlds a
// crash may leave.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "test/crash/crash_states.h"
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
  kRestart,
};
inline constexpr CrashOp kCrashOps[] = {CrashOp::kPut,      CrashOp::kBatch,     CrashOp::kFlush,
                                        CrashOp::kMerge,    CrashOp::kRetention, CrashOp::kSchema,
                                        CrashOp::kRecreate, CrashOp::kRestart};
std::string CrashOpName(CrashOp op);

// Options under which everything happens after few rows and few files.
void MakeTiny(DatabaseOptions& options);

class Workload {
 public:
  // Called before each change of a disk, with what is about to change.
  using AtCrashPoint = std::function<void(const Workload& workload, std::string_view effect)>;

  Workload();

  // Opens an empty root and makes the group, the measure and one flushed row.
  void Prepare();
  void Run(CrashOp op);
  // Crash points are reported from here on; none: not any more.
  void Observe(AtCrashPoint at_crash_point);

  // One of these is what a node that starts now must show: the world before the operation under way
  // and the one after it; only the latter once it was acknowledged.
  const std::vector<World>& allowed() const { return allowed_; }
  const MemoryFileSystem& fs() const { return const_cast<Workload*>(this)->node_.fs(); }
  const MemoryFileSystem& log_fs() const { return const_cast<Workload*>(this)->node_.log_fs(); }
  UnixNanos now() const { return node_.now(); }
  DatabaseHarness& node() { return node_; }
  // What the node shows now; must be allowed.
  Result<> Check();

 private:
  using Done = std::function<void(const Result<>&)>;

  // Starts something that leads from the world of now to `after`, waits for it and for all that it
  // causes.
  void Step(World after, const std::function<void(Done)>& start);
  void Change(World after, Database::PrepareChange prepare);
  void Put(const std::vector<NodeRow>& rows);
  void Retain();
  void Recreate();
  void CreateGroup();
  void CreateMeasure();
  UnixNanos DayBegin(int64_t days_ago) const;
  World current() const { return allowed_.back(); }

  DatabaseHarness node_{7};
  AtCrashPoint at_crash_point_;
  std::vector<World> allowed_ = {World{}};
  int64_t version_ = 0;
};

}  // namespace ficus
