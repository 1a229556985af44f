// Takes a node through every crash that its disks can suffer, and through every crash of the
// recovery from it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "test/crash/crash_states.h"
#include "test/crash/snapshot_check.h"
#include "test/crash/workload.h"

namespace ficus {

struct CrashCounts {
  size_t sequences = 0;
  size_t crash_points = 0;
  size_t states = 0;           // distinct ones that a node was started on
  size_t recovery_states = 0;  // of these, left by a crash of a recovery
  size_t most_pending = 0;     // effects at one crash point
};

// What did not hold, and how it came to that.
struct Violation {
  std::string invariant;
  std::string story;
};

class CrashExplorer {
 public:
  struct Limits {
    CrashStateLimits states;
    int nesting = 2;  // crashes of a recovery, and of the recovery from that
    Durability durability = Durability::kStrict;
    bool every_operation = false;  // crash in all operations of a sequence, not only in the last
  };

  // `counts` outlives it: where a process that ends early leaves what it counted.
  CrashExplorer(Limits limits, CrashCounts& counts) : limits_(limits), counts_(counts) {}

  // Runs the operations and crashes at every point of the last one; of the preparation when there
  // is none. What comes before was crashed by shorter sequences.
  void Explore(const std::vector<CrashOp>& sequence);

  const CrashCounts& counts() const { return counts_; }
  // The first state that broke the promise; nothing is explored behind it.
  const std::optional<Violation>& violation() const { return violation_; }

 private:
  struct Situation {
    const Expectation& expected;
    UnixNanos now;
    std::string story;  // how it came to this
  };

  void CrashHere(const MemoryFileSystem& fs, const MemoryFileSystem& log_fs,
                 const Situation& situation, int nesting);
  void Recover(Disks disks, const Situation& situation, int nesting);
  void Start(DatabaseHarness& node, const Situation& situation, int nesting);
  void CheckRecovered(DatabaseHarness& node, const Situation& situation);
  // Notes the violation unless `result` is good.
  bool Holds(const Result<>& result, const char* invariant, const Situation& situation);

  const Limits limits_;
  CrashCounts& counts_;
  std::set<std::pair<uint64_t, uint64_t>> seen_;  // state, and what it must show
  SnapshotCheck snapshots_;
  std::optional<Violation> violation_;
};

}  // namespace ficus
