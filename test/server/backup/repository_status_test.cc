#include "server/backup/repository_status.h"

#include <catch2/catch.hpp>

#include "server/backup/repository_keys.h"
#include "server/remote/memory_store.h"
#include "test/server/backup/sample_backup.h"

namespace ficus {
namespace {

constexpr UnixNanos kMidnight = 1'795'132'800'000'000'000;  // 2026-11-20T00:00:00Z

CommitRecord Write(ObjectStore& store, const std::string& timedir, UnixNanos taken_at) {
  SampleBackup sample;
  sample.timedir = timedir;
  sample.taken_at = taken_at;
  return WriteBackup(store, sample);
}

void Verify(ObjectStore& store, const CommitRecord& commit, std::vector<DamagedObject> damaged) {
  VerificationRecord verification;
  verification.timedir = commit.timedir;
  verification.commit_run = commit.run;
  verification.damaged = std::move(damaged);
  PutText(store, VerifiedKey(commit.timedir, 1), EncodeVerification(verification));
}

RepositoryStatus Status(ObjectStore& store, UnixNanos now) {
  return StatusOf(Repository(store).List({}).value(), now);
}

TEST_CASE("the status says what one can restore to, from the facts in the store", "[backup]") {
  MemoryStore store;
  REQUIRE(Status(store, kMidnight).Sentence() == "There is no backup to restore.");

  const CommitRecord first = Write(store, "2026-11-18", kMidnight - 2 * kNanosPerDay);
  REQUIRE(Status(store, kMidnight).Sentence() ==
          "You can restore to 2026-11-18T00:00:00Z (2026-11-18, not verified, 2 d old). No backup "
          "has been verified.");

  Verify(store, first, {});
  REQUIRE(Status(store, kMidnight).Sentence() ==
          "You can restore to 2026-11-18T00:00:00Z (2026-11-18, verified, 2 d old).");

  Write(store, "2026-11-19", kMidnight - kNanosPerDay);
  const CommitRecord damaged = Write(store, "2026-11-20", kMidnight);
  Verify(store, damaged, {{"k", "missing"}});
  const RepositoryStatus status = Status(store, kMidnight + 14 * 60 * kNanosPerSecond);
  REQUIRE(status.Sentence() ==
          "You can restore to 2026-11-18T00:00:00Z (2026-11-18, verified, 2 d old). A newer one is "
          "there: 2026-11-19T00:00:00Z (2026-11-19, not verified, 24 h old).");
  REQUIRE(status.committed == 2);
  REQUIRE(status.verified == 1);
  REQUIRE(status.damaged == 1);
  REQUIRE(status.newest_verified->age_nanos == 2 * kNanosPerDay + 14 * 60 * kNanosPerSecond);
}

TEST_CASE("a backup of a part is no restore point beside one of the whole node",
          "[backup][scope]") {
  MemoryStore store;
  SampleBackup some;
  some.timedir = "2026-11-20";
  some.taken_at = kMidnight;
  some.whole_node = false;
  some.scope = "groups sw_*";
  Verify(store, WriteBackup(store, some), {});
  REQUIRE(Status(store, kMidnight).newest_verified->timedir == "2026-11-20");
  Write(store, "2026-11-19", kMidnight - kNanosPerDay);
  const RepositoryStatus status = Status(store, kMidnight);
  REQUIRE(status.newest_committed->timedir == "2026-11-19");
  REQUIRE_FALSE(status.newest_verified.has_value());
  REQUIRE(status.committed == 2);
  REQUIRE(status.verified == 1);
}

}  // namespace
}  // namespace ficus
