// One run of a backup, from the snapshot to the last clean-up: plan, upload, commit, verify, prune.
//
// Operation
//
//     snapshot   taken or, by a resumed run, held again; a problem that it names fails the run
//     plan       what is committed is read, and each file gets its way; a dry run ends here
//     journal    names the run on the local disk: after a kill the lease is known for its own
//     lease      from here on the store is changed, and only while the lease is held
//     aim        and keys are in the journal before
//     marker     says in the store that objects without a manifest may appear; then
//     objects    each verified on the local disk, each journalled once the store has it all
//     manifest   lists every object, every catalog and every group, then
//     commit     makes it count: created once or not at all, and only after the lease was confirmed
//     marker     goes
//     verify     reads back; then what only earlier generations needed goes
//     prune      removes backups that the job's rule lets go
//     lease      is released; the snapshot goes
//     journal    goes
//
// Invariants
//   - what a committed backup needs is neither overwritten nor deleted before a later generation of
//     the same place is committed and, where verification is on, found undamaged
//   - killed anywhere, the run can be resumed or taken back; afterwards no marker and no object
//     is left that no manifest names
//
// The store may be any; where things lie in it is the layout's.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/io/file_system.h"
#include "server/backup/backup_spec.h"
#include "server/backup/guarded_store.h"
#include "server/backup/layout.h"
#include "server/backup/lease.h"
#include "server/backup/pause.h"
#include "server/backup/plan.h"
#include "server/backup/retention.h"
#include "server/backup/run_journal.h"
#include "server/backup/run_progress.h"
#include "server/backup/snapshot_source.h"
#include "server/remote/object_store.h"

namespace ficus {

// What a job works with; all of it outlives the job.
struct JobTools {
  FileSystem& file_system;  // rooted at the node's root; holds the journal
  const Clock& clock;
  RandomSource& random;
  SnapshotSource& snapshots;
  const Layout& layout;
  uint64_t node_id = 0;
  Pause pause = PauseFor;
  int64_t lease_patience = Lease::kTtl + 5 * kNanosPerSecond;
  // For the prune step; unset: the clock is believed.
  std::function<RetentionClock()> retention_clock;
};

struct JobTarget {
  ObjectStore& store;
  size_t concurrency = 4;
};

// Whether the same run may succeed later as it is.
bool IsTransient(ErrorCode code);

// One thread; it starts others while it transfers and verifies.
class BackupJob {
 public:
  BackupJob(const JobTools& tools, const JobTarget& target, BackupJobSpec spec, std::string run,
            bool dry_run, RunProgress& progress);
  // Goes on with a run whose journal lies on the disk.
  static Result<std::unique_ptr<BackupJob>> Reopen(const JobTools& tools, const JobTarget& target,
                                                   std::string_view run, RunProgress& progress);
  // The time zone of a reopened job: a journal does not hold it.
  void SetCivilTime(CivilTime civil_time) { history_.spec.civil_time = std::move(civil_time); }

  // To the end. On an error the journal, if there is one, stays: resume it or take it back. What
  // fails after the commit (verification, pruning) is in the progress, not an error, unless a later
  // try may mend it.
  Result<> Run(std::stop_token stop);

  // Removes everything that the run may have left in the store and the journal. A run that has
  // committed cannot be taken back: what it left unfinished is tidied up, its backup stays.
  Result<> TakeBack(std::stop_token stop);

  bool has_journal() const { return journal_ != nullptr; }
  bool cancelled() const { return history_.cancelled; }
  // Set once the backup counts.
  const std::optional<CommitRecord>& commit() const { return commit_; }
  const BackupJobSpec& spec() const { return history_.spec; }

 private:
  Result<> RunSteps(std::stop_token stop);
  Result<> TakeSnapshot(std::stop_token stop);
  Result<> CheckSnapshot();
  Result<> CheckNode(std::stop_token stop);
  Result<> BindNode(std::stop_token stop);
  Result<> PlanRun(std::stop_token stop);
  Result<bool> PlanFor(const std::string& place, std::stop_token stop, std::string& why);
  Result<> OpenJournal();
  void DropJournal();
  Lease::Terms LeaseTerms() const;
  Result<> HoldLease(std::stop_token stop);
  Result<> PlanUnderLease(std::stop_token stop);
  Result<> Begin(std::stop_token stop);
  Result<> Upload(std::stop_token stop);
  BackupManifest ScopedManifest() const;
  BackupManifest MakeManifest() const;
  Result<> Commit(std::stop_token stop);
  Result<> TidyUp(std::stop_token stop);
  Result<> WithdrawLost(std::stop_token stop);
  Result<> RemoveOrphans(std::stop_token stop);
  Result<> Verify(std::stop_token stop);
  Result<> RemoveSuperseded(std::stop_token stop);
  Result<> Prune(std::stop_token stop);
  Result<> Finish();
  void ReleaseLease();
  void DiscardSnapshot();
  Result<> FindOwnCommit(std::stop_token stop);
  Result<> FindVerdict(std::stop_token stop);
  bool IsUnchanged() const;
  bool TakeNewest();
  bool IsDisplacing() const;
  ObjectStore& store() { return guarded_ ? static_cast<ObjectStore&>(*guarded_) : target_.store; }

  const JobTools tools_;
  const JobTarget target_;
  const bool dry_run_;
  RunProgress& progress_;

  RunHistory history_;
  std::unique_ptr<RunJournal> journal_;
  std::unique_ptr<HeldSnapshot> snapshot_;
  std::stop_source lost_;  // requested by the thread of the lease when that is lost
  std::unique_ptr<Lease> lease_;
  std::unique_ptr<GuardedStore> guarded_;

  bool bound_ = false;  // the destination is known to be this node's
  std::string place_;
  LayoutView view_;
  BackupPlan plan_;
  std::vector<std::string> missing_;
  std::optional<CommitRecord> commit_;
  bool damaged_ = false;  // the verification found damage, or was not made as it should
};

}  // namespace ficus
