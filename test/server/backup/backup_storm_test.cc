// Backups through a store that fails in every way a network does.
#include <memory>
#include <string>

#include <catch2/catch.hpp>

#include "server/backup/backup_job.h"
#include "server/backup/verifier.h"
#include "server/remote/faulty_store.h"
#include "server/remote/file_store.h"
#include "server/remote/retry_store.h"
#include "server/remote/sleeper.h"
#include "test/server/backup/job_harness.h"
#include "test/support/seed.h"
#include "test/support/temp_directory.h"

namespace ficus {
namespace {

// The bytes that lie in the store are those of the node, whatever the store has answered.
void RequireNewestIs(const MemoryStore& store, const std::string& timedir,
                     const std::map<std::string, std::string>& wanted) {
  const StoredBackup* newest = nullptr;
  const auto backups = CheckedBackups(store);
  for (const StoredBackup& backup : backups) {
    if (backup.commit.timedir != timedir) continue;
    if (newest == nullptr || newest->commit.generation < backup.commit.generation) newest = &backup;
  }
  REQUIRE(newest != nullptr);
  REQUIRE(Restored(store, newest->manifest) == wanted);
}

}  // namespace

TEST_CASE("a hundred backups through a storm are all byte-exact", "[backup][storm]") {
  const int cycles = TestRounds(100);
  const uint64_t seed = TestSeed(1);
  CAPTURE(seed);
  JobHarness harness;
  harness.concurrency = 4;
  harness.Fill(12);
  auto memory = std::make_shared<MemoryStore>();
  auto faulty = std::make_shared<FaultyStore>(*memory, seed);
  ClockSleeper sleeper(harness.clock);
  RetryStore store(faulty, {}, harness.random, sleeper);
  faulty->AddRandomFaults(120, {FaultKind::kErrorBefore, FaultKind::kLostAnswer,
                                FaultKind::kDuplicate, FaultKind::kShortBody});
  int resumed = 0;
  for (int cycle = 0; cycle < cycles; ++cycle) {
    CAPTURE(cycle);
    harness.AddParts(2);
    harness.node.RemoveFile("measure", JobHarness::PartPath(static_cast<uint64_t>(cycle) + 1));
    harness.clock.Advance(5 * kNanosPerHour);
    auto done = harness.RunOnce(store);
    for (int tries = 0; !done && tries < 20; ++tries) {
      CAPTURE(done.error().ToString());
      REQUIRE(IsTransient(done.error().code));
      ++resumed;
      harness.clock.Advance(2 * Lease::kTtl);
      done = ListJournals(*harness.fs)->empty() ? harness.RunOnce(store)
                                                : harness.Settle(store, false);
    }
    INFO((done ? std::string("done") : done.error().ToString()));
    REQUIRE(done.has_value());
    RequireNewestIs(*memory, harness.status.timedir, harness.node.Contents());
    REQUIRE(Leftovers(*memory) == std::set<std::string>());
  }
  std::printf("%d backups, %llu requests, %llu faults, %d runs gone on with\n", cycles,
              static_cast<unsigned long long>(faulty->requests()),
              static_cast<unsigned long long>(faulty->faults()), resumed);
  REQUIRE(faulty->faults() > static_cast<uint64_t>(cycles));
}

TEST_CASE("a bit that the store flips while it stores is found and mended", "[backup][storm]") {
  JobHarness harness;
  harness.Fill(12);
  harness.spec.verify = VerifyMode::kFull;
  MemoryStore memory;
  FaultyStore faulty(memory);
  faulty.AddFault({.kind = FaultKind::kFlippedBit,
                   .op = StoreOp::kPut,
                   .key_contains = JobHarness::PartPath(5)});
  REQUIRE(harness.RunOnce(faulty).has_value());
  REQUIRE(harness.status.damaged == 1);
  REQUIRE(!harness.status.verified);
  REQUIRE(harness.RunOnce(faulty).has_value());
  REQUIRE(harness.status.damaged == 0);
  REQUIRE(harness.status.verified);
  RequireNewestIs(memory, "2026-11-20", harness.node.Contents());
}

TEST_CASE("killed over a folder, a run resumes", "[backup][crash]") {
  JobHarness harness;
  harness.Fill(10);
  const auto disk = harness.fs->Clone();
  size_t points = 0;
  for (uint64_t at = 0;; at += 4) {
    CAPTURE(at);
    harness.ReplaceFileSystem(disk->Clone());
    harness.node.ForgetSnapshots();
    TempDirectory folder;
    auto opened = OpenFileStore(folder.path(), {});
    REQUIRE(opened.has_value());
    ObjectStore& store = **opened;
    SeededRandom dice(at);
    std::unique_ptr<MemoryFileSystem> after;
    DyingStore dying(store, at, DeathMoment::kAfterSend, [&] {
      after = harness.fs->Crash(dice, MemoryFileSystem::NameOrder::kStrong);
    });
    const auto done = harness.RunOnce(dying);
    if (!dying.dead()) {
      REQUIRE(done.has_value());
      break;
    }
    ++points;
    harness.ReplaceFileSystem(std::move(after));
    REQUIRE(harness.Settle(store, false).has_value());
    REQUIRE(harness.RunOnce(store).has_value());
    const auto text =
        GetText(store, CommitKey("2026-11-20", harness.status.generation), 1 << 20, {});
    REQUIRE(text.has_value());
    const auto verified =
        Verify(store, *DecodeCommit(*text), {.level = VerifyLevel::kFull}, harness.clock, {}, {});
    REQUIRE(verified.has_value());
    REQUIRE(verified->damaged.empty());
    REQUIRE(verified->objects_read == harness.node.Contents().size());
    size_t pending = 0;
    ListRequest request;
    request.prefix = std::string(kPendingPrefix);
    REQUIRE(ListAll(store, request,
                    [&](const ObjectInfo&) {
                      ++pending;
                      return true;
                    },
                    {})
                .has_value());
    REQUIRE(pending == 0);
  }
  REQUIRE(points >= 4);
}

}  // namespace ficus
