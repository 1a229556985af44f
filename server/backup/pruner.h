// Removes what the keep rule does not hold; the only code that deletes objects of backups.
//
// Operation, for each time directory that goes:
//
//     1. tombstone        `_meta/expired/<timedir>`; from here on it is no backup for any reader
//     2. look again       a pending run or a hold: the tombstone is taken away, the backup stays
//     3. commit records   older generations first, the newest last: while one is left, it is the
//                         one whose objects are all there
//        -- grace: a restore that began before has its time, nothing else happens --
//     4. objects          those that the manifests of its commits name, in batches, and those
//                         alone; what lies there besides was not committed by us and stays
//     5. other records    verification records, then manifests; the tombstone says `emptied_at`
//        -- grace: a delete that was held up cannot hit a new backup of that name --
//     6. tombstone        goes; the name may be used again
//
// Each step can be repeated: a run that dies is gone on with by the next one, which finds the
// tombstone. Before each request that deletes, `lease` is asked; its error ends the run.
//
// Invariants
//   - an object that a committed or pending backup names is never deleted: a key belongs to one
//     time directory (CheckManifest), and one with a tombstone has neither
//   - nothing is deleted on the word of a listing alone, or of a record that cannot be read: as
//     long as there is an unread pending marker or hold, nothing goes
//   - a manifest that is not what its commit says keeps its objects, and the report says so
//   - a backup that nobody can judge stays, and the report says so: its verdict cannot be read, or
//     its commit does not say the scope and its manifest cannot be read
//
// Limitation: a delete request that is held up for longer than the grace after its lease check can
// hit a later backup of the same name. No store offers a delete on the condition of a lease.
//
// Threads: one run at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "server/backup/backup_spec.h"
#include "server/backup/repository.h"
#include "server/backup/retention.h"
#include "server/remote/object_store.h"

namespace ficus {

// Ok while the caller holds the lease of the destination.
using LeaseCheck = std::function<Result<>()>;

struct PruneRequest {
  KeepRule keep;
  CivilTime civil_time;  // of the schedule; unset: UTC
  RetentionClock clock;
  int64_t grace_nanos = kNanosPerDay;  // longer than any request or restore without a hold
  uint64_t node_id = 0;                // backups of another node stay
  // Only backups of this scope may expire; unset: the rule is for each scope.
  std::optional<std::string> scope;
  bool dry_run = false;  // the same report, no request that changes anything
};

struct PruneReport {
  std::vector<KeepDecision> decisions;  // of every time directory
  std::vector<std::string> expired;     // their commits went in this run
  std::vector<std::string> emptied;     // their objects went in this run
  uint64_t expired_objects = 0;         // of `expired`; they go after the grace
  uint64_t expired_bytes = 0;
  uint64_t objects = 0;  // deleted in this run: of `emptied` and of superseded generations
  uint64_t bytes = 0;
  uint64_t records = 0;               // of ours, deleted in this run
  std::vector<std::string> problems;  // what stays because it cannot be understood
};

class Pruner {
 public:
  Pruner(ObjectStore& store, LeaseCheck lease) : store_(store), lease_(std::move(lease)) {}

  // Steps 1 to 3 for what the rule lets go, 4 to 6 for what waits long enough, and superseded
  // generations of the rest. kFailedPrecondition as DecideRetention says, or while a pending marker
  // or hold cannot be read; else the store's or the lease's error. Whatever the error, the next run
  // goes on.
  Result<PruneReport> Run(const PruneRequest& request, const std::stop_token& stop);

  // Removes what earlier generations of `timedir` leave behind once a later one is committed: their
  // commit records first, then the objects that only they name, then their manifests. `own_run`
  // may be pending; while another run writes there or anybody holds it, nothing is done. A degraded
  // or damaged generation supersedes nothing, and none supersedes what it does not cover
  // (backup_scope.h).
  Result<PruneReport> RemoveSuperseded(std::string_view timedir, std::string_view own_run,
                                       const std::stop_token& stop);

 private:
  ObjectStore& store_;
  LeaseCheck lease_;
};

}  // namespace ficus
