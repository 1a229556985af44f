#include "server/backup/repository.h"

#include <algorithm>

#include <catch2/catch.hpp>

#include "server/backup/repository_keys.h"
#include "server/remote/memory_store.h"
#include "test/server/backup/sample_backup.h"

namespace ficus {
namespace {

SampleBackup Sample(const std::string& timedir, uint64_t generation = 1) {
  SampleBackup sample;
  sample.timedir = timedir;
  sample.generation = generation;
  sample.run = "run-" + timedir + "-" + std::to_string(generation);
  return sample;
}

void PutPending(ObjectStore& store, const std::string& run, const std::string& timedir) {
  PutText(store, PendingKey(run), EncodePending({run, timedir, 1, 7, 1, "hourly", 5}));
}

void PutVerification(ObjectStore& store, const CommitRecord& commit,
                     std::vector<DamagedObject> damaged = {}) {
  VerificationRecord verification;
  verification.timedir = commit.timedir;
  verification.generation = commit.generation;
  verification.commit_run = commit.run;
  verification.damaged = std::move(damaged);
  PutText(store, VerifiedKey(commit.timedir, commit.generation), EncodeVerification(verification));
}

RepositoryListing List(ObjectStore& store) { return Repository(store).List({}).value(); }

BackupState StateOf(ObjectStore& store, const std::string& timedir) {
  const RepositoryListing listing = List(store);
  REQUIRE(listing.Find(timedir) != nullptr);
  return listing.Find(timedir)->state;
}

TEST_CASE("an empty destination holds nothing", "[backup]") {
  MemoryStore store;
  REQUIRE(List(store).backups.empty());
  REQUIRE(Repository(store).ForeignTimedirs({}).value().empty());
  REQUIRE(Repository(store).Find("2026-11-20", {}).error().code == ErrorCode::kNotFound);
  REQUIRE(Repository(store).Find("../x", {}).error().code == ErrorCode::kInvalidArgument);
}

TEST_CASE("each time directory is listed with its state", "[backup]") {
  MemoryStore store;
  WriteBackup(store, Sample("2026-11-17"));
  const CommitRecord verified = WriteBackup(store, Sample("2026-11-18"));
  PutVerification(store, verified);
  const CommitRecord damaged = WriteBackup(store, Sample("2026-11-19"));
  PutVerification(store, damaged, {{"2026-11-19/measure/x", "missing"}});
  SampleBackup degraded = Sample("2026-11-20");
  degraded.missing = {"group sw: shard 1 is set aside"};
  WriteBackup(store, degraded);
  PutPending(store, "run-x", "2026-11-21");
  WriteBackup(store, Sample("2026-11-22"));
  PutText(store, ExpiredKey("2026-11-22"), EncodeExpired({"2026-11-22", "old", 1, 0, {}}));

  const RepositoryListing listing = List(store);
  REQUIRE(listing.backups.size() == 6);
  REQUIRE(listing.unread.empty());
  REQUIRE(StateOf(store, "2026-11-17") == BackupState::kCommitted);
  REQUIRE(StateOf(store, "2026-11-18") == BackupState::kCommitted);
  REQUIRE_FALSE(listing.Find("2026-11-17")->verified());
  REQUIRE(listing.Find("2026-11-18")->verified());
  REQUIRE(listing.Find("2026-11-18")->commit == verified);
  REQUIRE(StateOf(store, "2026-11-19") == BackupState::kDamaged);
  REQUIRE_FALSE(listing.Find("2026-11-19")->verified());
  REQUIRE(StateOf(store, "2026-11-20") == BackupState::kDegraded);
  REQUIRE(StateOf(store, "2026-11-21") == BackupState::kUnfinished);
  REQUIRE(listing.Find("2026-11-21")->pending->run == "run-x");
  REQUIRE(StateOf(store, "2026-11-22") == BackupState::kExpired);
  REQUIRE_FALSE(listing.Find("2026-11-22")->commit);
}

TEST_CASE("a thousand objects cost a listing no request", "[backup]") {
  MemoryStore store;
  SampleBackup sample = Sample("2026-11-20");
  sample.objects = 1500;
  const BackupManifest manifest = SampleManifest(sample);
  const std::string bytes = EncodeBackupManifest(manifest);
  const CommitRecord commit = CommitOf(manifest, bytes, 1, 2);
  for (const BackupObject& object : manifest.objects) PutText(store, object.key, "x");
  PutText(store, commit.manifest_key, bytes);
  PutText(store, CommitKey("2026-11-20", 1), EncodeCommit(commit));
  store.ResetCounts();
  REQUIRE(List(store).backups.size() == 1);
  REQUIRE(store.requests(StoreOp::kList) == 1);
  REQUIRE(store.requests() == 2);
  REQUIRE(Repository(store).LoadManifest(commit, {}).value() == manifest);
}

TEST_CASE("the newest generation counts, unless it is degraded or its lease was lost", "[backup]") {
  MemoryStore store;
  SampleBackup first = Sample("2026-11-20", 1);
  first.lease_generation = 5;
  WriteBackup(store, first);
  SampleBackup second = Sample("2026-11-20", 2);
  second.lease_generation = 6;
  WriteBackup(store, second);
  REQUIRE(List(store).Find("2026-11-20")->commit->generation == 2);

  SampleBackup stale = Sample("2026-11-20", 3);
  stale.lease_generation = 5;
  WriteBackup(store, stale);
  REQUIRE(List(store).Find("2026-11-20")->commit->generation == 2);

  SampleBackup degraded = Sample("2026-11-20", 4);
  degraded.lease_generation = 7;
  degraded.missing = {"a shard"};
  WriteBackup(store, degraded);
  const BackupEntry entry = Repository(store).Find("2026-11-20", {}).value();
  REQUIRE(entry.commit->generation == 2);
  REQUIRE(entry.state == BackupState::kCommitted);
  REQUIRE(entry.other_commits.size() == 3);
}

TEST_CASE("a verdict about an earlier commit says nothing about this one", "[backup]") {
  MemoryStore store;
  CommitRecord commit = WriteBackup(store, Sample("2026-11-20"));
  commit.run = "run-of-before";
  PutVerification(store, commit);
  REQUIRE_FALSE(List(store).Find("2026-11-20")->verified());
  PutVerification(store, commit, {{"2026-11-20/measure/x", "missing"}});
  REQUIRE(StateOf(store, "2026-11-20") == BackupState::kCommitted);
  REQUIRE_FALSE(List(store).Find("2026-11-20")->verification);
}

TEST_CASE("damaged records are named and set aside, the rest is served", "[backup]") {
  MemoryStore store;
  for (const char* timedir : {"2026-11-18", "2026-11-19", "2026-11-20"}) {
    PutVerification(store, WriteBackup(store, Sample(timedir)));
  }
  WriteBackup(store, Sample("2026-11-19", 2));
  PutPending(store, "run-x", "2026-11-21");
  PutText(store, HoldKey("restore"), EncodeHold({"restore", "2026-11-20", "", 1}));
  const std::vector<std::string> damaged = {CommitKey("2026-11-18", 1), CommitKey("2026-11-19", 2),
                                            VerifiedKey("2026-11-20", 1), PendingKey("run-x"),
                                            HoldKey("restore")};
  for (const std::string& key : damaged) store.FlipBits(key, 100, 1).value();
  PutText(store, "_meta/timedir/2026-11-20/stranger", "x");

  const RepositoryListing listing = List(store);
  std::vector<std::string> unread;
  for (const UnreadRecord& each : listing.unread) unread.push_back(each.key);
  std::vector<std::string> expected = damaged;
  expected.push_back("_meta/timedir/2026-11-20/stranger");
  std::sort(expected.begin(), expected.end());
  REQUIRE(unread == expected);
  REQUIRE(listing.Find("2026-11-18")->state == BackupState::kDamaged);
  REQUIRE(listing.Find("2026-11-19")->commit->generation == 1);
  REQUIRE_FALSE(listing.Find("2026-11-19")->problem.empty());
  REQUIRE(listing.Find("2026-11-20")->state == BackupState::kCommitted);
  REQUIRE_FALSE(listing.Find("2026-11-20")->verified());
  REQUIRE(Repository(store).Find("2026-11-18", {}).error().code == ErrorCode::kCorruption);
}

TEST_CASE("a record under the key of another is damaged", "[backup]") {
  MemoryStore store;
  WriteBackup(store, Sample("2026-11-19"));
  WriteBackup(store, Sample("2026-11-20"));
  store.Swap(CommitKey("2026-11-19", 1), CommitKey("2026-11-20", 1)).value();
  REQUIRE(List(store).unread.size() == 2);
  REQUIRE(StateOf(store, "2026-11-19") == BackupState::kDamaged);
}

TEST_CASE("a manifest is only what its commit says", "[backup]") {
  MemoryStore store;
  const CommitRecord commit = WriteBackup(store, Sample("2026-11-20"));
  const Repository repository(store);
  REQUIRE(repository.LoadManifest(commit, {}).value().objects.size() == commit.object_count);
  store.FlipBits(commit.manifest_key, 40, 1).value();
  REQUIRE(repository.LoadManifest(commit, {}).error().code == ErrorCode::kCorruption);
  PutText(store, commit.manifest_key, std::string(commit.manifest_bytes + 1, 'x'));
  REQUIRE(repository.LoadManifest(commit, {}).error().code == ErrorCode::kCorruption);
  const std::vector<std::string> keys = {commit.manifest_key};
  store.Delete(keys, {}).value();
  REQUIRE(repository.LoadManifest(commit, {}).error().code == ErrorCode::kNotFound);
}

TEST_CASE("time directories of another tool are found and read in both forms", "[backup]") {
  MemoryStore store;
  WriteBackup(store, Sample("2026-11-20"));
  PutPending(store, "run-x", "2026-11-21");
  PutText(store, "2026-11-21/measure/sw/seg-20261121/shard-0/part", "of a run");
  PutText(store, "2026-11-18/measure/data/sw/seg-20261118/shard-0/00/meta.bin", "seed");
  PutText(store, "2026-11-19/measure/data/seg-20261119/shard-0/00/meta.bin", "a group named data");
  PutText(store, "2026-11-19/measure/sw/seg-20261119/shard-0/00/meta.bin", "released");
  PutText(store, "2026-11-19/property/data/ui/shard-0/store.bin", "released");
  PutText(store, "notes/readme", "neither");

  const Repository repository(store);
  REQUIRE(repository.ForeignTimedirs({}).value() ==
          std::vector<std::string>{"2026-11-18", "2026-11-19"});
  const std::vector<ForeignObject> seed = repository.ForeignObjects("2026-11-18", {}).value();
  REQUIRE(seed.size() == 1);
  REQUIRE(seed[0].folder == "measure");
  REQUIRE(seed[0].path == "sw/seg-20261118/shard-0/00/meta.bin");
  REQUIRE(seed[0].size_bytes == 4);
  const std::vector<ForeignObject> released = repository.ForeignObjects("2026-11-19", {}).value();
  REQUIRE(released.size() == 3);
  REQUIRE(released[0].path == "data/seg-20261119/shard-0/00/meta.bin");
  REQUIRE(released[1].path == "sw/seg-20261119/shard-0/00/meta.bin");
  REQUIRE(released[2].path == "ui/shard-0/store.bin");
  REQUIRE(repository.ForeignObjects("2026-11-20", {}).error().code ==
          ErrorCode::kFailedPrecondition);
  REQUIRE(repository.ForeignObjects("2026-11-01", {}).error().code == ErrorCode::kNotFound);
}

}  // namespace
}  // namespace ficus
