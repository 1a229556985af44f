#include "server/backup/backup_job.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>

#include <catch2/catch.hpp>

#include "server/backup/destination_records.h"
#include "server/backup/repository.h"
#include "server/backup/repository_status.h"
#include "server/backup/transfer.h"
#include "server/remote/store_decorator.h"
#include "test/server/backup/job_harness.h"
#include "test/support/forbidden_calls.h"
#include "test/support/seed.h"
#include "test/support/skip.h"

namespace ficus {
namespace {

const StoredBackup& Newest(const std::vector<StoredBackup>& backups) {
  return *std::max_element(backups.begin(), backups.end(),
                           [](const StoredBackup& a, const StoredBackup& b) {
                             return a.commit.committed_at < b.commit.committed_at ||
                                    (a.commit.committed_at == b.commit.committed_at &&
                                     a.commit.generation < b.commit.generation);
                           });
}

void RequireDone(const Result<>& result) {
  INFO((result ? std::string("done") : result.error().ToString()));
  REQUIRE(result.has_value());
}

}  // namespace

TEST_CASE("a backup holds every file of the node, and lists what is empty", "[backup]") {
  JobHarness harness;
  harness.Fill(20);
  MemoryStore store;
  RequireDone(harness.RunOnce(store));

  const auto backups = CheckedBackups(store);
  REQUIRE(backups.size() == 1);
  const BackupManifest& manifest = backups.front().manifest;
  REQUIRE(manifest.timedir == "2026-11-20");
  REQUIRE(Restored(store, manifest) == harness.node.Contents());
  REQUIRE(manifest.catalogs.size() == 5);
  REQUIRE(manifest.catalogs[4].folder == "trace");
  REQUIRE(manifest.catalogs[4].groups.empty());
  REQUIRE(manifest.catalogs[2].groups.size() == 2);
  REQUIRE(Leftovers(store).empty());
  REQUIRE(ListJournals(*harness.fs)->empty());
  REQUIRE(harness.status.moved == harness.status.planned);
  REQUIRE(harness.node.discarded == 1);
}

TEST_CASE("a backup of what has not changed reads no part and commits nothing", "[backup]") {
  JobHarness harness;
  harness.Fill(20);
  MemoryStore store;
  RequireDone(harness.RunOnce(store));
  harness.node.files_opened = 0;
  store.ResetCounts();
  const auto before = store.Contents();

  RequireDone(harness.RunOnce(store));
  REQUIRE(harness.status.unchanged);
  REQUIRE(harness.node.files_opened == 3);  // identities, which their checksums do not tell apart
  REQUIRE(store.put_bytes() == 0);
  REQUIRE(store.requests() <= 6);
  REQUIRE(store.Contents() == before);
}

TEST_CASE("the next day's backup copies inside the store and sends what is new", "[backup]") {
  JobHarness harness;
  harness.Fill(100);
  MemoryStore store;
  RequireDone(harness.RunOnce(store));
  harness.AddParts(1);
  harness.clock.Advance(kNanosPerDay);
  harness.node.files_opened = 0;
  store.ResetCounts();

  RequireDone(harness.RunOnce(store));
  REQUIRE(harness.status.timedir == "2026-11-21");
  REQUIRE(harness.status.moved.files_copied == 103);
  REQUIRE(harness.status.moved.files_sent == 1);
  REQUIRE(harness.node.files_opened == 1 + 3);  // the part, and identities
  const uint64_t part_bytes = harness.node.catalog("measure").files.back().size_bytes;
  REQUIRE(harness.status.moved.bytes_sent == part_bytes);
  const auto backups = CheckedBackups(store);
  REQUIRE(backups.size() == 2);
  REQUIRE(Restored(store, Newest(backups).manifest) == harness.node.Contents());
  REQUIRE(Leftovers(store).empty());
}

TEST_CASE("of one percent changed parts no more than those are sent", "[backup]") {
  JobHarness harness;
  harness.Fill(200, 4000);
  MemoryStore store;
  RequireDone(harness.RunOnce(store));
  uint64_t changed_bytes = 0;
  for (uint64_t number : {3, 77}) {
    harness.node.RemoveFile("measure", JobHarness::PartPath(number));
  }
  harness.AddParts(2, 4000);
  for (const SnapshotFile& file : harness.node.catalog("measure").files) {
    if (file.path > JobHarness::PartPath(200)) changed_bytes += file.size_bytes;
  }
  harness.clock.Advance(kNanosPerHour);

  RequireDone(harness.RunOnce(store));
  REQUIRE(harness.status.generation == 2);
  REQUIRE(harness.status.moved.files_sent == 2);
  REQUIRE(static_cast<double>(harness.status.moved.bytes_sent) <=
          1.02 * static_cast<double>(changed_bytes));
  const auto backups = CheckedBackups(store);
  REQUIRE(backups.size() == 1);  // the first generation has been superseded
  REQUIRE(Restored(store, backups.front().manifest) == harness.node.Contents());
  REQUIRE(Leftovers(store).empty());
}

TEST_CASE("a dry run changes nothing and counts exactly what the real run does", "[backup]") {
  JobHarness harness;
  harness.Fill(30);
  MemoryStore store;
  RequireDone(harness.RunOnce(store));
  harness.AddParts(5);
  harness.node.RemoveFile("measure", JobHarness::PartPath(2));
  harness.clock.Advance(kNanosPerDay);
  store.ResetCounts();
  const auto before = store.Contents();

  RequireDone(harness.RunOnce(store, true));
  REQUIRE(store.requests(StoreOp::kPut) == 0);
  REQUIRE(store.requests(StoreOp::kCopy) == 0);
  REQUIRE(store.requests(StoreOp::kDelete) == 0);
  REQUIRE(store.Contents() == before);
  REQUIRE(ListJournals(*harness.fs)->empty());
  const RunCounts planned = harness.status.planned;

  RequireDone(harness.RunOnce(store));
  REQUIRE(harness.status.planned == planned);
  REQUIRE(harness.status.moved == planned);
}

TEST_CASE("a file whose name comes back with other content goes into the hour's directory",
          "[backup]") {
  JobHarness harness;
  harness.Fill(3);
  MemoryStore store;
  RequireDone(harness.RunOnce(store));
  const auto before = Restored(store, CheckedBackups(store).front().manifest);
  // The group was deleted and made anew: the same names, nothing else is the same.
  harness.node.RemoveFile("measure", "sw_metric/identity");
  harness.node.AddFile("measure", "sw_metric/identity", "another metric identity");
  harness.node.SetGroup("measure", "sw_metric", 99);
  harness.clock.Advance(kNanosPerHour);

  RequireDone(harness.RunOnce(store));
  REQUIRE(harness.status.timedir == "2026-11-20-10");
  const auto backups = CheckedBackups(store);
  REQUIRE(backups.size() == 2);
  const auto daily = std::find_if(backups.begin(), backups.end(), [](const StoredBackup& backup) {
    return backup.manifest.timedir == "2026-11-20";
  });
  REQUIRE(Restored(store, daily->manifest) == before);
  REQUIRE(Restored(store, Newest(backups).manifest) == harness.node.Contents());
}

TEST_CASE("a group with a new id but the same content is found by its hashes", "[backup]") {
  JobHarness harness;
  harness.Fill(10);
  MemoryStore store;
  RequireDone(harness.RunOnce(store));
  harness.node.SetGroup("measure", "sw_metric", 99);
  harness.AddParts(1);

  RequireDone(harness.RunOnce(store));
  REQUIRE(harness.status.moved.files_kept == 13);
  REQUIRE(harness.status.moved.files_sent == 1);
}

TEST_CASE("a destination belongs to one node", "[backup]") {
  JobHarness harness;
  harness.Fill(3);
  MemoryStore store;
  RequireDone(harness.RunOnce(store));
  const auto before = store.Contents();
  const auto refused = harness.RunOnce(store, false, {}, 8);
  REQUIRE(!refused);
  REQUIRE(refused.error().code == ErrorCode::kPermissionDenied);
  REQUIRE(refused.error().message.find("belongs to node 0000000000000007") != std::string::npos);
  REQUIRE(store.Contents() == before);
}

TEST_CASE("a run that waits for the lease of a dead one takes it over", "[backup][lease]") {
  JobHarness harness;
  harness.Fill(3);
  MemoryStore store;
  const Lease::Terms terms = {.store = store,
                              .clock = harness.clock,
                              .random = harness.random,
                              .node_id = 7,
                              .run = "dead"};
  REQUIRE(Lease::TryAcquire(terms, {}).has_value());
  const int64_t began = harness.clock.Monotonic();
  RequireDone(harness.RunOnce(store));
  REQUIRE(harness.clock.Monotonic() - began <= Lease::kTtl + 5 * kNanosPerSecond);
  REQUIRE(CheckedBackups(store).front().commit.lease_generation == 2);
}

TEST_CASE("a copy that is not what its manifest says is sent from the node", "[backup]") {
  JobHarness harness;
  harness.Fill(5);
  MemoryStore store;
  RequireDone(harness.RunOnce(store));
  // Damage that nobody has noticed yet, and an object that has gone.
  REQUIRE(store.FlipBits("2026-11-20/measure/" + JobHarness::PartPath(2), 40, 4).has_value());
  const std::string gone = "2026-11-20/measure/" + JobHarness::PartPath(3);
  REQUIRE(store.Delete({&gone, 1}, {}).has_value());
  harness.clock.Advance(kNanosPerDay);
  RequireDone(harness.RunOnce(store));
  REQUIRE(harness.status.moved.files_sent == 2);
  const auto objects = store.Contents();
  for (const auto& [path, bytes] : harness.node.Contents()) {
    CAPTURE(path);
    REQUIRE(objects.at("2026-11-21/" + (path[0] == 's' ? "schema-property/data" + path.substr(15)
                                                       : path)) == bytes);
  }
}

TEST_CASE("what a run has sent does not count once another has committed there", "[backup]") {
  JobHarness harness;
  harness.Fill(10);
  MemoryStore store;
  const auto whole = harness.node.catalog("measure").files;
  DyingStore dying(store, 10, DeathMoment::kAfterAnswer, [] {});
  REQUIRE(!harness.RunOnce(dying));
  const auto runs = ListJournals(*harness.fs);
  REQUIRE(runs->size() == 1);
  // Its marker is lost, so that nobody spares its objects. Others commit the same files, then
  // without most of them, which removes these.
  const std::string marker = PendingKey(runs->front());
  REQUIRE(store.Delete({&marker, 1}, {}).has_value());
  harness.clock.Advance(2 * Lease::kTtl);
  RequireDone(harness.RunOnce(store));
  harness.node.catalog("measure").files.resize(2);
  harness.node.AddFile("stream", "g/identity", "x");
  RequireDone(harness.RunOnce(store));
  harness.node.catalog("measure").files = whole;

  RequireDone(harness.Settle(store, false));
  REQUIRE(Newest(CheckedBackups(store)).commit.run == runs->front());
  REQUIRE(Newest(CheckedBackups(store)).manifest.objects.size() == 13);
}

TEST_CASE("a backup of some groups takes the place of none of the whole node", "[backup][scope]") {
  JobHarness harness;
  harness.Fill(5);
  MemoryStore store;
  RequireDone(harness.RunOnce(store));
  const std::string day = harness.status.timedir;
  harness.AddParts(1);
  harness.spec.groups = {"sw_*"};
  RequireDone(harness.RunOnce(store));
  const std::string hour = harness.status.timedir;
  REQUIRE(hour != day);
  REQUIRE(CheckedBackups(store).size() == 2);
  REQUIRE(StatusOf(*Repository(store).List({}), harness.clock.Now()).newest_committed->timedir ==
          day);
  // The next one of the same groups, and one of more, may have that place.
  harness.AddParts(1);
  RequireDone(harness.RunOnce(store));
  REQUIRE(harness.status.timedir == hour);
  REQUIRE(CheckedBackups(store).size() == 2);
  harness.spec.groups.clear();
  harness.spec.time_style = TimeStyle::kHourly;
  harness.AddParts(1);
  RequireDone(harness.RunOnce(store));
  REQUIRE(harness.status.timedir == hour);
  REQUIRE(CheckedBackups(store).size() == 2);

  // Where there is no other place the run is refused before it changes anything.
  harness.spec.groups = {"sw_*"};
  harness.AddParts(1);
  const auto before = store.Contents();
  const auto refused = harness.RunOnce(store);
  REQUIRE(refused.error().code == ErrorCode::kFailedPrecondition);
  REQUIRE(refused.error().message.find("give this one a remote of its own") != std::string::npos);
  REQUIRE(store.Contents() == before);
  REQUIRE(ListJournals(*harness.fs)->empty());
}

TEST_CASE("a job's rule lets go of backups of its own scope only", "[backup][scope]") {
  JobHarness harness;
  harness.Fill(5);
  MemoryStore store;
  for (int day = 0; day < 3; ++day) {
    RequireDone(harness.RunOnce(store));
    harness.clock.Advance(kNanosPerDay);
    harness.AddParts(1);
  }
  harness.spec.groups = {"sw_*"};
  harness.spec.keep.min = 1;
  RequireDone(harness.RunOnce(store));
  REQUIRE(harness.status.pruned_backups == 0);
  REQUIRE(CheckedBackups(store).size() == 4);
  harness.clock.Advance(kNanosPerDay);
  harness.AddParts(1);
  RequireDone(harness.RunOnce(store));
  REQUIRE(harness.status.pruned_backups == 1);
}

TEST_CASE("a record that cannot be read keeps no run from being taken back", "[backup]") {
  JobHarness harness;
  harness.Fill(5);
  MemoryStore store;
  RequireDone(harness.RunOnce(store));
  const std::string timedir = harness.status.timedir;
  harness.AddParts(3);
  DyingStore dying(store, 5, DeathMoment::kAfterAnswer, [] {});
  REQUIRE_FALSE(harness.RunOnce(dying));
  REQUIRE(ListJournals(*harness.fs)->size() == 1);
  store.FlipBits(ManifestKey(timedir, 1), 50, 1).value();
  harness.clock.Advance(2 * Lease::kTtl);
  RequireDone(harness.Settle(store, true));
  REQUIRE(ListJournals(*harness.fs)->empty());
  REQUIRE(Repository(store).Pending({})->empty());
}

TEST_CASE("a run that goes on after its commit leaves no snapshot", "[backup]") {
  JobHarness harness;
  harness.Fill(5);
  const auto take_back = GENERATE(false, true);
  uint64_t changes = 0;
  {
    MemoryStore other;
    DyingStore counting(other, UINT64_MAX, DeathMoment::kAfterAnswer, [] {});
    RequireDone(harness.RunOnce(counting));
    changes = counting.changes();
  }
  MemoryStore store;
  // The last change releases the lease, the one before withdraws the marker.
  DyingStore dying(store, changes - 2, DeathMoment::kBeforeSend, [] {});
  REQUIRE_FALSE(harness.RunOnce(dying));
  harness.node.discarded = 0;
  RequireDone(harness.Settle(store, take_back));
  REQUIRE(CheckedBackups(store).size() == 1);
  REQUIRE(harness.node.discarded == 1);
}

TEST_CASE("when the journal goes the lease is free", "[backup][lease]") {
  JobHarness harness;
  harness.Fill(5);
  MemoryStore store;
  uint64_t changes = 0;
  {
    MemoryStore other;
    DyingStore counting(other, UINT64_MAX, DeathMoment::kAfterAnswer, [] {});
    RequireDone(harness.RunOnce(counting));
    changes = counting.changes();
  }
  bool had_journal = false;
  DyingStore dying(store, changes - 1, DeathMoment::kBeforeSend,
                   [&] { had_journal = !ListJournals(*harness.fs)->empty(); });
  static_cast<void>(harness.RunOnce(dying));
  REQUIRE(dying.dead());
  REQUIRE(had_journal);
}

TEST_CASE("a run whose stop was asked for still releases its lease", "[backup][lease]") {
  JobHarness harness;
  harness.Fill(5);
  MemoryStore store;
  std::stop_source stop;
  DyingStore dying(store, 5, DeathMoment::kAfterAnswer, [] {});
  REQUIRE_FALSE(harness.RunOnce(dying));
  const auto runs = *ListJournals(*harness.fs);
  harness.clock.Advance(2 * Lease::kTtl);
  // The stop comes with the last request before the lease is released.
  class StoppingStore final : public StoreDecorator {
   public:
    StoppingStore(ObjectStore& inner, std::stop_source& source)
        : StoreDecorator(inner), source_(source) {}
    Result<> Delete(std::span<const std::string> keys, std::stop_token token) override {
      auto done = StoreDecorator::Delete(keys, token);
      for (const std::string& key : keys) {
        if (key.rfind("_meta/pending/", 0) == 0) source_.request_stop();
      }
      return done;
    }

   private:
    std::stop_source& source_;
  };
  StoppingStore stopping(store, stop);
  RunProgress progress(harness.clock, {});
  auto job = BackupJob::Reopen(harness.tools(), {stopping, 1}, runs.front(), progress);
  RequireDone((*job)->TakeBack(stop.get_token()));
  REQUIRE(DecodeLease(store.Contents()[std::string(kLeaseKey)])->released);
}

TEST_CASE("files are sent where there are no threads to help", "[backup]") {
  const int status = RunWithoutThreads([] {
    JobHarness harness;
    harness.Fill(5);
    MemoryStore store;
    RunHistory history;
    history.run = "r";
    auto journal = RunJournal::Create(*harness.fs, history);
    auto snapshot = harness.node.Take({}, {});
    BackupPlan plan;
    const auto& catalogs = (*snapshot)->contents().catalogs;
    for (size_t c = 0; c < catalogs.size(); ++c) {
      for (size_t f = 0; f < catalogs[c].files.size(); ++f) {
        PlannedFile file;
        file.catalog = c;
        file.file = f;
        file.route = ObjectRoute::kSent;
        file.object.key = catalogs[c].folder + "/" + catalogs[c].files[f].path;
        file.object.size_bytes = catalogs[c].files[f].size_bytes;
        plan.files.push_back(file);
      }
    }
    RunProgress progress(harness.clock, {});
    Transfer transfer(store, **snapshot, **journal, progress, {.concurrency = 4});
    if (!transfer.Run(plan, {})) return 1;
    return store.Contents().size() == plan.files.size() ? 0 : 2;
  });
  if (status == kFiltersRefused) SKIP_TEST("seccomp filters are not allowed here");
  REQUIRE(status == 0);
}

// What BanyanDB's backup does wrong, and this one must not.

TEST_CASE("a snapshot that says it lacks a group fails the run and removes nothing",
          "[backup][defects]") {
  JobHarness harness;
  harness.Fill(5);
  MemoryStore store;
  RequireDone(harness.RunOnce(store));
  const auto before = store.Contents();
  auto& measure = harness.node.catalog("measure");
  measure.error = "group sw_metric: disk error";
  measure.files.clear();
  harness.node.AddFile("stream", "new/identity", "x");

  const auto failed = harness.RunOnce(store);
  REQUIRE(!failed);
  REQUIRE(failed.error().message.find("group sw_metric: disk error") != std::string::npos);
  REQUIRE(store.Contents() == before);
}

TEST_CASE("an error of the first catalog is not hidden by a good last one", "[backup][defects]") {
  JobHarness harness;
  harness.Fill(5);
  MemoryStore store;
  const auto folder =
      GENERATE(as<std::string>(), "schema-property", "property", "measure", "stream", "trace");
  harness.node.catalog(folder).error = "broken";
  const auto failed = harness.RunOnce(store);
  REQUIRE(!failed);
  REQUIRE(failed.error().message.find(folder + ": broken") != std::string::npos);
  REQUIRE(store.Contents().empty());
}

TEST_CASE("an object of the right name with other bytes is not taken for the file",
          "[backup][defects]") {
  JobHarness harness;
  harness.Fill(5);
  MemoryStore store;
  // What an upload that was cut short has left, and one of equal length.
  const std::string key = "2026-11-20/measure/" + JobHarness::PartPath(1);
  const std::string whole = harness.node.Contents()["measure/" + JobHarness::PartPath(1)];
  std::string bytes =
      GENERATE_COPY(whole.substr(0, whole.size() / 2), std::string(whole.size(), 'x'));
  REQUIRE(store.Put(key, TextSource(bytes), {}, {}).has_value());

  RequireDone(harness.RunOnce(store));
  const auto backups = CheckedBackups(store);
  REQUIRE(Restored(store, backups.front().manifest) == harness.node.Contents());
}

TEST_CASE("a store that keeps less than it was sent has not taken the object",
          "[backup][defects]") {
  // Says yes to everything and cuts parts in half.
  class CuttingStore final : public StoreDecorator {
   public:
    explicit CuttingStore(MemoryStore& memory) : StoreDecorator(memory) {}
    Result<ObjectInfo> Put(std::string_view key, const ObjectSource& source,
                           const PutCondition& condition, std::stop_token stop) override {
      if (key.find(".part") == std::string_view::npos)
        return inner().Put(key, source, condition, stop);
      std::string half(source.size_bytes() / 2, '\0');
      RETURN_IF_ERROR(source.ReadAt(0, half));
      return inner().Put(key, TextSource(half), condition, stop);
    }
  };
  JobHarness harness;
  harness.Fill(5);
  MemoryStore memory;
  CuttingStore store(memory);
  const auto failed = harness.RunOnce(store);
  REQUIRE(!failed);
  REQUIRE(failed.error().message.find("the store keeps") != std::string::npos);
  REQUIRE(CheckedBackups(memory).empty());
}

TEST_CASE("an unfinished run is no backup, and the finished one beside it stays whole",
          "[backup][defects]") {
  JobHarness harness;
  harness.Fill(10);
  MemoryStore store;
  RequireDone(harness.RunOnce(store));
  const auto before = Restored(store, CheckedBackups(store).front().manifest);
  harness.AddParts(10);
  harness.node.RemoveFile("measure", JobHarness::PartPath(1));
  harness.clock.Advance(kNanosPerHour);
  // Dies among the objects of the second run into the same directory.
  DyingStore dying(store, 7, DeathMoment::kAfterAnswer, [] {});
  REQUIRE(!harness.RunOnce(dying));

  const auto backups = CheckedBackups(store);
  REQUIRE(backups.size() == 1);
  REQUIRE(Restored(store, backups.front().manifest) == before);
  REQUIRE(!Leftovers(store).empty());
  REQUIRE(store.Contents().count("_meta/pending/run-2") == 1);
  RequireDone(harness.Settle(store, false));
  REQUIRE(Restored(store, Newest(CheckedBackups(store)).manifest) == harness.node.Contents());
  REQUIRE(Leftovers(store).empty());
}

TEST_CASE("the marker of a run whose journal is lost is withdrawn by the next run", "[backup]") {
  JobHarness harness;
  harness.Fill(10);
  MemoryStore store;
  const auto die = [&] {
    DyingStore dying(store, 7, DeathMoment::kAfterAnswer, [] {});
    REQUIRE(!harness.RunOnce(dying));
    REQUIRE(store.Contents().count("_meta/pending/run-" + std::to_string(harness.last_run)) == 1);
  };
  die();
  REQUIRE(RunJournal::Remove(*harness.fs, "run-1").has_value());
  // Nor is one forgotten that can go on.
  die();
  // What belongs to another node is not ours to judge.
  PendingRecord foreign;
  foreign.run = "elsewhere";
  foreign.timedir = "2026-11-20";
  foreign.generation = 9;
  foreign.node_id = 8;
  const std::string marker = EncodePending(foreign);
  REQUIRE(store.Put(PendingKey("elsewhere"), TextSource(marker), {}, {}).has_value());

  harness.clock.Advance(kNanosPerHour);
  RequireDone(harness.RunOnce(store));
  REQUIRE(store.Contents().count("_meta/pending/run-1") == 0);
  REQUIRE(store.Contents().count("_meta/pending/run-2") == 1);
  REQUIRE(store.Contents().count("_meta/pending/elsewhere") == 1);
  RequireDone(harness.Settle(store, false));
  REQUIRE(store.Contents().count("_meta/pending/run-2") == 0);
  REQUIRE(Restored(store, Newest(CheckedBackups(store)).manifest) == harness.node.Contents());
}

TEST_CASE("a damaged local part fails the run and is named with its bytes", "[backup]") {
  JobHarness harness;
  harness.Fill(5);
  MemoryStore store;
  const std::string path = JobHarness::PartPath(3);
  REQUIRE(harness.fs->FlipBits(FakeNode::Place("measure", path), 100, 1).has_value());
  const auto failed = harness.RunOnce(store);
  REQUIRE(!failed);
  REQUIRE(failed.error().code == ErrorCode::kCorruption);
  REQUIRE(failed.error().message ==
          "measure/" + path + ": bytes [16, 1016): data section: checksum mismatch");
  REQUIRE(CheckedBackups(store).empty());
  RequireDone(harness.Settle(store, true));
  REQUIRE(Leftovers(store).empty());
}

TEST_CASE("a degraded backup says what is missing and displaces nothing", "[backup]") {
  JobHarness harness;
  harness.Fill(5);
  MemoryStore store;
  RequireDone(harness.RunOnce(store));
  const auto before = Restored(store, CheckedBackups(store).front().manifest);
  harness.AddParts(2);
  harness.node.RemoveFile("measure", JobHarness::PartPath(1));
  REQUIRE(
      harness.fs->FlipBits(FakeNode::Place("measure", JobHarness::PartPath(6)), 50, 1).has_value());
  harness.spec.allow_degraded = true;
  harness.spec.verify = VerifyMode::kFull;
  harness.clock.Advance(kNanosPerHour);

  RequireDone(harness.RunOnce(store));
  REQUIRE(harness.status.degraded);
  REQUIRE(!harness.status.verified);
  REQUIRE(harness.status.missing == 1);
  const auto backups = CheckedBackups(store);
  REQUIRE(backups.size() == 2);
  REQUIRE(Restored(store, backups[0].manifest) == before);
  REQUIRE(backups[1].commit.degraded);
  REQUIRE(backups[1].manifest.missing.size() == 1);
  REQUIRE(backups[1].manifest.missing[0].find(JobHarness::PartPath(6)) != std::string::npos);
}

TEST_CASE("an object that a verification found damaged is sent again", "[backup]") {
  JobHarness harness;
  harness.spec.verify = VerifyMode::kFull;
  harness.Fill(5);
  MemoryStore store;
  RequireDone(harness.RunOnce(store));
  REQUIRE(harness.status.verified);
  const std::string key = "2026-11-20/measure/" + JobHarness::PartPath(2);
  REQUIRE(store.FlipBits(key, 40, 4).has_value());
  harness.AddParts(1);

  RequireDone(harness.RunOnce(store));
  REQUIRE(harness.status.damaged == 1);
  REQUIRE(harness.status.error.find(key) != std::string::npos);
  // The first generation stays: nothing better is there yet.
  REQUIRE(store.Contents().count(CommitKey("2026-11-20", 1)) == 1);
  harness.clock.Advance(kNanosPerHour);
  RequireDone(harness.RunOnce(store));
  REQUIRE(harness.status.damaged == 0);
  REQUIRE(harness.status.verified);
  REQUIRE(harness.status.moved.files_sent == 1);
  const auto backups = CheckedBackups(store);
  REQUIRE(backups.size() == 1);
  REQUIRE(Restored(store, backups.front().manifest) == harness.node.Contents());
  REQUIRE(Leftovers(store).empty());
}

TEST_CASE("an owner that was paused commits nothing after it wakes up", "[backup][lease]") {
  JobHarness harness;
  harness.Fill(6);
  MemoryStore store;
  // Before which change the pause falls: the marker, an object, the manifest, the commit.
  const uint64_t pause_at = GENERATE(range<uint64_t>(2, 15));
  CAPTURE(pause_at);

  class PausingStore final : public StoreDecorator {
   public:
    PausingStore(ObjectStore& store_below, uint64_t at, std::function<void()> pause)
        : StoreDecorator(store_below), at_(at), pause_(std::move(pause)) {}
    Result<ObjectInfo> Put(std::string_view key, const ObjectSource& source,
                           const PutCondition& condition, std::stop_token stop) override {
      if (changes_++ == at_) pause_();
      return inner().Put(key, source, condition, stop);
    }

   private:
    const uint64_t at_;
    const std::function<void()> pause_;
    std::atomic<uint64_t> changes_{0};
  };

  bool paused = false;
  bool committed_before = false;
  PausingStore pausing(store, pause_at, [&] {
    // Asleep for so long that another one, with a clock that is ten minutes behind, takes over.
    paused = true;
    committed_before = !CheckedBackups(store).empty();
    ManualClock other_clock(harness.clock.Now() - 10 * 60 * kNanosPerSecond);
    SeededRandom other_random(9);
    const Lease::Terms terms = {.store = store,
                                .clock = other_clock,
                                .random = other_random,
                                .node_id = 7,
                                .run = "other",
                                .pause = [&](int64_t nanos, std::stop_token) {
                                  other_clock.Advance(nanos);
                                  return true;
                                }};
    REQUIRE(Lease::Acquire(terms, 2 * Lease::kTtl, {}).has_value());
    harness.clock.Advance(2 * Lease::kTtl);
  });
  const auto done = harness.RunOnce(pausing);
  REQUIRE(paused);
  if (committed_before) return;  // only the release of the lease came later
  REQUIRE(!done);
  REQUIRE(CheckedBackups(store).empty());
}

namespace {

// A node with an earlier backup in the same directory and one of the day before; the next run
// keeps, copies, sends and removes.
struct CrashScene {
  JobHarness harness;
  MemoryStore store;
  std::unique_ptr<MemoryFileSystem> disk;
  std::unique_ptr<MemoryStore> stored;
  std::map<std::string, std::string> wanted;

  CrashScene(size_t parts, VerifyMode verify) {
    harness.spec.verify = verify;
    harness.Fill(parts);
    REQUIRE(harness.RunOnce(store).has_value());
    harness.clock.Advance(kNanosPerDay);
    harness.node.RemoveFile("measure", JobHarness::PartPath(1));
    harness.node.RemoveFile("measure", JobHarness::PartPath(2));
    // Part of the day's files only, so that the next run copies the rest from yesterday.
    CatalogSnapshot whole = harness.node.catalog("measure");
    auto& files = harness.node.catalog("measure").files;
    files.resize(files.size() / 2);
    const auto kept = files;
    REQUIRE(harness.RunOnce(store).has_value());
    harness.node.catalog("measure").files = whole.files;
    harness.node.RemoveFile("measure", kept.back().path);
    harness.AddParts(parts / 2);
    harness.clock.Advance(kNanosPerHour);
    wanted = harness.node.Contents();
    disk = harness.fs->Clone();
    stored = store.Clone();
  }

  void Rewind() {
    harness.ReplaceFileSystem(disk->Clone());
    harness.node.ForgetSnapshots();
  }
};

struct Death {
  uint64_t at;
  DeathMoment moment;
  bool take_back;
};

// Runs until the process dies, then settles on what the disk and the store have kept. False when
// the run ended before.
bool DieAndSettle(CrashScene& scene, const Death& death, size_t concurrency) {
  JobHarness& harness = scene.harness;
  scene.Rewind();
  harness.concurrency = concurrency;
  auto store = scene.stored->Clone();
  const auto earlier = CheckedBackups(*store);
  SeededRandom dice(death.at * 3 + static_cast<uint64_t>(death.moment));
  std::unique_ptr<MemoryFileSystem> after;
  uint64_t put_before = 0;
  DyingStore dying(*store, death.at, death.moment, [&] {
    after = harness.fs->Crash(dice, MemoryFileSystem::NameOrder::kStrong);
    put_before = store->put_bytes();
  });
  const auto done = harness.RunOnce(dying);
  if (!dying.dead()) {
    REQUIRE(done.has_value());
    return false;
  }
  // Earlier backups are whole whatever the moment.
  const auto now = CheckedBackups(*store);
  const bool committed =
      now.size() > earlier.size() || Newest(now).commit.run != Newest(earlier).commit.run;
  if (!committed) {
    REQUIRE(now.size() == earlier.size());
    for (size_t i = 0; i < now.size(); ++i) REQUIRE(now[i].commit == earlier[i].commit);
  }
  harness.ReplaceFileSystem(std::move(after));
  const bool had_journal = !ListJournals(*harness.fs)->empty();
  const int64_t began = harness.clock.Monotonic();
  auto settled = harness.Settle(*store, death.take_back);
  INFO((settled ? std::string("settled") : settled.error().ToString()));
  REQUIRE(settled.has_value());
  REQUIRE(Leftovers(*store) == std::set<std::string>());
  REQUIRE(ListJournals(*harness.fs)->empty());
  if (death.take_back && !committed) {
    const auto back = CheckedBackups(*store);
    REQUIRE(back.size() == earlier.size());
    for (size_t i = 0; i < back.size(); ++i) REQUIRE(back[i].commit == earlier[i].commit);
  }
  if (!death.take_back && had_journal) {
    REQUIRE(Restored(*store, Newest(CheckedBackups(*store)).manifest) == scene.wanted);
  }
  // A new run brings everything up to date and leaves nothing either.
  RequireDone(harness.RunOnce(*store));
  // Nobody has waited for the lease of the dead run.
  REQUIRE(harness.clock.Monotonic() == began);
  REQUIRE(Restored(*store, Newest(CheckedBackups(*store)).manifest) == scene.wanted);
  REQUIRE(Leftovers(*store) == std::set<std::string>());
  return true;
}

size_t DieEverywhere(CrashScene& scene, bool take_back, size_t concurrency, uint64_t step) {
  size_t points = 0;
  for (const DeathMoment moment :
       {DeathMoment::kBeforeSend, DeathMoment::kAfterSend, DeathMoment::kAfterAnswer}) {
    for (uint64_t at = 0;; at += step) {
      CAPTURE(at, static_cast<int>(moment), take_back, concurrency);
      if (!DieAndSettle(scene, {at, moment, take_back}, concurrency)) break;
      ++points;
    }
  }
  return points;
}

}  // namespace

TEST_CASE("killed at every request, a run resumes and leaves nothing behind", "[backup][crash]") {
  CrashScene scene(100, VerifyMode::kFull);
  const size_t points = DieEverywhere(scene, false, 1, 1);
  WARN("killed at " << points << " points");
  REQUIRE(points >= 300);
}

TEST_CASE("killed at every request, a run can be taken back without a trace", "[backup][crash]") {
  CrashScene scene(30, VerifyMode::kOff);
  REQUIRE(DieEverywhere(scene, true, 1, 1) >= 100);
}

TEST_CASE("killed while four objects are under way, a run resumes", "[backup][crash]") {
  CrashScene scene(40, VerifyMode::kOff);
  REQUIRE(DieEverywhere(scene, false, 4, 3) >= 40);
}

TEST_CASE("a resumed run sends no more again than what was in flight", "[backup][crash]") {
  JobHarness harness;
  harness.Fill(60, 3000);
  uint64_t all_bytes = 0;
  uint64_t largest = 0;
  for (const SnapshotFile& file : harness.node.catalog("measure").files) {
    all_bytes += file.size_bytes;
    largest = std::max(largest, file.size_bytes);
  }
  for (const SnapshotFile& file : harness.node.catalog("schema-property").files) {
    all_bytes += file.size_bytes;
  }
  const auto disk = harness.fs->Clone();
  uint64_t parts_sent_at_most = 0;
  for (uint64_t at = 5; at < 60; at += 6) {
    harness.ReplaceFileSystem(disk->Clone());
    harness.node.ForgetSnapshots();
    MemoryStore store;
    SeededRandom dice(at);
    std::unique_ptr<MemoryFileSystem> after;
    DyingStore dying(store, at, DeathMoment::kAfterSend, [&] {
      after = harness.fs->Crash(dice, MemoryFileSystem::NameOrder::kStrong);
    });
    REQUIRE(!harness.RunOnce(dying));
    harness.ReplaceFileSystem(std::move(after));
    RequireDone(harness.Settle(store, false));
    uint64_t data_bytes = store.put_bytes();
    for (const auto& [key, bytes] : store.Contents()) {
      if (key.rfind("_meta/", 0) == 0) data_bytes -= std::min<uint64_t>(data_bytes, bytes.size());
    }
    parts_sent_at_most = std::max(parts_sent_at_most, data_bytes);
  }
  // Leases and markers are counted, too: they are small.
  REQUIRE(parts_sent_at_most <= all_bytes + largest + 8000);
}

TEST_CASE("cancelled at any request, a run ends and can be taken back", "[backup][cancel]") {
  CrashScene scene(20, VerifyMode::kOff);
  JobHarness& harness = scene.harness;
  size_t cancelled = 0;
  for (uint64_t at = 0; at < 400; ++at) {
    CAPTURE(at);
    scene.Rewind();
    auto store = scene.stored->Clone();
    const auto earlier = CheckedBackups(*store);
    std::stop_source stop;
    // The store does not die: it merely sees the moment.
    class Watching final : public ObjectStore {
     public:
      Watching(ObjectStore& inner, uint64_t at_request, std::stop_source& source)
          : inner_(inner), at_(at_request), source_(source) {}
      const std::string& url() const override { return inner_.url(); }
      StoreAbilities abilities() const override { return inner_.abilities(); }
      Result<ObjectInfo> Put(std::string_view key, const ObjectSource& body,
                             const PutCondition& condition, std::stop_token token) override {
        RETURN_IF_ERROR(See(token));
        return inner_.Put(key, body, condition, token);
      }
      Result<ObjectInfo> Get(std::string_view key, std::optional<ByteRange> range, const Sink& sink,
                             std::stop_token token) override {
        RETURN_IF_ERROR(See(token));
        return inner_.Get(key, range, sink, token);
      }
      Result<ObjectInfo> Head(std::string_view key, std::stop_token token) override {
        RETURN_IF_ERROR(See(token));
        return inner_.Head(key, token);
      }
      Result<ObjectInfo> Copy(std::string_view from, std::string_view to,
                              std::stop_token token) override {
        RETURN_IF_ERROR(See(token));
        return inner_.Copy(from, to, token);
      }
      Result<> Delete(std::span<const std::string> keys, std::stop_token token) override {
        RETURN_IF_ERROR(See(token));
        return inner_.Delete(keys, token);
      }
      Result<ListPage> List(const ListRequest& request, std::stop_token token) override {
        RETURN_IF_ERROR(See(token));
        return inner_.List(request, token);
      }

     private:
      Result<> See(const std::stop_token& token) {
        if (requests_++ == at_) source_.request_stop();
        if (token.stop_requested()) return Error{ErrorCode::kCancelled, "cancelled"};
        return Ok();
      }
      ObjectStore& inner_;
      const uint64_t at_;
      std::stop_source& source_;
      std::atomic<uint64_t> requests_{0};
    } watching(*store, at, stop);

    RunProgress progress(harness.clock, {});
    BackupJob job(harness.tools(), {watching, 2}, harness.spec, "cancelled-run", false, progress);
    const auto done = job.Run(stop.get_token());
    if (done) {
      if (!stop.stop_requested()) break;
      continue;
    }
    ++cancelled;
    RequireDone(job.TakeBack({}));
    REQUIRE(Leftovers(*store) == std::set<std::string>());
    REQUIRE(ListJournals(*harness.fs)->empty());
    if (job.commit()) continue;
    const auto back = CheckedBackups(*store);
    REQUIRE(back.size() == earlier.size());
    for (size_t i = 0; i < back.size(); ++i) REQUIRE(back[i].commit == earlier[i].commit);
  }
  REQUIRE(cancelled >= 60);
}

}  // namespace ficus
