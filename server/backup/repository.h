// Reads a destination: which backups it holds, what state they are in, what they are made of.
//
// Operation: one paged listing of `_meta/` tells which records exist; commit, verification,
// pending, hold and tombstone records are then read, manifests only on demand and checked against
// their commit record. Objects of backups are never listed, except by ForeignObjects.
//
// Which commit counts: in a time directory the commit of the highest generation that is not
// degraded, or, when all are, of the highest. A commit whose lease is older than that of an earlier
// generation was written by somebody who had lost the lease, and is ignored. A time directory with
// a tombstone holds no backup.
//
// Limitations: a record that cannot be read is named in the answer and set aside; the rest is
// served. Whoever deletes asks `unread` first.
//
// Threads: all members from any thread; the store must outlive it.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/error.h"
#include "engine/base/result.h"
#include "server/backup/manifest.h"
#include "server/backup/repository_records.h"
#include "server/remote/object_store.h"

namespace ficus {

enum class BackupState : uint8_t {
  kCommitted,   // can be restored
  kDegraded,    // can be restored in part; see the manifest's `missing`
  kDamaged,     // the last verification found damage, or the commit record cannot be read
  kUnfinished,  // no commit: a run is under way or has died
  kExpired,     // has a tombstone: its commit has gone and its objects go
};
// "committed", "degraded", ...
std::string_view BackupStateName(BackupState state);

// One time directory.
struct BackupEntry {
  std::string timedir;
  BackupState state = BackupState::kUnfinished;
  // The commit that counts; none for kUnfinished and kExpired and where it cannot be read.
  std::optional<CommitRecord> commit;
  // All other commits of the time directory that could be read, by generation: superseded, degraded
  // beside a sound one, or of a lost lease.
  std::vector<CommitRecord> other_commits;
  std::optional<VerificationRecord> verification;  // of `commit`
  std::optional<PendingRecord> pending;            // of a run that writes here
  std::optional<ExpiredRecord> expired;
  // Keys of all records of this time directory below kTimedirMetaPrefix.
  std::vector<std::string> records;
  std::string problem;  // why kDamaged, in words
  // Why the verification record of `commit` cannot be read: it may have named damage. Empty when it
  // can, or there is none.
  std::string unread_verdict;

  // Every object was read back at the last full verification, and none was missing or damaged.
  bool verified() const;
};

// A record that cannot be read.
struct UnreadRecord {
  std::string key;
  Error error;
};

struct RepositoryListing {
  std::vector<BackupEntry> backups;    // by name of the time directory
  std::vector<PendingRecord> pending;  // of all runs, by run
  std::vector<HoldRecord> holds;       // expired ones included, by id
  std::vector<UnreadRecord> unread;    // by key

  // None when `timedir` has no records.
  const BackupEntry* Find(std::string_view timedir) const;
};

// What may speak against removing something of a time directory, as of one moment.
struct RepositoryGuards {
  std::vector<PendingRecord> pending;    // of all runs
  std::vector<HoldRecord> holds;         // of all restores, expired ones included
  std::vector<UnreadRecord> unread;      // of these two kinds
  std::vector<std::string> commit_keys;  // of the time directory
};

// A time directory that another tool wrote: complete or not, nobody can tell.
struct ForeignObject {
  std::string folder;  // "measure", ...
  std::string path;    // below the folder's data
  std::string key;
  uint64_t size_bytes = 0;
};

class Repository {
 public:
  explicit Repository(ObjectStore& store) : store_(store) {}

  // An error is the store's; damage is in the listing.
  Result<RepositoryListing> List(std::stop_token stop) const;

  // The entry of one time directory, by listings of its records and of pending markers. kNotFound
  // when it has none. kCorruption when no commit record of it can be read.
  Result<BackupEntry> Find(std::string_view timedir, std::stop_token stop) const;

  // kNotFound or kCorruption when it is not what the commit says (DecodeManifestOf).
  Result<BackupManifest> LoadManifest(const CommitRecord& commit, std::stop_token stop) const;

  // Three short listings; in this order, so that a run that commits in between is seen once at
  // least.
  Result<RepositoryGuards> Guards(std::string_view timedir, std::stop_token stop) const;

  // Of all runs, but for those that cannot be read.
  Result<std::vector<PendingRecord>> Pending(std::stop_token stop) const;

  // Time directories without any record of ours, sorted; one listing of the top level.
  Result<std::vector<std::string>> ForeignTimedirs(std::stop_token stop) const;
  // What lies in one, by key, both forms. kNotFound when nothing does; kFailedPrecondition when it
  // is one of ours; kCorruption for a key that is not `<timedir>/<folder>/...`.
  Result<std::vector<ForeignObject>> ForeignObjects(std::string_view timedir,
                                                    std::stop_token stop) const;

 private:
  ObjectStore& store_;
};

}  // namespace ficus
