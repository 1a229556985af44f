#include "server/backup/repository.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <utility>

#include "server/backup/repository_keys.h"

namespace ficus {
namespace {

constexpr std::string_view kMetaPrefix = "_meta/";

bool StartsWith(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

// Whether an error of reading one record is about that record, and not about the store.
bool IsDamage(ErrorCode code) {
  return code == ErrorCode::kCorruption || code == ErrorCode::kUnsupportedVersion ||
         code == ErrorCode::kIo || code == ErrorCode::kResourceExhausted;
}

// Keys of records, as a listing of `_meta/` shows them.
struct RecordKeys {
  std::map<std::string, std::vector<std::string>> timedirs;  // all that any record names
  std::vector<std::string> pending;
  std::vector<std::string> holds;
  std::set<std::string> expired;  // time directories
  std::vector<UnreadRecord> strange;

  void Add(const std::string& key);
};

void RecordKeys::Add(const std::string& key) {
  if (StartsWith(key, kPendingPrefix)) {
    pending.push_back(key);
  } else if (StartsWith(key, kHoldPrefix)) {
    holds.push_back(key);
  } else if (StartsWith(key, kExpiredPrefix)) {
    const std::string timedir = key.substr(kExpiredPrefix.size());
    if (!IsTimedirName(timedir)) {
      strange.push_back({key, {ErrorCode::kCorruption, "names no time directory"}});
      return;
    }
    expired.insert(timedir);
    timedirs[timedir];
  } else if (StartsWith(key, kTimedirMetaPrefix)) {
    const std::optional<TimedirRecordName> name = ParseTimedirRecordKey(key);
    if (!name) {
      strange.push_back({key, {ErrorCode::kCorruption, "is the name of no record"}});
      return;
    }
    timedirs[name->timedir].push_back(key);
  }
}

Result<> ListKeys(ObjectStore& store, std::string_view prefix, std::stop_token stop,
                  RecordKeys& keys) {
  ListRequest request;
  request.prefix = prefix;
  return ListAll(
      store, std::move(request),
      [&](const ObjectInfo& object) {
        keys.Add(object.key);
        return true;
      },
      std::move(stop));
}

// Reads records of one destination; what cannot be read is collected.
class RecordReader {
 public:
  RecordReader(ObjectStore& store, std::stop_token stop) : store_(store), stop_(std::move(stop)) {}

  // None when the record has gone since it was listed, or cannot be read.
  template <typename T>
  Result<std::optional<T>> Read(const std::string& key, uint64_t bytes_max,
                                Result<T> (*decode)(std::string_view),
                                const std::function<bool(const T&)>& belongs) {
    Result<std::string> text = GetText(store_, key, bytes_max, stop_);
    if (!text && text.error().code == ErrorCode::kNotFound) return std::optional<T>();
    if (!text) return Unread<T>(key, std::move(text).error());
    Result<T> record = decode(*text);
    if (!record) return Unread<T>(key, std::move(record).error());
    if (!belongs(*record)) {
      return Unread<T>(key, Error{ErrorCode::kCorruption, "is the record of another key"});
    }
    return std::optional<T>(std::move(*record));
  }

  std::vector<UnreadRecord> unread;

 private:
  template <typename T>
  Result<std::optional<T>> Unread(const std::string& key, Error error) {
    if (!IsDamage(error.code)) return std::move(error).With("read " + key);
    unread.push_back({key, std::move(error)});
    return std::optional<T>();
  }

  ObjectStore& store_;
  std::stop_token stop_;
};

Result<std::vector<PendingRecord>> ReadPending(const std::vector<std::string>& keys,
                                               RecordReader& reader) {
  std::vector<PendingRecord> all;
  for (const std::string& key : keys) {
    ASSIGN_OR_RETURN(std::optional<PendingRecord> pending,
                     reader.Read<PendingRecord>(
                         key, kRecordBytesMax, DecodePending,
                         [&](const PendingRecord& each) { return PendingKey(each.run) == key; }));
    if (pending) all.push_back(std::move(*pending));
  }
  return all;
}

Result<std::vector<HoldRecord>> ReadHolds(const std::vector<std::string>& keys,
                                          RecordReader& reader) {
  std::vector<HoldRecord> all;
  for (const std::string& key : keys) {
    ASSIGN_OR_RETURN(
        std::optional<HoldRecord> hold,
        reader.Read<HoldRecord>(key, kRecordBytesMax, DecodeHold,
                                [&](const HoldRecord& each) { return HoldKey(each.id) == key; }));
    if (hold) all.push_back(std::move(*hold));
  }
  return all;
}

// Moves the commit that counts out of `commits`, which are sorted by generation.
std::optional<CommitRecord> TakeCommit(std::vector<CommitRecord>& commits) {
  uint64_t lease_max = 0;
  auto best = commits.end();
  for (auto each = commits.begin(); each != commits.end(); ++each) {
    if (each->lease_generation < lease_max) continue;
    lease_max = each->lease_generation;
    if (best == commits.end() || best->degraded || !each->degraded) best = each;
  }
  if (best == commits.end()) return std::nullopt;
  CommitRecord commit = std::move(*best);
  commits.erase(best);
  return commit;
}

// False when the tombstone has gone since it was listed.
Result<bool> ReadTombstone(RecordReader& reader, BackupEntry& entry) {
  const size_t before = reader.unread.size();
  ASSIGN_OR_RETURN(entry.expired,
                   reader.Read<ExpiredRecord>(
                       ExpiredKey(entry.timedir), kRecordBytesMax, DecodeExpired,
                       [&](const ExpiredRecord& each) { return each.timedir == entry.timedir; }));
  if (!entry.expired && reader.unread.size() == before) return false;
  entry.state = BackupState::kExpired;
  if (!entry.expired) entry.problem = "its tombstone cannot be read";
  return true;
}

// Reads the commit records, sorts out which one counts, and reads its verification.
Result<> ReadCommits(RecordReader& reader, BackupEntry& entry) {
  size_t unreadable = 0;
  for (const std::string& key : entry.records) {
    const std::optional<CommitName> name = ParseCommitKey(key);
    if (!name) continue;
    const size_t before = reader.unread.size();
    ASSIGN_OR_RETURN(std::optional<CommitRecord> commit,
                     reader.Read<CommitRecord>(key, kRecordBytesMax, DecodeCommit,
                                               [&](const CommitRecord& each) {
                                                 return each.timedir == name->timedir &&
                                                        each.generation == name->generation;
                                               }));
    if (commit) entry.other_commits.push_back(std::move(*commit));
    if (reader.unread.size() > before) {
      ++unreadable;
      entry.problem = key + ": " + reader.unread.back().error.ToString();
    }
  }
  entry.commit = TakeCommit(entry.other_commits);
  if (!entry.commit) {
    entry.state = unreadable > 0 ? BackupState::kDamaged : BackupState::kUnfinished;
    return Ok();
  }
  entry.state = entry.commit->degraded ? BackupState::kDegraded : BackupState::kCommitted;
  const std::string key = VerifiedKey(entry.timedir, entry.commit->generation);
  if (std::find(entry.records.begin(), entry.records.end(), key) == entry.records.end()) {
    return Ok();
  }
  const size_t unread = reader.unread.size();
  ASSIGN_OR_RETURN(
      std::optional<VerificationRecord> verification,
      reader.Read<VerificationRecord>(
          key, kVerificationBytesMax, DecodeVerification, [&](const VerificationRecord& each) {
            return each.timedir == entry.timedir && each.generation == entry.commit->generation;
          }));
  if (reader.unread.size() > unread) entry.unread_verdict = reader.unread.back().error.ToString();
  // One of an earlier commit of the same name says nothing about this one.
  if (!verification || verification->commit_run != entry.commit->run) return Ok();
  if (!verification->damaged.empty()) {
    entry.state = BackupState::kDamaged;
    entry.problem = std::to_string(verification->damaged.size()) + " objects are damaged, first " +
                    verification->damaged.front().key + ": " + verification->damaged.front().reason;
  }
  entry.verification = std::move(verification);
  return Ok();
}

Result<BackupEntry> ReadEntry(const std::string& timedir, std::vector<std::string> records,
                              bool is_expired, const std::vector<PendingRecord>& pending,
                              RecordReader& reader) {
  BackupEntry entry;
  entry.timedir = timedir;
  entry.records = std::move(records);
  for (const PendingRecord& each : pending) {
    if (each.timedir == timedir) entry.pending = each;
  }
  if (is_expired) {
    ASSIGN_OR_RETURN(is_expired, ReadTombstone(reader, entry));
  }
  if (!is_expired) RETURN_IF_ERROR(ReadCommits(reader, entry));
  return entry;
}

// Whether there is nothing, or no more since it was listed.
bool HasGone(const BackupEntry& entry) {
  return entry.records.empty() && !entry.pending && entry.state == BackupState::kUnfinished;
}

// Where the paths of a foreign folder begin: 5 when a "data/" stands before them. A group may be
// named "data", but then a segment follows it.
size_t DataBytes(std::string_view folder, std::string_view below) {
  constexpr std::string_view kData = "data/";
  if (!StartsWith(below, kData)) return 0;
  const std::string_view next = below.substr(kData.size());
  const bool is_group = folder != "property" && folder != "schema-property" &&
                        (StartsWith(next, "seg-") || StartsWith(next, "shard-"));
  return is_group ? 0 : kData.size();
}

}  // namespace

std::string_view BackupStateName(BackupState state) {
  switch (state) {
    case BackupState::kCommitted:
      return "committed";
    case BackupState::kDegraded:
      return "degraded";
    case BackupState::kDamaged:
      return "damaged";
    case BackupState::kUnfinished:
      return "unfinished";
    case BackupState::kExpired:
      return "expired";
  }
  return "unknown";
}

bool BackupEntry::verified() const {
  return state == BackupState::kCommitted && commit && verification &&
         CountsAsVerified(*commit, *verification);
}

const BackupEntry* RepositoryListing::Find(std::string_view timedir) const {
  const auto found = std::lower_bound(
      backups.begin(), backups.end(), timedir,
      [](const BackupEntry& entry, std::string_view name) { return entry.timedir < name; });
  return found != backups.end() && found->timedir == timedir ? &*found : nullptr;
}

Result<RepositoryListing> Repository::List(std::stop_token stop) const {
  RecordKeys keys;
  RETURN_IF_ERROR(ListKeys(store_, kMetaPrefix, stop, keys));
  RecordReader reader(store_, stop);
  reader.unread = std::move(keys.strange);
  RepositoryListing listing;
  ASSIGN_OR_RETURN(listing.pending, ReadPending(keys.pending, reader));
  ASSIGN_OR_RETURN(listing.holds, ReadHolds(keys.holds, reader));
  for (const PendingRecord& pending : listing.pending) keys.timedirs[pending.timedir];
  for (auto& [timedir, records] : keys.timedirs) {
    ASSIGN_OR_RETURN(BackupEntry entry,
                     ReadEntry(timedir, std::move(records), keys.expired.count(timedir) > 0,
                               listing.pending, reader));
    if (!HasGone(entry)) listing.backups.push_back(std::move(entry));
  }
  listing.unread = std::move(reader.unread);
  std::sort(listing.unread.begin(), listing.unread.end(),
            [](const UnreadRecord& a, const UnreadRecord& b) { return a.key < b.key; });
  return listing;
}

Result<BackupEntry> Repository::Find(std::string_view timedir, std::stop_token stop) const {
  if (!IsTimedirName(timedir)) {
    return Error{ErrorCode::kInvalidArgument,
                 "\"" + std::string(timedir) + "\" is no time directory"};
  }
  RecordKeys keys;
  RETURN_IF_ERROR(ListKeys(store_, kPendingPrefix, stop, keys));
  // Tombstones of other time directories whose names begin alike are not this one's.
  RETURN_IF_ERROR(ListKeys(store_, ExpiredKey(timedir), stop, keys));
  RETURN_IF_ERROR(ListKeys(store_, TimedirMetaFolder(timedir), stop, keys));
  RecordReader reader(store_, stop);
  ASSIGN_OR_RETURN(const std::vector<PendingRecord> pending, ReadPending(keys.pending, reader));
  const std::string name(timedir);
  std::vector<std::string> records = keys.timedirs[name];
  ASSIGN_OR_RETURN(BackupEntry entry, ReadEntry(name, std::move(records),
                                                keys.expired.count(name) > 0, pending, reader));
  if (HasGone(entry)) {
    return Error{ErrorCode::kNotFound, "no backup " + name};
  }
  if (!entry.commit && entry.state == BackupState::kDamaged) {
    return Error{ErrorCode::kCorruption, entry.problem};
  }
  return entry;
}

Result<BackupManifest> Repository::LoadManifest(const CommitRecord& commit,
                                                std::stop_token stop) const {
  Result<std::string> bytes =
      GetText(store_, commit.manifest_key, commit.manifest_bytes, std::move(stop));
  if (!bytes && bytes.error().code == ErrorCode::kResourceExhausted) {
    return Error{ErrorCode::kCorruption,
                 commit.manifest_key + ": is longer than its commit record says"};
  }
  if (!bytes) return std::move(bytes).error().With("read " + commit.manifest_key);
  Result<BackupManifest> manifest = DecodeManifestOf(commit, *bytes);
  if (!manifest) return std::move(manifest).error().With(commit.manifest_key);
  return manifest;
}

Result<RepositoryGuards> Repository::Guards(std::string_view timedir, std::stop_token stop) const {
  RecordKeys keys;
  RETURN_IF_ERROR(ListKeys(store_, kPendingPrefix, stop, keys));
  RETURN_IF_ERROR(ListKeys(store_, kHoldPrefix, stop, keys));
  RETURN_IF_ERROR(ListKeys(store_, TimedirMetaFolder(timedir), stop, keys));
  RecordReader reader(store_, stop);
  RepositoryGuards guards;
  ASSIGN_OR_RETURN(guards.pending, ReadPending(keys.pending, reader));
  ASSIGN_OR_RETURN(guards.holds, ReadHolds(keys.holds, reader));
  guards.unread = std::move(reader.unread);
  for (std::string& key : keys.timedirs[std::string(timedir)]) {
    if (ParseCommitKey(key)) guards.commit_keys.push_back(std::move(key));
  }
  return guards;
}

Result<std::vector<PendingRecord>> Repository::Pending(std::stop_token stop) const {
  RecordKeys keys;
  RETURN_IF_ERROR(ListKeys(store_, kPendingPrefix, stop, keys));
  RecordReader reader(store_, stop);
  return ReadPending(keys.pending, reader);
}

Result<std::vector<std::string>> Repository::ForeignTimedirs(std::stop_token stop) const {
  RecordKeys keys;
  RETURN_IF_ERROR(ListKeys(store_, kMetaPrefix, stop, keys));
  RecordReader reader(store_, stop);
  ASSIGN_OR_RETURN(const std::vector<PendingRecord> pending, ReadPending(keys.pending, reader));
  for (const PendingRecord& each : pending) keys.timedirs[each.timedir];
  std::vector<std::string> timedirs;
  ListRequest request;
  request.one_level = true;
  while (true) {
    ASSIGN_OR_RETURN(ListPage page, store_.List(request, stop));
    for (const std::string& prefix : page.prefixes) {
      const std::string name = prefix.substr(0, prefix.size() - 1);
      if (IsTimedirName(name) && keys.timedirs.count(name) == 0) timedirs.push_back(name);
    }
    if (!page.next) break;
    request.start_after = std::move(*page.next);
  }
  std::sort(timedirs.begin(), timedirs.end());
  return timedirs;
}

Result<std::vector<ForeignObject>> Repository::ForeignObjects(std::string_view timedir,
                                                              std::stop_token stop) const {
  const Result<BackupEntry> ours = Find(timedir, stop);
  if (ours || ours.error().code == ErrorCode::kCorruption) {
    return Error{ErrorCode::kFailedPrecondition,
                 std::string(timedir) + " is a backup with records; read it by them"};
  }
  if (ours.error().code != ErrorCode::kNotFound) return ours.error();
  std::vector<ForeignObject> objects;
  std::string strange;
  ListRequest request;
  request.prefix = std::string(timedir) + "/";
  const size_t begin = request.prefix.size();
  RETURN_IF_ERROR(ListAll(
      store_, request,
      [&](const ObjectInfo& info) {
        const size_t slash = info.key.find('/', begin);
        if (!IsSafePath(info.key) || slash == std::string::npos) {
          strange = info.key;
          return false;
        }
        ForeignObject object;
        object.key = info.key;
        object.folder = info.key.substr(begin, slash - begin);
        const std::string below = info.key.substr(slash + 1);
        object.path = below.substr(DataBytes(object.folder, below));
        object.size_bytes = info.size_bytes;
        objects.push_back(std::move(object));
        return true;
      },
      stop));
  if (!strange.empty()) {
    return Error{ErrorCode::kCorruption, strange + " lies in no folder of a catalog"};
  }
  if (objects.empty()) {
    return Error{ErrorCode::kNotFound, "nothing lies in " + std::string(timedir)};
  }
  return objects;
}

}  // namespace ficus
