#include "server/backup/restore_job.h"

#include <algorithm>
#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "engine/base/log.h"
#include "engine/base/mutex.h"
#include "engine/database/restore_moves.h"
#include "engine/database/restore_tree.h"
#include "engine/io/publish.h"
#include "engine/model/names.h"
#include "engine/runtime/thread.h"
#include "engine/schema/schema_codec.h"
#include "engine/segment/identity.h"
#include "server/backup/repository.h"
#include "server/backup/repository_keys.h"
#include "server/backup/repository_records.h"
#include "server/backup/restore_download.h"
#include "server/backup/time_limit.h"

namespace ficus {
namespace {

constexpr size_t kConcurrencyMax = 256;
constexpr int64_t kHoldNanos = kNanosPerDay;
constexpr int64_t kHoldRenewNanos = kNanosPerHour;
constexpr int64_t kStoppedReleaseNanos = 2 * kNanosPerSecond;

Error Stopped() { return Error{ErrorCode::kCancelled, "the restore was stopped; nothing changed"}; }

std::string DataFolder(Catalog catalog) { return JoinPath(CatalogName(catalog), "data"); }

// Keeps a prune away from the time directory while it is read.
class RepositoryHold {
 public:
  RepositoryHold(const RestoreParts& parts, const RestoreJournal& journal)
      : parts_(parts),
        timedir_(journal.timedir),
        record_{"restore-" + Hex16(journal.id), journal.timedir,
                "restore " + Hex16(journal.id) + " of node " + Hex16(journal.backup_node_id), 0} {}

  // Puts the hold, then looks whether a prune was faster.
  Result<> Take(std::stop_token stop) {
    RETURN_IF_ERROR(Put(stop));
    const Result<ObjectInfo> expired = parts_.store.Head(ExpiredKey(timedir_), stop);
    if (!expired.has_value() && expired.error().code == ErrorCode::kNotFound) return Ok();
    Release(stop);
    if (!expired.has_value()) return expired.error().With("look for a prune");
    return Error{ErrorCode::kFailedPrecondition,
                 fmt::format("the backup in {} is being removed", timedir_)};
  }
  Result<> Renew(std::stop_token stop) {
    MutexLock lock(mutex_);
    if (!held_ || parts_.clock.Now() < record_.expires_at - kHoldNanos + kHoldRenewNanos) {
      return Ok();
    }
    return PutLocked(stop);
  }
  void Release(std::stop_token stop) {
    MutexLock lock(mutex_);
    if (!held_) return;
    held_ = false;
    const std::string key = HoldKey(record_.id);
    const Result<> removed = parts_.store.Delete({&key, 1}, std::move(stop));
    if (!removed.has_value()) {
      LogWarn("restore.hold", "{} stays until it expires: {}", key, removed.error().ToString());
    }
  }

 private:
  Result<> Put(const std::stop_token& stop) {
    MutexLock lock(mutex_);
    return PutLocked(stop);
  }
  Result<> PutLocked(const std::stop_token& stop) REQUIRES(mutex_) {
    record_.expires_at = parts_.clock.Now() + kHoldNanos;
    const std::string text = EncodeHold(record_);
    const Result<ObjectInfo> put =
        parts_.store.Put(HoldKey(record_.id), TextSource(text), {}, stop);
    if (put.has_value()) {
      held_ = true;
      return Ok();
    }
    if (put.error().code != ErrorCode::kPermissionDenied)
      return put.error().With("hold the backup");
    LogWarn("restore.hold", "the repository cannot be written: nothing keeps a prune away: {}",
            put.error().ToString());
    return Ok();
  }

  const RestoreParts& parts_;
  const std::string timedir_;
  Mutex mutex_;
  HoldRecord record_ GUARDED_BY(mutex_);
  bool held_ GUARDED_BY(mutex_) = false;
};

class RestoreRun {
 public:
  RestoreRun(const RestoreParts& parts, const RestoreRunOptions& options, std::stop_token stop)
      : parts_(parts), options_(options), stop_(std::move(stop)) {}

  Result<RestoreOutcome> Run();

 private:
  Result<> FindJournal();
  bool IsSame(const RestoreJournal& journal) const;
  RestoreJournal NewJournal() const;
  Result<> Stage();
  Result<> StageAll();
  Result<> StageFile(const PlannedRestoreFile& file, const std::stop_token& stop);
  Result<> StageNamingFile(const PlannedRestoreFile& file, const std::string& path,
                           const std::stop_token& stop);
  Result<> StageEmptyGroup(const RestoredGroup& group);
  GroupId IdOf(const PlannedRestoreFile& file) const;
  bool IsRewritten(const PlannedRestoreFile& file, const std::string& path) const;
  Result<> RemoveForeign(const std::string& folder, const std::set<std::string>& known);
  Result<> Verify();
  Result<> Commit();
  Result<uint64_t> StagedBytes() const;
  void AddBytes(uint64_t bytes);
  void AddFile(uint64_t bytes, bool reused);

  const RestoreParts& parts_;
  const RestoreRunOptions& options_;
  const std::stop_token stop_;
  std::unique_ptr<FileLock> lock_;
  RestoreJournal journal_;
  bool resumed_ = false;
  RestorePlan plan_;
  std::unique_ptr<RepositoryHold> hold_;

  Mutex mutex_;
  RestoreProgress progress_ GUARDED_BY(mutex_);
};

Result<RestoreOutcome> RestoreRun::Run() {
  if (options_.concurrency < 1 || options_.concurrency > kConcurrencyMax) {
    return Error{ErrorCode::kInvalidArgument, "concurrency must be 1 to 256"};
  }
  ASSIGN_OR_RETURN(plan_, PlanRestore(parts_, options_.request, stop_));
  RETURN_IF_ERROR(CreateDirectories(parts_.fs, kRestoreDirectory));
  Result<std::unique_ptr<FileLock>> lock = parts_.fs.Lock(kRestoreLockFile);
  if (!lock.has_value()) return std::move(lock).error().With("another restore works here");
  lock_ = *std::move(lock);
  RETURN_IF_ERROR(FindJournal());
  ASSIGN_OR_RETURN(const uint64_t staged, StagedBytes());
  RETURN_IF_ERROR(CheckSpace(plan_, staged));
  {
    MutexLock guard(mutex_);
    progress_.files = plan_.files.size();
    progress_.bytes = plan_.bytes;
  }
  hold_ = std::make_unique<RepositoryHold>(parts_, journal_);
  RETURN_IF_ERROR(hold_->Take(stop_));
  const Result<> done = Stage();
  // It expires by itself: whoever stops does not wait for a store that is away.
  const TimeLimit soon(kStoppedReleaseNanos);
  hold_->Release(stop_.stop_requested() ? soon.token() : std::stop_token());
  RETURN_IF_ERROR(done);
  MutexLock guard(mutex_);
  return RestoreOutcome{std::move(journal_), std::move(plan_), progress_};
}

Result<> RestoreRun::FindJournal() {
  ASSIGN_OR_RETURN(std::optional<RestoreJournal> found, ReadRestoreJournal(parts_.fs));
  if (!found.has_value()) {
    journal_ = NewJournal();
    return Ok();
  }
  if (found->state == RestoreState::kStaging && IsSame(*found)) {
    journal_ = *std::move(found);
    resumed_ = true;
    return Ok();
  }
  const std::string_view why = found->state == RestoreState::kStaging
                                   ? "files of another one are staged"
                               : IsOpen(found->state) ? "it waits for a start of the node"
                                                      : "what it left is kept";
  return Error{ErrorCode::kFailedPrecondition,
               fmt::format("restore {} of {} lies below this root ({}): {}. Finish it, or: "
                           "ficusctl restore discard",
                           Hex16(found->id), found->timedir, RestoreStateName(found->state), why)};
}

RestoreJournal RestoreRun::NewJournal() const {
  RestoreJournal journal;
  journal.id = parts_.random.NextId();
  journal.state = RestoreState::kStaging;
  journal.whole_node = plan_.whole_node;
  journal.source = parts_.store.url();
  journal.timedir = plan_.timedir;
  journal.generation = plan_.generation;
  journal.run = plan_.run;
  journal.backup_node_id = plan_.node_id;
  journal.backup_position = plan_.position;
  journal.backup_scn = plan_.scn;
  journal.taken_at = plan_.taken_at;
  journal.file_count = plan_.files.size();
  journal.file_bytes = plan_.bytes;
  journal.begun_at = parts_.clock.Now();
  journal.whole_catalogs = plan_.whole_catalogs;
  journal.objects = plan_.objects;
  journal.markers = options_.request.markers;
  for (const PlannedGroup& group : plan_.groups) {
    journal.groups.push_back(
        {group.catalog, group.name, group.backup_id, GroupId(parts_.random.NextId())});
  }
  return journal;
}

bool RestoreRun::IsSame(const RestoreJournal& journal) const {
  const bool same_groups =
      std::equal(journal.groups.begin(), journal.groups.end(), plan_.groups.begin(),
                 plan_.groups.end(), [](const RestoredGroup& a, const PlannedGroup& b) {
                   return a.catalog == b.catalog && a.name == b.name && a.backup_id == b.backup_id;
                 });
  return same_groups && journal.whole_node == plan_.whole_node &&
         journal.source == parts_.store.url() && journal.timedir == plan_.timedir &&
         journal.generation == plan_.generation && journal.run == plan_.run &&
         journal.whole_catalogs == plan_.whole_catalogs &&
         journal.markers == options_.request.markers;
}

Result<> RestoreRun::Stage() {
  if (!resumed_) RETURN_IF_ERROR(WriteRestoreJournal(parts_.fs, parts_.random, journal_));
  RETURN_IF_ERROR(StageAll());
  RETURN_IF_ERROR(Verify());
  return Commit();
}

// --- Files

Result<> RestoreRun::StageAll() {
  const std::string staged = StagedFolder(journal_.id);
  RETURN_IF_ERROR(CreateDirectories(parts_.fs, staged));
  std::set<std::string> known;
  for (const PlannedRestoreFile& file : plan_.files) {
    const std::string path = JoinPath(staged, file.path);
    if (known.insert(std::string(ParentPath(path))).second) {
      RETURN_IF_ERROR(CreateDirectories(parts_.fs, ParentPath(path)));
    }
    known.insert(path);
  }
  for (const RestoredGroup& group : journal_.groups) RETURN_IF_ERROR(StageEmptyGroup(group));
  if (resumed_) RETURN_IF_ERROR(RemoveForeign(staged, known));

  std::stop_source ended;
  std::stop_callback forward(stop_, [&ended] { ended.request_stop(); });
  std::atomic<size_t> next{0};
  Mutex mutex;
  std::optional<Error> first_error;
  const auto work = [&] {
    while (!ended.stop_requested()) {
      const size_t i = next++;
      if (i >= plan_.files.size()) return;
      Result<> done = StageFile(plan_.files[i], ended.get_token());
      if (done.has_value()) continue;
      MutexLock guard(mutex);
      if (!first_error.has_value()) first_error = std::move(done).error();
      ended.request_stop();
    }
  };
  RunOnThreads("a download", std::min(options_.concurrency, plan_.files.size()), work);
  if (stop_.stop_requested()) return Stopped();
  if (first_error.has_value()) return *std::move(first_error);
  return Ok();
}

Result<> RestoreRun::StageFile(const PlannedRestoreFile& file, const std::stop_token& stop) {
  RETURN_IF_ERROR(hold_->Renew(stop));
  const std::string path = JoinPath(StagedFolder(journal_.id), file.path);
  if (NamesItsGroup(file.object.path)) return StageNamingFile(file, path, stop);
  const std::function<void(uint64_t)> received = [this](uint64_t bytes) { AddBytes(bytes); };
  const Download download{file.object, file.check, path, received};
  if (resumed_) {
    ASSIGN_OR_RETURN(const bool there, IsDownloaded(parts_.fs, download, stop));
    if (there) {
      AddFile(file.object.size_bytes, true);
      return Ok();
    }
  }
  RETURN_IF_ERROR(DownloadFile(parts_.fs, parts_.random, parts_.store, download, stop));
  AddFile(file.object.size_bytes, false);
  return Ok();
}

Result<> RestoreRun::StageNamingFile(const PlannedRestoreFile& file, const std::string& path,
                                     const std::stop_token& stop) {
  if (resumed_ && IsRewritten(file, path)) {
    AddFile(file.object.size_bytes, true);
    return Ok();
  }
  ASSIGN_OR_RETURN(const std::string bytes, FetchObject(parts_.store, file.object, file.check,
                                                        kGroupNamingFileBytesMax, stop));
  AddBytes(bytes.size());
  Result<std::string> named = WithGroupId(file.object.path, bytes, file.group, IdOf(file));
  if (!named.has_value()) return std::move(named).error().With(file.object.key);
  RETURN_IF_ERROR(PublishFile(parts_.fs, parts_.random, path, *named, FileClass::kBackup));
  AddFile(file.object.size_bytes, false);
  return Ok();
}

// Such a file got its name whole and with its new id, which no other run has given.
bool RestoreRun::IsRewritten(const PlannedRestoreFile& file, const std::string& path) const {
  const Result<std::string> bytes =
      ReadWholeFile(parts_.fs, path, kGroupNamingFileBytesMax, FileClass::kBackup);
  if (!bytes.has_value()) return false;
  const Result<std::string> again = WithGroupId(file.object.path, *bytes, file.group, IdOf(file));
  return again.has_value() && *again == *bytes && file.check == HashCheck::kRequired;
}

GroupId RestoreRun::IdOf(const PlannedRestoreFile& file) const {
  if (file.group == kSchemaGroup) return kSchemaGroupId;
  for (const RestoredGroup& group : journal_.groups) {
    if (group.catalog == file.catalog && group.name == file.group) return group.id;
  }
  return GroupId();
}

// A group that never had a row may have no file in the backup; it has an identity all the same.
Result<> RestoreRun::StageEmptyGroup(const RestoredGroup& group) {
  const auto planned =
      std::find_if(plan_.groups.begin(), plan_.groups.end(), [&](const PlannedGroup& candidate) {
        return candidate.catalog == group.catalog && candidate.name == group.name;
      });
  if (planned == plan_.groups.end() || planned->files > 0) return Ok();
  const std::string folder =
      JoinPath(JoinPath(StagedFolder(journal_.id), DataFolder(group.catalog)), group.name);
  RETURN_IF_ERROR(CreateDirectories(parts_.fs, folder));
  return PublishFile(
      parts_.fs, parts_.random, JoinPath(folder, kGroupIdentityFile),
      EncodeGroupIdentity({group.id, group.catalog, planned->shard_count, group.name}),
      FileClass::kBackup);
}

// What a killed run left half written, and nothing else.
Result<> RestoreRun::RemoveForeign(const std::string& folder, const std::set<std::string>& known) {
  ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> entries, parts_.fs.List(folder));
  for (const DirectoryEntry& entry : entries) {
    const std::string path = JoinPath(folder, entry.name);
    if (entry.is_directory) {
      RETURN_IF_ERROR(RemoveForeign(path, known));
    } else if (IsTemporaryName(entry.name) && !known.contains(path)) {
      RETURN_IF_ERROR(parts_.fs.Remove(path));
    }
  }
  return Ok();
}

Result<uint64_t> TreeBytes(FileSystem& fs, const std::string& folder, uint64_t& files) {
  ASSIGN_OR_RETURN(const bool exists, PathExists(fs, folder));
  if (!exists) return uint64_t{0};
  uint64_t bytes = 0;
  ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> entries, fs.List(folder));
  for (const DirectoryEntry& entry : entries) {
    const std::string path = JoinPath(folder, entry.name);
    if (entry.is_directory) {
      ASSIGN_OR_RETURN(const uint64_t below, TreeBytes(fs, path, files));
      bytes += below;
      continue;
    }
    ASSIGN_OR_RETURN(const FileStatus status, fs.Status(path));
    bytes += status.size_bytes;
    ++files;
  }
  return bytes;
}

Result<uint64_t> RestoreRun::StagedBytes() const {
  if (!resumed_) return uint64_t{0};
  uint64_t files = 0;
  return TreeBytes(parts_.fs, StagedFolder(journal_.id), files);
}

void RestoreRun::AddBytes(uint64_t bytes) {
  MutexLock lock(mutex_);
  progress_.bytes_received += bytes;
  if (options_.progress) options_.progress(progress_);
}

void RestoreRun::AddFile(uint64_t bytes, bool reused) {
  MutexLock lock(mutex_);
  ++progress_.files_done;
  progress_.bytes_done += bytes;
  if (reused) ++progress_.files_reused;
  if (options_.progress) options_.progress(progress_);
}

// --- The end

Result<> RestoreRun::Verify() {
  {
    MutexLock lock(mutex_);
    progress_.verifying = true;
    if (options_.progress) options_.progress(progress_);
  }
  const std::string staged = StagedFolder(journal_.id);
  for (const RestoredGroup& group : journal_.groups) {
    const auto verified = VerifyGroupTree(parts_.fs, JoinPath(staged, DataFolder(group.catalog)),
                                          {group.catalog, group.name, group.id}, stop_);
    if (!verified.has_value()) return verified.error().With("verify what was staged");
  }
  if (!plan_.whole_node) return Ok();
  const auto schema =
      VerifyGroupTree(parts_.fs, JoinPath(staged, DataFolder(Catalog::kProperty)),
                      {Catalog::kProperty, std::string(kSchemaGroup), kSchemaGroupId}, stop_);
  if (!schema.has_value()) return schema.error().With("verify what was staged");
  return Ok();
}

Result<> RestoreRun::Commit() {
  for (const RestoredGroup& group : journal_.groups) {
    RETURN_IF_ERROR(HoldRetention(parts_.fs, parts_.random, group.id));
  }
  RETURN_IF_ERROR(SyncTree(parts_.fs, RestoreFolder(journal_.id)));
  RETURN_IF_ERROR(parts_.fs.SyncDirectory(kRestoreDirectory));
  if (stop_.stop_requested()) return Stopped();
  journal_.state = RestoreState::kReady;
  return WriteRestoreJournal(parts_.fs, parts_.random, journal_);
}

Result<uint64_t> CountHolds(FileSystem& fs, const RestoreJournal& journal) {
  uint64_t holds = 0;
  for (const RestoredGroup& group : journal.groups) {
    ASSIGN_OR_RETURN(const bool held, IsRetentionHeld(fs, group.id));
    if (held) ++holds;
  }
  return holds;
}

Error NoRestore() { return Error{ErrorCode::kNotFound, "there is no restore below this root"}; }

}  // namespace

Result<RestoreOutcome> RunRestore(const RestoreParts& parts, const RestoreRunOptions& options,
                                  std::stop_token stop) {
  return RestoreRun(parts, options, std::move(stop)).Run();
}

Result<RestoreStatus> GetRestoreStatus(FileSystem& fs, FileSystem& log_fs) {
  RestoreStatus status;
  ASSIGN_OR_RETURN(status.journal, ReadRestoreJournal(fs));
  if (!status.journal.has_value()) return status;
  uint64_t files = 0;
  const uint64_t id = status.journal->id;
  ASSIGN_OR_RETURN(status.staged_bytes, TreeBytes(fs, StagedFolder(id), files));
  ASSIGN_OR_RETURN(status.aside_bytes, TreeBytes(fs, AsideFolder(id), files));
  ASSIGN_OR_RETURN(const uint64_t log, TreeBytes(log_fs, LogAsideFolder(id), files));
  status.aside_bytes += log;
  ASSIGN_OR_RETURN(status.held_groups, CountHolds(fs, *status.journal));
  return status;
}

Result<RestoreDiscard> DiscardRestore(FileSystem& fs, FileSystem& log_fs, RandomSource& random,
                                      bool dry_run) {
  ASSIGN_OR_RETURN(const std::optional<RestoreJournal> seen, ReadRestoreJournal(fs));
  if (!seen.has_value()) return NoRestore();
  Result<std::unique_ptr<FileLock>> lock = fs.Lock(kRestoreLockFile);
  if (!lock.has_value()) return std::move(lock).error().With("a restore is at work");
  ASSIGN_OR_RETURN(std::optional<RestoreJournal> journal, ReadRestoreJournal(fs));
  if (!journal.has_value()) return NoRestore();
  if (IsOpen(journal->state) && journal->state != RestoreState::kReady) {
    return Error{ErrorCode::kFailedPrecondition,
                 fmt::format("restore {} is {}: only a start of the node can end it",
                             Hex16(journal->id), RestoreStateName(journal->state))};
  }
  RestoreDiscard discard;
  ASSIGN_OR_RETURN(discard.bytes, TreeBytes(fs, RestoreFolder(journal->id), discard.files));
  ASSIGN_OR_RETURN(const uint64_t log,
                   TreeBytes(log_fs, LogAsideFolder(journal->id), discard.files));
  discard.bytes += log;
  ASSIGN_OR_RETURN(discard.holds, CountHolds(fs, *journal));
  if (dry_run) return discard;
  if (journal->state == RestoreState::kReady) {
    // No start may go on from here while its files go.
    journal->state = RestoreState::kFailed;
    journal->reason = "discarded";
    RETURN_IF_ERROR(WriteRestoreJournal(fs, random, *journal));
  }
  for (const RestoredGroup& group : journal->groups) {
    RETURN_IF_ERROR(ReleaseRetention(fs, group.id));
  }
  RETURN_IF_ERROR(RemoveTree(log_fs, LogAsideFolder(journal->id)));
  RETURN_IF_ERROR(log_fs.SyncDirectory(""));
  RETURN_IF_ERROR(RemoveTree(fs, RestoreFolder(journal->id)));
  RETURN_IF_ERROR(fs.SyncDirectory(kRestoreDirectory));
  RETURN_IF_ERROR(RemoveRestoreJournal(fs));
  return discard;
}

Result<uint64_t> ReleaseRestored(FileSystem& fs) {
  ASSIGN_OR_RETURN(const std::optional<RestoreJournal> journal, ReadRestoreJournal(fs));
  if (!journal.has_value()) return NoRestore();
  ASSIGN_OR_RETURN(const uint64_t holds, CountHolds(fs, *journal));
  for (const RestoredGroup& group : journal->groups) {
    RETURN_IF_ERROR(ReleaseRetention(fs, group.id));
  }
  return holds;
}

}  // namespace ficus
