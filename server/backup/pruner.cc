#include "server/backup/pruner.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "server/backup/backup_scope.h"
#include "server/backup/repository_keys.h"

namespace ficus {
namespace {

constexpr size_t kBatchKeys = 1000;

bool StartsWith(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

bool IsHeld(const std::vector<HoldRecord>& holds, std::string_view timedir, UnixNanos now) {
  return std::any_of(holds.begin(), holds.end(), [&](const HoldRecord& hold) {
    return hold.timedir == timedir && hold.expires_at > now;
  });
}

// As long as one of these cannot be read, nobody knows what it protects.
Result<> CheckGuardsAreRead(const std::vector<UnreadRecord>& unread) {
  for (const UnreadRecord& each : unread) {
    if (StartsWith(each.key, kPendingPrefix) || StartsWith(each.key, kHoldPrefix)) {
      return Error{ErrorCode::kFailedPrecondition,
                   each.key + " cannot be read, nothing is removed: " + each.error.ToString()};
    }
  }
  return Ok();
}

std::vector<CommitRecord> AllCommits(const BackupEntry& entry) {
  std::vector<CommitRecord> commits = entry.other_commits;
  if (entry.commit) commits.push_back(*entry.commit);
  std::sort(commits.begin(), commits.end(), [](const CommitRecord& a, const CommitRecord& b) {
    return a.generation < b.generation;
  });
  return commits;
}

size_t CommitKeyCount(const BackupEntry& entry) {
  return static_cast<size_t>(
      std::count_if(entry.records.begin(), entry.records.end(),
                    [](const std::string& key) { return ParseCommitKey(key).has_value(); }));
}

// By key: what several manifests name is counted and deleted once.
using Objects = std::map<std::string, uint64_t>;

void AddObjects(const BackupManifest& manifest, Objects& objects) {
  for (const BackupObject& object : manifest.objects) objects[object.key] = object.size_bytes;
}

// One prune of one destination.
class Prune {
 public:
  struct Terms {
    UnixNanos now = 0;
    int64_t grace_nanos = 0;
    uint64_t node_id = 0;
    bool dry_run = false;
    std::string own_run;  // its pending marker is no objection
  };

  Prune(ObjectStore& store, const LeaseCheck& lease, Terms terms, std::stop_token stop)
      : store_(store),
        repository_(store),
        lease_(lease),
        terms_(std::move(terms)),
        stop_(std::move(stop)) {}

  // Of all entries that have a commit, in their order.
  Result<std::vector<BackupFact>> FactsOf(const RepositoryListing& listing);
  Result<> Expire(const BackupEntry& entry, KeepDecision& decision);
  Result<> GoOn(const BackupEntry& entry);
  Result<> Supersede(const BackupEntry& entry);

  PruneReport report;

 private:
  // What speaks against removing anything of a time directory; empty when nothing does.
  // `known`: the commits that may be there.
  Result<std::string> Objection(const std::string& timedir, const std::vector<CommitRecord>& known);
  Result<> DeleteRecords(const std::vector<std::string>& keys);
  // In batches, after a look at what may have begun; false when something has.
  Result<bool> DeleteObjects(const std::string& timedir, const std::vector<CommitRecord>& known,
                             const Objects& objects);
  Result<> PutTombstone(const ExpiredRecord& expired, bool is_new);
  // Older generations first.
  Result<> DeleteCommits(const std::string& timedir, const std::vector<std::string>& records);
  Result<> Empty(const BackupEntry& entry);
  Result<> Forget(const BackupEntry& entry, UnixNanos emptied_at);
  // None, and the problem is reported, when it cannot be read.
  Result<std::optional<BackupManifest>> LoadManifest(const CommitRecord& commit,
                                                     std::string_view consequence);
  // The widest of its commits; none when it cannot be told.
  Result<std::optional<std::string>> ScopeOfEntry(const BackupEntry& entry);
  // False, and the problem is reported, when it cannot be read.
  Result<bool> LoadObjects(const CommitRecord& commit, Objects& objects);
  Result<bool> LoadLeftObjects(const std::string& key, Objects& objects);
  void Problem(const std::string& timedir, std::string_view text) {
    report.problems.push_back(fmt::format("{}: {}", timedir, text));
  }
  bool GraceIsOver(UnixNanos since) const {
    int64_t waited = 0;
    return !__builtin_sub_overflow(terms_.now, since, &waited) && waited >= terms_.grace_nanos;
  }

  ObjectStore& store_;
  const Repository repository_;
  const LeaseCheck& lease_;
  const Terms terms_;
  const std::stop_token stop_;
};

Result<std::string> Prune::Objection(const std::string& timedir,
                                     const std::vector<CommitRecord>& known) {
  // The listing is of this moment: what it shows began before the tombstone could be seen.
  ASSIGN_OR_RETURN(const RepositoryGuards guards, repository_.Guards(timedir, stop_));
  RETURN_IF_ERROR(CheckGuardsAreRead(guards.unread));
  for (const PendingRecord& pending : guards.pending) {
    if (pending.timedir == timedir && pending.run != terms_.own_run) {
      return "run " + pending.run + " writes there";
    }
  }
  if (IsHeld(guards.holds, timedir, terms_.now)) return std::string("held by a restore");
  for (const std::string& key : guards.commit_keys) {
    const bool is_known = std::any_of(known.begin(), known.end(), [&](const CommitRecord& commit) {
      return CommitKey(timedir, commit.generation) == key;
    });
    if (!is_known) return key + " has been committed meanwhile";
  }
  return std::string();
}

Result<> Prune::DeleteRecords(const std::vector<std::string>& keys) {
  if (keys.empty()) return Ok();
  if (!terms_.dry_run) {
    for (size_t begin = 0; begin < keys.size(); begin += kBatchKeys) {
      RETURN_IF_ERROR(lease_());
      const size_t count = std::min(kBatchKeys, keys.size() - begin);
      RETURN_IF_ERROR(store_.Delete(std::span(keys).subspan(begin, count), stop_));
    }
  }
  report.records += keys.size();
  return Ok();
}

Result<bool> Prune::DeleteObjects(const std::string& timedir,
                                  const std::vector<CommitRecord>& known, const Objects& objects) {
  std::vector<std::string> batch;
  uint64_t bytes = 0;
  const auto flush = [&]() -> Result<bool> {
    if (batch.empty()) return true;
    if (!terms_.dry_run) {
      ASSIGN_OR_RETURN(const std::string objection, Objection(timedir, known));
      if (!objection.empty()) {
        Problem(timedir, objection);
        return false;
      }
      RETURN_IF_ERROR(lease_());
      RETURN_IF_ERROR(store_.Delete(batch, stop_));
    }
    report.objects += batch.size();
    report.bytes += bytes;
    batch.clear();
    bytes = 0;
    return true;
  };
  for (const auto& [key, size] : objects) {
    batch.push_back(key);
    bytes += size;
    if (batch.size() < kBatchKeys) continue;
    ASSIGN_OR_RETURN(const bool went_on, flush());
    if (!went_on) return false;
  }
  return flush();
}

Result<> Prune::PutTombstone(const ExpiredRecord& expired, bool is_new) {
  if (terms_.dry_run) return Ok();
  RETURN_IF_ERROR(lease_());
  const std::string bytes = EncodeExpired(expired);
  PutCondition condition;
  if (is_new && store_.abilities().conditional_put) condition.kind = PutCondition::Kind::kIfAbsent;
  const Result<ObjectInfo> put =
      store_.Put(ExpiredKey(expired.timedir), TextSource(bytes), condition, stop_);
  if (!put) return put.error().With("put " + ExpiredKey(expired.timedir));
  return Ok();
}

Result<> Prune::DeleteCommits(const std::string& timedir, const std::vector<std::string>& records) {
  std::vector<std::string> keys;
  for (const std::string& key : records) {
    if (ParseCommitKey(key)) keys.push_back(key);
  }
  if (keys.empty()) return Ok();
  std::sort(keys.begin(), keys.end());
  const std::string newest = keys.back();
  keys.pop_back();
  RETURN_IF_ERROR(DeleteRecords(keys));
  RETURN_IF_ERROR(DeleteRecords({newest}));
  report.expired.push_back(timedir);
  return Ok();
}

Result<> Prune::Expire(const BackupEntry& entry, KeepDecision& decision) {
  ExpiredRecord expired;
  expired.timedir = entry.timedir;
  expired.reason = decision.reason;
  expired.expired_at = terms_.now;
  expired.commits = AllCommits(entry);
  RETURN_IF_ERROR(PutTombstone(expired, true));
  if (!terms_.dry_run) {
    ASSIGN_OR_RETURN(const std::string objection, Objection(entry.timedir, expired.commits));
    if (!objection.empty()) {
      decision.keep = true;
      decision.reason = objection;
      RETURN_IF_ERROR(lease_());
      return store_.Delete(std::vector<std::string>{ExpiredKey(entry.timedir)}, stop_);
    }
  }
  for (const CommitRecord& commit : expired.commits) {
    report.expired_objects += commit.object_count;
    report.expired_bytes += commit.object_bytes;
  }
  return DeleteCommits(entry.timedir, entry.records);
}

Result<> Prune::GoOn(const BackupEntry& entry) {
  if (!entry.expired) {
    Problem(entry.timedir, "its tombstone cannot be read");
    return Ok();
  }
  for (const CommitRecord& commit : entry.expired->commits) {
    if (commit.node_id == terms_.node_id) continue;
    Problem(entry.timedir, "its tombstone is of another node");
    return Ok();
  }
  ASSIGN_OR_RETURN(const std::string objection, Objection(entry.timedir, entry.expired->commits));
  const bool has_commits = CommitKeyCount(entry) > 0;
  if (!objection.empty()) {
    // The run that put the tombstone died before it looked again. The newest commit is deleted
    // last, so that what is left is whole.
    if (has_commits && !terms_.dry_run && entry.expired->emptied_at == 0 &&
        !GraceIsOver(entry.expired->expired_at)) {
      RETURN_IF_ERROR(lease_());
      return store_.Delete(std::vector<std::string>{ExpiredKey(entry.timedir)}, stop_);
    }
    Problem(entry.timedir, objection);
    return Ok();
  }
  if (has_commits) RETURN_IF_ERROR(DeleteCommits(entry.timedir, entry.records));
  if (entry.expired->emptied_at != 0) return Forget(entry, entry.expired->emptied_at);
  if (!GraceIsOver(entry.expired->expired_at)) return Ok();
  return Empty(entry);
}

Result<> Prune::Empty(const BackupEntry& entry) {
  Objects objects;
  for (const CommitRecord& commit : entry.expired->commits) {
    ASSIGN_OR_RETURN(const bool is_read, LoadObjects(commit, objects));
    if (!is_read) return Ok();
  }
  ASSIGN_OR_RETURN(const bool is_empty,
                   DeleteObjects(entry.timedir, entry.expired->commits, objects));
  if (!is_empty) return Ok();
  report.emptied.push_back(entry.timedir);
  ExpiredRecord expired = *entry.expired;
  expired.emptied_at = terms_.now;
  RETURN_IF_ERROR(PutTombstone(expired, false));
  return Forget(entry, terms_.now);
}

Result<> Prune::Forget(const BackupEntry& entry, UnixNanos emptied_at) {
  std::vector<std::string> keys;
  for (const std::string& key : entry.records) {
    if (!ParseCommitKey(key)) keys.push_back(key);
  }
  RETURN_IF_ERROR(DeleteRecords(keys));
  // In a run of its own, so that a grace of nothing still leaves the name closed for a while.
  if (!GraceIsOver(emptied_at) || emptied_at != entry.expired->emptied_at) return Ok();
  return DeleteRecords({ExpiredKey(entry.timedir)});
}

Result<std::optional<BackupManifest>> Prune::LoadManifest(const CommitRecord& commit,
                                                          std::string_view consequence) {
  Result<BackupManifest> manifest = repository_.LoadManifest(commit, stop_);
  if (manifest) return std::optional<BackupManifest>(*std::move(manifest));
  const ErrorCode code = manifest.error().code;
  if (code != ErrorCode::kNotFound && code != ErrorCode::kCorruption &&
      code != ErrorCode::kUnsupportedVersion) {
    return std::move(manifest).error();
  }
  Problem(commit.timedir, fmt::format("{}: {}", consequence, manifest.error().ToString()));
  return std::optional<BackupManifest>();
}

Result<bool> Prune::LoadObjects(const CommitRecord& commit, Objects& objects) {
  ASSIGN_OR_RETURN(const auto manifest, LoadManifest(commit, "its objects stay"));
  if (manifest) AddObjects(*manifest, objects);
  return manifest.has_value();
}

Result<bool> Prune::LoadLeftObjects(const std::string& key, Objects& objects) {
  const Result<std::string> bytes = GetText(store_, key, kBackupManifestBytesMax, stop_);
  if (!bytes && bytes.error().code == ErrorCode::kNotFound) return true;
  if (!bytes) return bytes.error().With("read " + key);
  const Result<BackupManifest> manifest = DecodeBackupManifest(*bytes);
  if (manifest && ManifestKey(manifest->timedir, manifest->generation) == key) {
    AddObjects(*manifest, objects);
    return true;
  }
  report.problems.push_back(key + ": what only it names stays");
  return false;
}

Result<> Prune::Supersede(const BackupEntry& entry) {
  // What a damaged commit would replace may be all there is, and one without a verdict may be
  // damaged.
  if (!entry.commit || entry.state != BackupState::kCommitted) return Ok();
  if (!entry.unread_verdict.empty()) return Ok();
  const uint64_t current = entry.commit->generation;
  std::vector<std::string> old_commits;
  std::vector<std::string> old_records;
  std::vector<std::string> left_manifests;
  for (const std::string& key : entry.records) {
    const std::optional<TimedirRecordName> name = ParseTimedirRecordKey(key);
    if (!name || name->generation >= current) continue;
    if (name->kind == TimedirRecordKind::kCommit) {
      old_commits.push_back(key);
    } else {
      old_records.push_back(key);
      if (name->kind == TimedirRecordKind::kManifest) left_manifests.push_back(key);
    }
  }
  if (old_commits.empty() && old_records.empty()) return Ok();
  const std::vector<CommitRecord> known = AllCommits(entry);
  if (known.size() != CommitKeyCount(entry)) return Ok();  // one cannot be read
  ASSIGN_OR_RETURN(const std::string objection, Objection(entry.timedir, known));
  if (!objection.empty()) return Ok();

  ASSIGN_OR_RETURN(const auto manifest, LoadManifest(*entry.commit, "it supersedes nothing"));
  if (!manifest) return Ok();
  Objects old_objects;
  for (const CommitRecord& commit : known) {
    if (commit.generation >= current) continue;
    ASSIGN_OR_RETURN(const auto old, LoadManifest(commit, "its objects stay"));
    if (!old || !Covers(*manifest, *old)) return Ok();
    AddObjects(*old, old_objects);
    left_manifests.erase(
        std::remove(left_manifests.begin(), left_manifests.end(), commit.manifest_key),
        left_manifests.end());
  }
  for (const std::string& key : left_manifests) {
    ASSIGN_OR_RETURN(const bool is_read, LoadLeftObjects(key, old_objects));
    if (!is_read) return Ok();
  }
  Objects kept;
  AddObjects(*manifest, kept);
  for (const CommitRecord& commit : known) {
    if (commit.generation <= current) continue;
    ASSIGN_OR_RETURN(const bool is_read, LoadObjects(commit, kept));
    if (!is_read) return Ok();
  }
  for (const auto& [key, size] : kept) old_objects.erase(key);

  RETURN_IF_ERROR(DeleteRecords(old_commits));
  ASSIGN_OR_RETURN(const bool is_done, DeleteObjects(entry.timedir, known, old_objects));
  if (!is_done) return Ok();
  return DeleteRecords(old_records);
}

Result<std::optional<std::string>> Prune::ScopeOfEntry(const BackupEntry& entry) {
  std::optional<std::string> scope;
  for (const CommitRecord& commit : AllCommits(entry)) {
    std::string each = commit.scope;
    if (each.empty()) {
      ASSIGN_OR_RETURN(const auto manifest, LoadManifest(commit, "its scope is not known"));
      if (!manifest) return std::optional<std::string>();
      each = ScopeOf(*manifest);
    }
    if (scope != kNodeScope) scope = std::move(each);
  }
  return scope;
}

Result<std::vector<BackupFact>> Prune::FactsOf(const RepositoryListing& listing) {
  std::vector<BackupFact> facts;
  for (const BackupEntry& entry : listing.backups) {
    if (!entry.commit) continue;
    BackupFact fact;
    fact.timedir = entry.timedir;
    fact.taken_at = entry.commit->taken_at;
    fact.verified = entry.verified();
    fact.degraded = entry.commit->degraded;
    fact.damaged = entry.state == BackupState::kDamaged;
    fact.held = IsHeld(listing.holds, entry.timedir, terms_.now);
    fact.unfinished = entry.pending.has_value();
    for (const CommitRecord& commit : AllCommits(entry)) {
      if (commit.node_id != terms_.node_id) fact.foreign = true;
    }
    ASSIGN_OR_RETURN(std::optional<std::string> scope, ScopeOfEntry(entry));
    if (!scope) fact.unread = "its scope is not known";
    fact.scope = std::move(scope).value_or("");
    if (!entry.unread_verdict.empty()) {
      fact.unread = "its verdict cannot be read: " + entry.unread_verdict;
      Problem(entry.timedir, fact.unread);
    }
    facts.push_back(std::move(fact));
  }
  return facts;
}

// A prune that is meant for one scope lets no other one's backups go.
void KeepOtherScopes(const std::vector<BackupFact>& facts, std::string_view scope,
                     std::vector<KeepDecision>& decisions) {
  for (size_t i = 0; i < facts.size(); ++i) {
    if (decisions[i].keep || facts[i].scope == scope) continue;
    decisions[i].keep = true;
    decisions[i].reason = "of another scope: " + facts[i].scope;
  }
}

KeepDecision DecisionWithoutCommit(const BackupEntry& entry) {
  if (entry.state == BackupState::kExpired) return {entry.timedir, false, "has a tombstone"};
  if (entry.state == BackupState::kDamaged) return {entry.timedir, true, entry.problem};
  return {entry.timedir, true, "a run writes there, or none has committed"};
}

}  // namespace

Result<PruneReport> Pruner::Run(const PruneRequest& request, const std::stop_token& stop) {
  const Repository repository(store_);
  ASSIGN_OR_RETURN(const RepositoryListing listing, repository.List(stop));
  RETURN_IF_ERROR(CheckGuardsAreRead(listing.unread));
  Prune::Terms terms;
  terms.now = request.clock.now;
  terms.grace_nanos = request.grace_nanos;
  terms.node_id = request.node_id;
  terms.dry_run = request.dry_run;
  Prune prune(store_, lease_, std::move(terms), stop);
  ASSIGN_OR_RETURN(const std::vector<BackupFact> facts, prune.FactsOf(listing));
  ASSIGN_OR_RETURN(std::vector<KeepDecision> decided,
                   DecideRetention(facts, request.keep, request.civil_time, request.clock));
  if (request.scope) KeepOtherScopes(facts, *request.scope, decided);
  auto next = decided.begin();
  for (const BackupEntry& entry : listing.backups) {
    KeepDecision decision = entry.commit ? std::move(*next++) : DecisionWithoutCommit(entry);
    if (entry.state == BackupState::kExpired) {
      RETURN_IF_ERROR(prune.GoOn(entry));
    } else if (!decision.keep && CommitKeyCount(entry) != AllCommits(entry).size()) {
      decision.keep = true;
      decision.reason = entry.problem;
    } else if (!decision.keep) {
      RETURN_IF_ERROR(prune.Expire(entry, decision));
    } else {
      RETURN_IF_ERROR(prune.Supersede(entry));
    }
    prune.report.decisions.push_back(std::move(decision));
  }
  return std::move(prune.report);
}

Result<PruneReport> Pruner::RemoveSuperseded(std::string_view timedir, std::string_view own_run,
                                             const std::stop_token& stop) {
  const Repository repository(store_);
  ASSIGN_OR_RETURN(const BackupEntry entry, repository.Find(timedir, stop));
  Prune::Terms terms;
  // Without a clock every hold counts; what stays because of an old one goes with a later Run.
  terms.now = std::numeric_limits<UnixNanos>::min();
  terms.own_run = own_run;
  Prune prune(store_, lease_, std::move(terms), stop);
  RETURN_IF_ERROR(prune.Supersede(entry));
  return std::move(prune.report);
}

}  // namespace ficus
