// How a destination is organised: which names objects get, what makes a backup count, and what may
// go afterwards. The job knows the order of things; a layout knows where they lie.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "server/backup/backup_spec.h"
#include "server/backup/manifest.h"
#include "server/backup/pruner.h"
#include "server/backup/verifier.h"
#include "server/remote/object_store.h"

namespace ficus {

// A committed backup whose objects a new one may share.
struct KnownBackup {
  std::string place;
  CommitRecord commit;
  BackupManifest manifest;
  std::optional<VerificationRecord> verification;
  std::set<std::string> damaged;  // keys that its verification named
};

// What a run has to know of a destination before it plans.
struct LayoutView {
  std::vector<KnownBackup> known;  // of the place asked for, newest first; then of others
  uint64_t next_generation = 1;    // above everything that was ever begun in the place
  uint64_t newest_generation = 0;  // committed in the place; 0: none
  // Why nothing can be written into the place; empty when it can.
  std::string unusable;
  // Differs whenever something was committed or removed.
  std::string revision;
};

// Who announces that objects without a manifest may appear.
struct Announcement {
  std::string run;
  std::string job;
  std::string place;
  uint64_t generation = 0;
  uint64_t node_id = 0;
  uint64_t lease_generation = 0;
  UnixNanos started_at = 0;
};

struct CommitTerms {
  uint64_t lease_generation = 0;
  const Clock& clock;
  // Asked between the manifest and what makes it count; an error leaves it uncommitted.
  std::function<Result<>()> confirm;
};

// Stateless; all members from any thread. Errors are the store's unless said otherwise.
class Layout {
 public:
  virtual ~Layout() = default;

  // Where a backup of a snapshot taken at `taken_at` may go, the best place first. A later one is
  // for the case that an earlier one holds something else under a name that is needed.
  virtual std::vector<std::string> Places(const BackupJobSpec& spec, UnixNanos taken_at) const = 0;
  virtual std::string KeyOf(const BackupJobSpec& spec, std::string_view place,
                            std::string_view folder, std::string_view path) const = 0;

  virtual Result<LayoutView> Look(ObjectStore& store, std::string_view place,
                                  std::stop_token stop) const = 0;
  // LayoutView::revision, for less.
  virtual Result<std::string> Revision(ObjectStore& store, std::stop_token stop) const = 0;

  // Before the first object. kFailedPrecondition when the place is being removed.
  virtual Result<> Announce(ObjectStore& store, const Announcement& announcement,
                            std::stop_token stop) const = 0;
  // After the commit, or when nothing is left.
  virtual Result<> Withdraw(ObjectStore& store, std::string_view run,
                            std::stop_token stop) const = 0;

  // Withdraws what runs of `node_id` have announced whose ids are not in `alive`: their journals
  // went with a disk, so that nobody takes up what they began. Their objects stay, for nothing says
  // which they are. Returns their ids.
  virtual Result<std::vector<std::string>> WithdrawLost(ObjectStore& store, uint64_t node_id,
                                                        const std::set<std::string>& alive,
                                                        std::stop_token stop) const = 0;

  // Says in `manifest` where it belongs.
  virtual void Address(BackupManifest& manifest, const BackupJobSpec& spec, std::string_view place,
                       uint64_t generation) const = 0;
  // Puts the manifest, then what makes it count. An unclear answer is cleared up by reading.
  virtual Result<CommitRecord> Commit(ObjectStore& store, const BackupManifest& manifest,
                                      const CommitTerms& terms, std::stop_token stop) const = 0;
  // The commit that `run` has made in `place`, if any.
  virtual Result<std::optional<CommitRecord>> FindCommit(ObjectStore& store, std::string_view place,
                                                         std::string_view run,
                                                         std::stop_token stop) const = 0;
  // Takes a commit of our own back: the lease was lost while it was written.
  virtual Result<> TakeBack(ObjectStore& store, const CommitRecord& commit,
                            std::stop_token stop) const = 0;
  // Removes what Commit wrote for a generation before it would have counted; one that counts stays.
  virtual Result<> RemoveAttempt(ObjectStore& store, std::string_view place, uint64_t generation,
                                 std::stop_token stop) const = 0;

  // Reads back, and puts the verdict beside the backup.
  virtual Result<VerificationRecord> Verify(ObjectStore& store, const CommitRecord& commit,
                                            const VerifyRequest& request, const Clock& clock,
                                            std::stop_token stop,
                                            const VerifyProgressSink& progress) const = 0;
  // Removes what is only needed by earlier generations of the place.
  virtual Result<PruneReport> RemoveSuperseded(ObjectStore& store, const LeaseCheck& lease,
                                               std::string_view place, std::string_view run,
                                               std::stop_token stop) const = 0;
  virtual Result<PruneReport> Prune(ObjectStore& store, const LeaseCheck& lease,
                                    const PruneRequest& request, std::stop_token stop) const = 0;
};

// BanyanDB's time directories, their records below `_meta/`.
std::unique_ptr<Layout> MakeTimedirLayout();

}  // namespace ficus
