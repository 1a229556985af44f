#include "server/backup/backup_job.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "engine/base/id.h"
#include "engine/base/log.h"
#include "server/backup/backup_scope.h"
#include "server/backup/checked_file.h"
#include "server/backup/destination_records.h"
#include "server/backup/put_once.h"
#include "server/backup/repository_keys.h"
#include "server/backup/transfer.h"

namespace ficus {
namespace {

// A plan is made without the lease; another run may commit before we hold it.
constexpr int kPlansMax = 4;

// None where there is no owner yet, or only the beginning of our own record.
Result<std::optional<NodeRecord>> ReadNode(ObjectStore& store, uint64_t node_id,
                                           std::stop_token stop) {
  auto text = GetText(store, kNodeKey, kRecordBytesMax, std::move(stop));
  if (!text && text.error().code == ErrorCode::kNotFound) return std::optional<NodeRecord>();
  if (!text) return std::move(text).error().With("read the owner of " + store.url());
  auto record = DecodeNode(*text);
  if (record) return std::optional<NodeRecord>(*record);
  const std::string own = EncodeNode({node_id});
  if (IsCutShort(own)(*text)) return std::optional<NodeRecord>();
  return std::move(record).error().With("read the owner of " + store.url());
}

Result<> CheckOwner(const std::string& url, const NodeRecord& record, uint64_t node_id) {
  if (record.node_id == node_id) return Ok();
  return Error{ErrorCode::kPermissionDenied,
               fmt::format("{} belongs to node {}, this is node {}: give each node a prefix of "
                           "its own",
                           url, Hex16(record.node_id), Hex16(node_id))};
}

// Ends as soon as either ends.
class EitherStop {
 public:
  EitherStop(std::stop_token a, std::stop_token b)
      : on_a_(std::move(a), Requester{&source_}), on_b_(std::move(b), Requester{&source_}) {}
  std::stop_token token() const { return source_.get_token(); }

 private:
  struct Requester {
    std::stop_source* source;
    void operator()() const { source->request_stop(); }
  };
  std::stop_source source_;
  std::stop_callback<Requester> on_a_;
  std::stop_callback<Requester> on_b_;
};

std::vector<BackupCatalog> CatalogsOf(const SnapshotContents& contents) {
  std::vector<BackupCatalog> catalogs;
  for (const CatalogSnapshot& catalog : contents.catalogs) {
    BackupCatalog listed;
    listed.folder = catalog.folder;
    listed.catalog = catalog.catalog;
    for (const SnapshotGroup& group : catalog.groups)
      listed.groups.push_back({group.name, group.id});
    catalogs.push_back(std::move(listed));
  }
  return catalogs;
}

}  // namespace

bool IsTransient(ErrorCode code) {
  switch (code) {
    case ErrorCode::kIo:
    case ErrorCode::kReadOnly:
    case ErrorCode::kResourceExhausted:
    case ErrorCode::kUnavailable:
    case ErrorCode::kCancelled:
    case ErrorCode::kDeadlineExceeded:
    case ErrorCode::kFailedPrecondition:
    case ErrorCode::kPermissionDenied:
    case ErrorCode::kAlreadyExists:
    case ErrorCode::kUnknown:
      return true;
    // What is there already fills the place; it stays full as long as that stays.
    case ErrorCode::kNoSpace:
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kNotFound:
    case ErrorCode::kCorruption:
    case ErrorCode::kUnsupportedVersion:
    case ErrorCode::kUnimplemented:
      return false;
  }
  return false;
}

BackupJob::BackupJob(const JobTools& tools, const JobTarget& target, BackupJobSpec spec,
                     std::string run, bool dry_run, RunProgress& progress)
    : tools_(tools), target_(target), dry_run_(dry_run), progress_(progress) {
  history_.run = std::move(run);
  history_.spec = std::move(spec);
  history_.started_at = tools_.clock.Now();
}

Result<std::unique_ptr<BackupJob>> BackupJob::Reopen(const JobTools& tools, const JobTarget& target,
                                                     std::string_view run, RunProgress& progress) {
  auto job = std::make_unique<BackupJob>(tools, target, BackupJobSpec(), std::string(run), false,
                                         progress);
  RunHistory history;
  ASSIGN_OR_RETURN(job->journal_, RunJournal::Reopen(tools.file_system, run, history));
  job->history_ = std::move(history);
  progress.Change([&](RunStatus& status) {
    status.resumed = true;
    status.started_at = job->history_.started_at;
    if (job->history_.aims.empty()) return;
    status.timedir = job->history_.aims.back().place;
    status.generation = job->history_.aims.back().generation;
  });
  return job;
}

Result<> BackupJob::Run(std::stop_token stop) {
  const EitherStop either(stop, lost_.get_token());
  auto done = RunSteps(either.token());
  const bool leaves_lease = lease_ && stop.stop_requested();
  if (!done && lease_) {
    if (lost_.stop_requested() && !stop.stop_requested()) {
      done = lease_->Check(either.token());
      if (done) done = Error{ErrorCode::kUnavailable, "the lease could not be renewed in time"};
    } else if (!stop.stop_requested()) {
      ReleaseLease();
    }
    lease_->StopKeepingAlive();
  }
  // The lease first: by the journal the next start would know it for its own.
  if (!done && journal_ && history_.aims.empty() && !leaves_lease) DropJournal();
  // Nobody comes back for it without a journal.
  if (!journal_ && (dry_run_ || !done)) DiscardSnapshot();
  return done;
}

void BackupJob::ReleaseLease() {
  const auto released = lease_->Release();
  if (!released) LogWarn("backup.lease_kept", "{}", released.error().message);
}

// Also one that an earlier try has taken and this one never held.
void BackupJob::DiscardSnapshot() {
  if (!snapshot_ && !history_.snapshot.empty()) {
    auto held = tools_.snapshots.Hold(history_.snapshot);
    if (held) snapshot_ = *std::move(held);
  }
  if (snapshot_) snapshot_->Discard();
  snapshot_.reset();
  history_.snapshot.clear();
}

Result<> BackupJob::RunSteps(std::stop_token stop) {
  if (journal_ && !history_.aims.empty()) {
    RETURN_IF_ERROR(HoldLease(stop));
    RETURN_IF_ERROR(FindOwnCommit(stop));
  }
  bool judged = false;
  if (!commit_) {
    RETURN_IF_ERROR(TakeSnapshot(stop));
    RETURN_IF_ERROR(CheckNode(stop));
    RETURN_IF_ERROR(PlanRun(stop));
    if (dry_run_) return Ok();
    if (IsUnchanged()) {
      judged = TakeNewest();
      // A run that goes on has left a marker and perhaps objects.
      if (judged && !journal_) return Finish();
      RETURN_IF_ERROR(OpenJournal());
      RETURN_IF_ERROR(HoldLease(stop));
    } else {
      RETURN_IF_ERROR(PlanUnderLease(stop));
      RETURN_IF_ERROR(Begin(stop));
      RETURN_IF_ERROR(Upload(stop));
      RETURN_IF_ERROR(Commit(stop));
    }
  }
  if (!history_.aims.empty()) {
    RETURN_IF_ERROR(TidyUp(stop));
    RETURN_IF_ERROR(WithdrawLost(stop));
  }
  if (!judged) RETURN_IF_ERROR(Verify(stop));
  RETURN_IF_ERROR(RemoveSuperseded(stop));
  RETURN_IF_ERROR(Prune(stop));
  return Finish();
}

// The newest backup is what this run would make. True when nothing of it is left to be verified.
bool BackupJob::TakeNewest() {
  const KnownBackup& newest = view_.known.front();
  commit_ = newest.commit;
  progress_.Change([&](RunStatus& status) {
    status.unchanged = true;
    status.generation = commit_->generation;
    status.moved = plan_.counts;
    status.verified = newest.verification && CountsAsVerified(*commit_, *newest.verification);
  });
  return history_.spec.verify == VerifyMode::kOff || newest.verification.has_value();
}

Result<> BackupJob::TakeSnapshot(std::stop_token stop) {
  progress_.SetPhase(RunPhase::kSnapshot);
  if (journal_) {
    ASSIGN_OR_RETURN(snapshot_, tools_.snapshots.Hold(history_.snapshot));
  } else {
    const SnapshotScope scope = {history_.spec.groups, history_.spec.catalogs};
    ASSIGN_OR_RETURN(snapshot_, tools_.snapshots.Take(scope, stop));
    history_.snapshot = snapshot_->contents().id;
  }
  return CheckSnapshot();
}

// A snapshot that lacks a group looks like one of a node without that group: what it says about
// itself is the only difference.
Result<> BackupJob::CheckSnapshot() {
  missing_.clear();
  for (const CatalogSnapshot& catalog : snapshot_->contents().catalogs) {
    if (catalog.error.empty()) continue;
    const std::string what = fmt::format("{}: {}", catalog.folder, catalog.error);
    if (!history_.spec.allow_degraded) {
      return Error{ErrorCode::kCorruption, "the snapshot is not whole: " + what};
    }
    missing_.push_back(what);
  }
  return Ok();
}

Result<> BackupJob::CheckNode(std::stop_token stop) {
  ASSIGN_OR_RETURN(const auto record, ReadNode(target_.store, tools_.node_id, stop));
  bound_ = record.has_value();
  return record ? CheckOwner(target_.store.url(), *record, tools_.node_id) : Ok();
}

Result<> BackupJob::BindNode(std::stop_token stop) {
  if (bound_) return Ok();
  const std::string text = EncodeNode({tools_.node_id});
  const auto put =
      PutOnce(store(), std::string(kNodeKey), text, kRecordBytesMax, IsCutShort(text), stop);
  if (!put && put.error().code != ErrorCode::kAlreadyExists) return put;
  return CheckNode(stop);
}

Result<> BackupJob::PlanRun(std::stop_token stop) {
  progress_.SetPhase(RunPhase::kPlan);
  std::vector<std::string> places;
  if (!history_.aims.empty()) places.push_back(history_.aims.back().place);
  for (std::string& place : tools_.layout.Places(history_.spec, snapshot_->contents().taken_at)) {
    if (std::find(places.begin(), places.end(), place) == places.end()) {
      places.push_back(std::move(place));
    }
  }
  std::string why;
  for (const std::string& place : places) {
    ASSIGN_OR_RETURN(const bool usable, PlanFor(place, stop, why));
    if (!usable) continue;
    place_ = place;
    progress_.Change([&](RunStatus& status) {
      status.planned = plan_.counts;
      status.timedir = place_;
      status.generation = view_.next_generation;
    });
    return Ok();
  }
  return Error{ErrorCode::kFailedPrecondition, why};
}

// What the manifest says of how much the backup holds.
BackupManifest BackupJob::ScopedManifest() const {
  BackupManifest manifest;
  manifest.whole_node = snapshot_->contents().whole_node;
  manifest.scope = ScopeText(history_.spec.groups, history_.spec.catalogs);
  manifest.catalogs = CatalogsOf(snapshot_->contents());
  return manifest;
}

// False when the place cannot take this backup.
Result<bool> BackupJob::PlanFor(const std::string& place, std::stop_token stop, std::string& why) {
  ASSIGN_OR_RETURN(view_, tools_.layout.Look(target_.store, place, stop));
  if (!view_.unusable.empty()) {
    why = fmt::format("nothing can be added to {}: {}", place, view_.unusable);
    return false;
  }
  const BackupManifest wanted = ScopedManifest();
  for (const KnownBackup& known : view_.known) {
    if (known.place != place || Covers(wanted, known.manifest)) continue;
    why = fmt::format(
        "{} holds a backup of more ({}) than this one ({}), which must not take its place: give "
        "this one a remote of its own",
        place, ScopeOf(known.manifest), ScopeOf(wanted));
    return false;
  }
  // What an earlier try of this run has made counts only if nobody has committed there since.
  static const std::vector<JournaledObject> kNothing;
  const bool trusted = !history_.aims.empty() && history_.aims.back().place == place &&
                       history_.aims.back().base_generation == view_.newest_generation;
  const PlanRequest request = {
      .contents = snapshot_->contents(),
      .place = place,
      .key_of =
          [&](std::string_view folder, std::string_view path) {
            return tools_.layout.KeyOf(history_.spec, place, folder, path);
          },
      .known = view_.known,
      .done = trusted ? history_.done : kNothing,
      .can_copy = target_.store.abilities().copy,
      .hash = [&](const CatalogSnapshot& catalog, const SnapshotFile& file) -> Result<Sha256> {
        ASSIGN_OR_RETURN(const auto checked, CheckedFile::Open(*snapshot_, catalog, file, stop));
        return checked->sha256();
      }};
  ASSIGN_OR_RETURN(plan_, MakePlan(request));
  if (plan_.conflicts.empty()) return true;
  why = fmt::format("{} objects of the backup in {} would have to be overwritten, {} first",
                    plan_.conflicts.size(), place, plan_.conflicts.front());
  LogInfo("backup.place_taken", "{}", why);
  return false;
}

// A new generation is only worth its name when something differs.
bool BackupJob::IsUnchanged() const {
  if (view_.known.empty() || !missing_.empty()) return false;
  const KnownBackup& newest = view_.known.front();
  const SnapshotContents& contents = snapshot_->contents();
  return newest.place == place_ && newest.commit.generation == view_.newest_generation &&
         !newest.commit.degraded && newest.damaged.empty() &&
         plan_.counts.files_kept == plan_.counts.files_total &&
         newest.manifest.objects.size() == plan_.files.size() &&
         newest.manifest.log == contents.log && newest.manifest.position == contents.position &&
         newest.manifest.whole_node == contents.whole_node &&
         newest.manifest.catalogs == CatalogsOf(contents);
}

Result<> BackupJob::OpenJournal() {
  if (journal_) return Ok();
  ASSIGN_OR_RETURN(journal_, RunJournal::Create(tools_.file_system, history_));
  return Ok();
}

// Of a run that has put nothing into the store: nobody has to come back for it.
void BackupJob::DropJournal() {
  journal_.reset();
  const auto removed = RunJournal::Remove(tools_.file_system, history_.run);
  if (!removed) LogWarn("backup.journal_kept", "{}", removed.error().message);
}

Lease::Terms BackupJob::LeaseTerms() const {
  return {.store = target_.store,
          .clock = tools_.clock,
          .random = tools_.random,
          .node_id = tools_.node_id,
          .run = history_.run,
          .pause = tools_.pause};
}

// After OpenJournal: by the run's name in there a later start knows the lease for its own, and need
// not wait until it has expired.
Result<> BackupJob::HoldLease(std::stop_token stop) {
  if (lease_) return Ok();
  ASSIGN_OR_RETURN(lease_, Lease::Acquire(LeaseTerms(), tools_.lease_patience, stop));
  RETURN_IF_ERROR(lease_->KeepAlive([this] { lost_.request_stop(); }));
  guarded_ = std::make_unique<GuardedStore>(target_.store, *lease_);
  return BindNode(stop);
}

Result<> BackupJob::PlanUnderLease(std::stop_token stop) {
  RETURN_IF_ERROR(OpenJournal());
  RETURN_IF_ERROR(HoldLease(stop));
  for (int plans = 1; plans < kPlansMax; ++plans) {
    ASSIGN_OR_RETURN(const std::string revision, tools_.layout.Revision(store(), stop));
    if (revision == view_.revision) return Ok();
    RETURN_IF_ERROR(PlanRun(stop));
  }
  return Error{ErrorCode::kUnavailable,
               target_.store.url() + " changes all the time although its lease is held"};
}

Result<> BackupJob::Begin(std::stop_token stop) {
  const RunAim aim = {place_, view_.next_generation, view_.newest_generation};
  RETURN_IF_ERROR(journal_->AddAim(aim));
  history_.aims.push_back(aim);
  const std::set<std::string> before(history_.intents.begin(), history_.intents.end());
  std::vector<std::string> keys;
  for (const PlannedFile& file : plan_.files) {
    const bool moves = file.route != ObjectRoute::kKept && !file.is_done;
    if (moves && before.count(file.object.key) == 0) keys.push_back(file.object.key);
  }
  RETURN_IF_ERROR(journal_->AddIntents(keys));
  history_.intents.insert(history_.intents.end(), keys.begin(), keys.end());
  return tools_.layout.Announce(store(),
                                {.run = history_.run,
                                 .job = history_.spec.name,
                                 .place = place_,
                                 .generation = aim.generation,
                                 .node_id = tools_.node_id,
                                 .lease_generation = lease_->generation(),
                                 .started_at = history_.started_at},
                                stop);
}

Result<> BackupJob::Upload(std::stop_token stop) {
  RunCounts already;
  for (const PlannedFile& file : plan_.files) {
    if (file.route != ObjectRoute::kKept && !file.is_done) continue;
    CountFile(file.route, file.object.size_bytes, already);
  }
  progress_.StartTransfer(plan_.counts, already);
  Transfer transfer(
      store(), *snapshot_, *journal_, progress_,
      {.concurrency = target_.concurrency, .allow_missing = history_.spec.allow_degraded});
  RETURN_IF_ERROR(transfer.Run(plan_, stop));
  std::set<std::string> left_out;
  for (const auto& [key, why] : transfer.missing()) {
    missing_.push_back(why);
    left_out.insert(key);
  }
  const auto is_left_out = [&](const PlannedFile& file) {
    return left_out.count(file.object.key) > 0;
  };
  plan_.files.erase(std::remove_if(plan_.files.begin(), plan_.files.end(), is_left_out),
                    plan_.files.end());
  return Ok();
}

BackupManifest BackupJob::MakeManifest() const {
  const SnapshotContents& contents = snapshot_->contents();
  BackupManifest manifest = ScopedManifest();
  manifest.run = history_.run;
  manifest.job = history_.spec.name;
  manifest.node_id = tools_.node_id;
  manifest.log = contents.log;
  manifest.position = contents.position;
  manifest.scn = contents.scn;
  manifest.taken_at = contents.taken_at;
  manifest.missing = missing_;
  for (const PlannedFile& file : plan_.files) manifest.objects.push_back(file.object);
  tools_.layout.Address(manifest, history_.spec, place_, history_.aims.back().generation);
  return manifest;
}

Result<> BackupJob::Commit(std::stop_token stop) {
  progress_.SetPhase(RunPhase::kCommit);
  const CommitTerms terms = {.lease_generation = lease_->generation(),
                             .clock = tools_.clock,
                             .confirm = [&] { return lease_->Confirm(stop); }};
  ASSIGN_OR_RETURN(const CommitRecord commit,
                   tools_.layout.Commit(store(), MakeManifest(), terms, stop));
  // Somebody else may have cleaned up behind us if the lease ran out while the record was on its
  // way. It was created by us, so it is ours to remove.
  auto held = lease_->Check(stop);
  if (!held) {
    RETURN_IF_ERROR(tools_.layout.TakeBack(target_.store, commit, {}));
    return held;
  }
  commit_ = commit;
  return Ok();
}

Result<> BackupJob::FindOwnCommit(std::stop_token stop) {
  std::set<std::string> places;
  for (const RunAim& aim : history_.aims) places.insert(aim.place);
  for (const std::string& place : places) {
    ASSIGN_OR_RETURN(const auto commit,
                     tools_.layout.FindCommit(store(), place, history_.run, stop));
    if (!commit) continue;
    commit_ = commit;
    place_ = place;
  }
  return Ok();
}

// After the commit: what earlier tries of this run have left, and the marker.
Result<> BackupJob::TidyUp(std::stop_token stop) {
  progress_.Change([&](RunStatus& status) {
    status.timedir = commit_->timedir;
    status.generation = commit_->generation;
    status.degraded = commit_->degraded;
    status.missing = missing_.size();
  });
  if (history_.committed_generation == 0) {
    RETURN_IF_ERROR(journal_->AddCommitted(commit_->generation));
    history_.committed_generation = commit_->generation;
  }
  for (const RunAim& aim : history_.aims) {
    if (aim.place == place_ && aim.generation == commit_->generation) continue;
    RETURN_IF_ERROR(tools_.layout.RemoveAttempt(store(), aim.place, aim.generation, stop));
  }
  RETURN_IF_ERROR(RemoveOrphans(stop));
  return tools_.layout.Withdraw(store(), history_.run, stop);
}

// Markers of runs that a lost disk took with it would keep their directories from ever expiring.
Result<> BackupJob::WithdrawLost(std::stop_token stop) {
  ASSIGN_OR_RETURN(const std::vector<std::string> journals, ListJournals(tools_.file_system));
  const std::set<std::string> alive(journals.begin(), journals.end());
  ASSIGN_OR_RETURN(const std::vector<std::string> lost,
                   tools_.layout.WithdrawLost(store(), tools_.node_id, alive, stop));
  for (const std::string& run : lost) {
    LogWarn("backup.lost_run",
            "{}: run {} never ended and its journal is gone; objects of it may be left there",
            target_.store.url(), run);
  }
  return Ok();
}

// Objects that this run may have written and that no manifest names.
Result<> BackupJob::RemoveOrphans(std::stop_token stop) {
  std::set<std::string> orphans(history_.intents.begin(), history_.intents.end());
  std::set<std::string> places;
  for (const RunAim& aim : history_.aims) places.insert(aim.place);
  for (const std::string& place : places) {
    ASSIGN_OR_RETURN(const LayoutView view, tools_.layout.Look(store(), place, stop));
    if (!view.unusable.empty()) {
      // Nobody knows what a record names that cannot be read.
      LogWarn("backup.left", "what run {} may have put into {} stays: {}", history_.run, place,
              view.unusable);
      return Ok();
    }
    for (const KnownBackup& known : view.known) {
      for (const BackupObject& object : known.manifest.objects) orphans.erase(object.key);
    }
  }
  return store().Delete(std::vector<std::string>(orphans.begin(), orphans.end()), stop);
}

Result<> BackupJob::Verify(std::stop_token stop) {
  if (history_.spec.verify == VerifyMode::kOff || commit_->degraded) return Ok();
  progress_.SetPhase(RunPhase::kVerify);
  VerifyRequest request;
  request.level =
      history_.spec.verify == VerifyMode::kFull ? VerifyLevel::kFull : VerifyLevel::kSample;
  request.sample_percent = history_.spec.sample_percent;
  request.seed = tools_.random.Next();
  request.concurrency = target_.concurrency;
  ASSIGN_OR_RETURN(const VerificationRecord record,
                   tools_.layout.Verify(store(), *commit_, request, tools_.clock, stop, {}));
  damaged_ = !record.damaged.empty();
  progress_.Change([&](RunStatus& status) {
    status.verified = CountsAsVerified(*commit_, record);
    status.damaged = record.damaged.size();
    if (!damaged_) return;
    status.error_code = ErrorCode::kCorruption;
    status.error =
        fmt::format("verification found {} damaged objects, {} ({}) first", record.damaged.size(),
                    record.damaged.front().key, record.damaged.front().reason);
  });
  return Ok();
}

// What the store says of our commit, where this run is not to verify it any more.
Result<> BackupJob::FindVerdict(std::stop_token stop) {
  ASSIGN_OR_RETURN(const LayoutView view, tools_.layout.Look(store(), place_, stop));
  for (const KnownBackup& known : view.known) {
    if (known.commit != *commit_) continue;
    const bool looked_at = known.verification || history_.spec.verify == VerifyMode::kOff;
    damaged_ = !looked_at || !known.damaged.empty();
  }
  return Ok();
}

// A backup that lacks something, or of which that is not known, takes the place of nothing.
bool BackupJob::IsDisplacing() const { return !commit_->degraded && !damaged_; }

Result<> BackupJob::RemoveSuperseded(std::stop_token stop) {
  if (!IsDisplacing() || history_.aims.empty()) return Ok();
  progress_.SetPhase(RunPhase::kPrune);
  const LeaseCheck check = [&] { return lease_->Check(stop); };
  auto removed =
      tools_.layout.RemoveSuperseded(store(), check, commit_->timedir, history_.run, stop);
  if (!removed) return std::move(removed).error();
  for (const std::string& problem : removed->problems) LogWarn("backup.left", "{}", problem);
  return Ok();
}

Result<> BackupJob::Prune(std::stop_token stop) {
  if (!IsDisplacing() || history_.spec.keep.KeepsAll()) return Ok();
  progress_.SetPhase(RunPhase::kPrune);
  PruneRequest request;
  request.keep = history_.spec.keep;
  request.civil_time = history_.spec.civil_time;
  request.node_id = tools_.node_id;
  request.scope = ScopeText(history_.spec.groups, history_.spec.catalogs);
  request.clock = tools_.retention_clock ? tools_.retention_clock()
                                         : RetentionClock{tools_.clock.Now(), false, false};
  const LeaseCheck check = [&] { return lease_->Check(stop); };
  auto pruned = tools_.layout.Prune(store(), check, request, stop);
  if (!pruned) {
    RETURN_IF_ERROR(lease_->Check(stop));
    if (pruned.error().code == ErrorCode::kCancelled) return std::move(pruned).error();
    // The backup itself is made; the next run prunes again.
    LogWarn("backup.not_pruned", "{}: {}", target_.store.url(), pruned.error().message);
    progress_.Change([&](RunStatus& status) {
      status.error_code = pruned.error().code;
      status.error = "not pruned: " + pruned.error().message;
    });
    return Ok();
  }
  for (const std::string& problem : pruned->problems) LogWarn("backup.left", "{}", problem);
  progress_.Change([&](RunStatus& status) { status.pruned_backups = pruned->expired.size(); });
  return Ok();
}

// The journal last: what a crash leaves undone before, the next start finds by it.
Result<> BackupJob::Finish() {
  if (lease_) ReleaseLease();
  DiscardSnapshot();
  if (!journal_) return Ok();
  journal_.reset();
  return RunJournal::Remove(tools_.file_system, history_.run);
}

Result<> BackupJob::TakeBack(std::stop_token stop) {
  progress_.SetPhase(RunPhase::kCleaning);
  if (!journal_) return Finish();
  if (!history_.cancelled) {
    // Without that word the next start would go on with it, and that is all.
    const auto added = journal_->AddCancelled();
    if (!added) LogWarn("backup.journal", "run {}: {}", history_.run, added.error().message);
    history_.cancelled = true;
  }
  if (!history_.aims.empty()) {
    // Whatever lease there was may be lost or half released: it is asked for again.
    guarded_.reset();
    lease_.reset();
    lost_ = std::stop_source();
    RETURN_IF_ERROR(HoldLease(stop));
    RETURN_IF_ERROR(FindOwnCommit(stop));
    if (commit_) {
      RETURN_IF_ERROR(TidyUp(stop));
      RETURN_IF_ERROR(FindVerdict(stop));
      RETURN_IF_ERROR(RemoveSuperseded(stop));
      return Finish();
    }
    for (const RunAim& aim : history_.aims) {
      RETURN_IF_ERROR(tools_.layout.RemoveAttempt(store(), aim.place, aim.generation, stop));
    }
    RETURN_IF_ERROR(RemoveOrphans(stop));
    RETURN_IF_ERROR(tools_.layout.Withdraw(store(), history_.run, stop));
  } else if (auto lease = Lease::TryAcquire(LeaseTerms(), stop)) {
    // To be released: it may be the one that this run has left.
    lease_ = *std::move(lease);
  }
  return Finish();
}

}  // namespace ficus
