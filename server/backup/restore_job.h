// Stages a backup below the root and leaves a journal for the next start of the node.
//
// Order: plan, space, hold in the repository, journal (staging), files, verification of the staged
// tree, journal (ready). Up to the last step the living tree is untouched and the node takes no
// notice; the last step is one rename. The node may be running: it goes on from the journal at its
// next start (engine/database/restore_start.h).
//
// A run that was stopped or killed is taken up again by the same request: what is staged and still
// has its hash is not downloaded again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>

#include "engine/base/result.h"
#include "engine/database/restore_journal.h"
#include "server/backup/restore_plan.h"

namespace ficus {

struct RestoreProgress {
  uint64_t files = 0;
  uint64_t bytes = 0;
  uint64_t files_done = 0;  // staged, reused ones included
  uint64_t bytes_done = 0;
  uint64_t files_reused = 0;
  uint64_t bytes_received = 0;
  bool verifying = false;
};

struct RestoreRunOptions {
  RestoreRequest request;
  size_t concurrency = 4;  // 1 to 256
  // Called from the threads of the run, one at a time, after each file and range. Must not block.
  std::function<void(const RestoreProgress&)> progress;
};

struct RestoreOutcome {
  RestoreJournal journal;
  RestorePlan plan;
  RestoreProgress progress;
};

// Blocks; starts threads of its own and joins them. Errors of PlanRestore and CheckSpace, and:
// kFailedPrecondition: another restore waits for a start, is under way, or is kept until it is
// discarded. kUnavailable: somebody else stages below this root. kCorruption names the object that
// is not what the manifest says, or the staged file that is not what it promises; the restore is
// not ready then.
Result<RestoreOutcome> RunRestore(const RestoreParts& parts, const RestoreRunOptions& options,
                                  std::stop_token stop);

// --- Looking, and cleaning up

struct RestoreStatus {
  std::optional<RestoreJournal> journal;
  uint64_t staged_bytes = 0;  // waiting to be moved in
  uint64_t aside_bytes = 0;   // replaced, kept until it is discarded
  uint64_t held_groups = 0;   // of the journal's: retention leaves them alone
};
Result<RestoreStatus> GetRestoreStatus(FileSystem& fs, FileSystem& log_fs);

struct RestoreDiscard {
  uint64_t files = 0;
  uint64_t bytes = 0;
  uint64_t holds = 0;
};
// Gives up a restore that no start has begun, or removes what a finished one has replaced and lifts
// its holds on retention. A dry run counts only. kNotFound: there is none. kFailedPrecondition: a
// start is in the middle of it. kUnavailable: somebody else works below `restore`.
Result<RestoreDiscard> DiscardRestore(FileSystem& fs, FileSystem& log_fs, RandomSource& random,
                                      bool dry_run);

// Lifts the holds on retention and keeps what was replaced; returns how many there were. kNotFound:
// there is no restore.
Result<uint64_t> ReleaseRestored(FileSystem& fs);

}  // namespace ficus
