#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "engine/base/log.h"
#include "server/backup/layout.h"
#include "server/backup/put_once.h"
#include "server/backup/repository.h"
#include "server/backup/repository_keys.h"
#include "server/backup/repository_records.h"

namespace ficus {
namespace {

// Other time directories whose objects may be copied: two, because jobs with other groups may take
// turns in one destination.
constexpr size_t kOthersMax = 2;

struct TimedirNames {
  std::set<uint64_t> manifests;
  std::set<uint64_t> commits;
  std::set<uint64_t> verified;
};

struct Names {
  std::map<std::string, TimedirNames> timedirs;
  std::string revision;
};

Result<Names> ListNames(ObjectStore& store, std::stop_token stop) {
  Names names;
  auto visit = [&](const ObjectInfo& object) {
    const auto name = ParseTimedirRecordKey(object.key);
    if (!name) return true;
    TimedirNames& timedir = names.timedirs[name->timedir];
    switch (name->kind) {
      case TimedirRecordKind::kManifest:
        timedir.manifests.insert(name->generation);
        break;
      case TimedirRecordKind::kVerified:
        timedir.verified.insert(name->generation);
        names.revision += object.key + ' ' + object.etag + '\n';
        break;
      case TimedirRecordKind::kCommit:
        timedir.commits.insert(name->generation);
        names.revision += object.key + ' ' + object.etag + '\n';
        break;
    }
    return true;
  };
  ListRequest request;
  request.prefix = std::string(kTimedirMetaPrefix);
  RETURN_IF_ERROR(ListAll(store, request, visit, std::move(stop)));
  return names;
}

Result<CommitRecord> LoadCommit(ObjectStore& store, std::string_view timedir, uint64_t generation,
                                std::stop_token stop) {
  const std::string key = CommitKey(timedir, generation);
  ASSIGN_OR_RETURN(const std::string text, GetText(store, key, kRecordBytesMax, std::move(stop)));
  auto commit = DecodeCommit(text);
  if (!commit) return std::move(commit).error().With(key);
  if (commit->timedir != timedir || commit->generation != generation) {
    return Error{ErrorCode::kCorruption, key + ": is the commit record of another backup"};
  }
  return commit;
}

Result<KnownBackup> LoadKnown(ObjectStore& store, const std::string& timedir, uint64_t generation,
                              bool has_verified, std::stop_token stop) {
  KnownBackup known;
  known.place = timedir;
  ASSIGN_OR_RETURN(known.commit, LoadCommit(store, timedir, generation, stop));
  ASSIGN_OR_RETURN(const std::string text,
                   GetText(store, known.commit.manifest_key, kBackupManifestBytesMax, stop));
  auto manifest = DecodeManifestOf(known.commit, text);
  if (!manifest) return std::move(manifest).error().With(known.commit.manifest_key);
  known.manifest = std::move(*manifest);
  if (!has_verified) return known;
  const std::string key = VerifiedKey(timedir, generation);
  ASSIGN_OR_RETURN(const std::string verified, GetText(store, key, kVerificationBytesMax, stop));
  auto verification = DecodeVerification(verified);
  if (!verification) return std::move(verification).error().With(key);
  if (verification->commit_run != known.commit.run) return known;
  for (const DamagedObject& object : verification->damaged) known.damaged.insert(object.key);
  known.verification = std::move(*verification);
  return known;
}

bool IsOfTheRecord(const Error& error) {
  return error.code == ErrorCode::kCorruption || error.code == ErrorCode::kNotFound ||
         error.code == ErrorCode::kUnsupportedVersion;
}

// kUnavailable when the backup was replaced or removed since `commit` was read.
Result<> CheckStillThere(ObjectStore& store, const CommitRecord& commit, std::stop_token stop) {
  const auto now = LoadCommit(store, commit.timedir, commit.generation, std::move(stop));
  const bool gone = now ? now->run != commit.run : now.error().code == ErrorCode::kNotFound;
  if (!gone) return Ok();
  return Error{ErrorCode::kUnavailable,
               fmt::format("the backup {} was replaced or removed while it was verified; verify "
                           "what is there now",
                           commit.timedir)};
}

// The backups of the place itself: all of them, for their objects must not be touched.
Result<> LookInside(ObjectStore& store, const std::string& place, const TimedirNames& names,
                    LayoutView& view, std::stop_token stop) {
  for (const std::set<uint64_t>* set : {&names.manifests, &names.commits, &names.verified}) {
    if (!set->empty()) view.next_generation = std::max(view.next_generation, *set->rbegin() + 1);
  }
  if (!names.commits.empty()) view.newest_generation = *names.commits.rbegin();
  for (auto it = names.commits.rbegin(); it != names.commits.rend(); ++it) {
    auto known = LoadKnown(store, place, *it, names.verified.count(*it) > 0, stop);
    if (known) {
      view.known.push_back(std::move(*known));
    } else if (IsOfTheRecord(known.error())) {
      view.unusable = known.error().message;
    } else {
      return std::move(known).error();
    }
  }
  return Ok();
}

Result<> LookBeside(ObjectStore& store, const std::string& place, const Names& names,
                    LayoutView& view, std::stop_token stop) {
  size_t others = 0;
  for (auto it = names.timedirs.rbegin(); it != names.timedirs.rend() && others < kOthersMax;
       ++it) {
    const auto& [timedir, records] = *it;
    if (timedir == place || records.commits.empty()) continue;
    const uint64_t generation = *records.commits.rbegin();
    auto known =
        LoadKnown(store, timedir, generation, records.verified.count(generation) > 0, stop);
    if (!known && !IsOfTheRecord(known.error())) return std::move(known).error();
    if (!known) {
      LogWarn("backup.unreadable", "nothing is shared with {}: {}", timedir, known.error().message);
      continue;
    }
    view.known.push_back(std::move(*known));
    ++others;
  }
  return Ok();
}

class TimedirLayout final : public Layout {
 public:
  // A daily directory cannot take a file whose name is used for something else since the morning;
  // the directory of the hour can.
  std::vector<std::string> Places(const BackupJobSpec& spec, UnixNanos taken_at) const override {
    const CivilHour time = spec.civil_time ? spec.civil_time(taken_at) : UtcCivilHour(taken_at);
    std::vector<std::string> places = {TimedirName(spec.time_style, time)};
    if (spec.time_style == TimeStyle::kDaily) {
      places.push_back(TimedirName(TimeStyle::kHourly, time));
    }
    return places;
  }

  std::string KeyOf(const BackupJobSpec& spec, std::string_view place, std::string_view folder,
                    std::string_view path) const override {
    return FileKey(spec.form, place, folder, path);
  }

  Result<LayoutView> Look(ObjectStore& store, std::string_view place,
                          std::stop_token stop) const override {
    ASSIGN_OR_RETURN(const Names names, ListNames(store, stop));
    LayoutView view;
    view.revision = names.revision;
    const std::string own(place);
    const auto found = names.timedirs.find(own);
    if (found != names.timedirs.end()) {
      RETURN_IF_ERROR(LookInside(store, own, found->second, view, stop));
    }
    RETURN_IF_ERROR(LookBeside(store, own, names, view, stop));
    return view;
  }

  Result<std::string> Revision(ObjectStore& store, std::stop_token stop) const override {
    ASSIGN_OR_RETURN(Names names, ListNames(store, std::move(stop)));
    return std::move(names.revision);
  }

  Result<> Announce(ObjectStore& store, const Announcement& announcement,
                    std::stop_token stop) const override {
    PendingRecord record;
    record.run = announcement.run;
    record.timedir = announcement.place;
    record.generation = announcement.generation;
    record.node_id = announcement.node_id;
    record.lease_generation = announcement.lease_generation;
    record.job = announcement.job;
    record.started_at = announcement.started_at;
    const std::string key = PendingKey(announcement.run);
    PutCondition condition;
    if (store.abilities().conditional_put) condition.kind = PutCondition::Kind::kIfAbsent;
    auto put = store.Put(key, TextSource(EncodePending(record)), condition, stop);
    // The id of a run is its own: what is there is ours, from before a restart or a lost answer.
    if (!put && put.error().code != ErrorCode::kAlreadyExists) {
      return std::move(put).error().With("put " + key);
    }
    auto tombstone = store.Head(ExpiredKey(announcement.place), stop);
    if (!tombstone && tombstone.error().code == ErrorCode::kNotFound) return Ok();
    RETURN_IF_ERROR(Withdraw(store, announcement.run, stop));
    if (!tombstone) return std::move(tombstone).error();
    return Error{ErrorCode::kFailedPrecondition,
                 fmt::format("{} is being removed from {}; a backup cannot go there before that "
                             "is over",
                             announcement.place, store.url())};
  }

  Result<> Withdraw(ObjectStore& store, std::string_view run, std::stop_token stop) const override {
    const std::string key = PendingKey(run);
    return store.Delete({&key, 1}, std::move(stop));
  }

  Result<std::vector<std::string>> WithdrawLost(ObjectStore& store, uint64_t node_id,
                                                const std::set<std::string>& alive,
                                                std::stop_token stop) const override {
    std::vector<std::string> lost;
    ASSIGN_OR_RETURN(const std::vector<PendingRecord> all, Repository(store).Pending(stop));
    for (const PendingRecord& pending : all) {
      if (pending.node_id != node_id || alive.count(pending.run) > 0) continue;
      RETURN_IF_ERROR(RemoveAttempt(store, pending.timedir, pending.generation, stop));
      RETURN_IF_ERROR(Withdraw(store, pending.run, stop));
      lost.push_back(pending.run);
    }
    return lost;
  }

  void Address(BackupManifest& manifest, const BackupJobSpec& spec, std::string_view place,
               uint64_t generation) const override {
    manifest.timedir = place;
    manifest.generation = generation;
    manifest.form = spec.form;
  }

  Result<CommitRecord> Commit(ObjectStore& store, const BackupManifest& manifest,
                              const CommitTerms& terms, std::stop_token stop) const override {
    RETURN_IF_ERROR(CheckManifest(manifest));
    const std::string text = EncodeBackupManifest(manifest);
    // The generation is above everything that was ever begun here, and the lease is ours: whatever
    // lies there, we have put it.
    RETURN_IF_ERROR(PutOnce(
        store, ManifestKey(manifest.timedir, manifest.generation), text, kBackupManifestBytesMax,
        [](std::string_view) { return true; }, stop));
    const CommitRecord commit = CommitOf(manifest, text, terms.lease_generation, terms.clock.Now());
    RETURN_IF_ERROR(terms.confirm());
    const std::string record = EncodeCommit(commit);
    RETURN_IF_ERROR(PutOnce(store, CommitKey(manifest.timedir, manifest.generation), record,
                            kRecordBytesMax, IsCutShort(record), stop));
    return commit;
  }

  Result<std::optional<CommitRecord>> FindCommit(ObjectStore& store, std::string_view place,
                                                 std::string_view run,
                                                 std::stop_token stop) const override {
    ASSIGN_OR_RETURN(const Names names, ListNames(store, stop));
    const auto found = names.timedirs.find(std::string(place));
    if (found == names.timedirs.end()) return std::optional<CommitRecord>();
    for (const uint64_t generation : found->second.commits) {
      auto commit = LoadCommit(store, place, generation, stop);
      if (commit && commit->run == run) return std::optional<CommitRecord>(*commit);
      if (!commit && !IsOfTheRecord(commit.error())) return std::move(commit).error();
    }
    return std::optional<CommitRecord>();
  }

  Result<> TakeBack(ObjectStore& store, const CommitRecord& commit,
                    std::stop_token stop) const override {
    const std::string key = CommitKey(commit.timedir, commit.generation);
    return store.Delete({&key, 1}, std::move(stop));
  }

  Result<> RemoveAttempt(ObjectStore& store, std::string_view place, uint64_t generation,
                         std::stop_token stop) const override {
    // Another run may have used the number since, and committed.
    const auto committed = store.Head(CommitKey(place, generation), stop);
    if (committed) return Ok();
    if (committed.error().code != ErrorCode::kNotFound) return committed.error();
    const std::string key = ManifestKey(place, generation);
    return store.Delete({&key, 1}, std::move(stop));
  }

  Result<VerificationRecord> Verify(ObjectStore& store, const CommitRecord& commit,
                                    const VerifyRequest& request, const Clock& clock,
                                    std::stop_token stop,
                                    const VerifyProgressSink& progress) const override {
    Result<VerificationRecord> verified =
        ficus::Verify(store, commit, request, clock, stop, progress);
    // A run may have put another backup in its place meanwhile, and removed what only this one had.
    if (!verified || !verified->damaged.empty()) {
      RETURN_IF_ERROR(CheckStillThere(store, commit, stop));
    }
    ASSIGN_OR_RETURN(VerificationRecord record, std::move(verified));
    ASSIGN_OR_RETURN(const bool put, RecordVerification(store, record, stop));
    if (!put)
      LogDebug("backup.verification_kept", "{}: the record there says more", record.timedir);
    return record;
  }

  Result<PruneReport> RemoveSuperseded(ObjectStore& store, const LeaseCheck& lease,
                                       std::string_view place, std::string_view run,
                                       std::stop_token stop) const override {
    return Pruner(store, lease).RemoveSuperseded(place, run, stop);
  }

  Result<PruneReport> Prune(ObjectStore& store, const LeaseCheck& lease,
                            const PruneRequest& request, std::stop_token stop) const override {
    return Pruner(store, lease).Run(request, stop);
  }
};

}  // namespace

std::unique_ptr<Layout> MakeTimedirLayout() { return std::make_unique<TimedirLayout>(); }

}  // namespace ficus
