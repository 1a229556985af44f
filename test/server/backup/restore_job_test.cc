#include "server/backup/restore_job.h"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/database/restore_moves.h"
#include "engine/io/memory_file_system.h"
#include "server/backup/repository_keys.h"
#include "server/backup/repository_records.h"
#include "server/remote/memory_store.h"
#include "test/engine/database/database_harness.h"
#include "test/engine/database/staged_backup.h"
#include "test/server/backup/hand_made_repository.h"
#include "test/support/seed.h"

namespace ficus {
namespace {

using NameOrder = MemoryFileSystem::NameOrder;

constexpr char kCpu[] = "cpu";
constexpr char kTimedir[] = "2026-11-20";

// A node with two groups, its backup in a store, and younger rows.
struct Scene {
  explicit Scene(uint64_t seed = 1, TimedirForm form = TimedirForm::kReleased)
      : node(seed), repository(store) {
    REQUIRE(node.Open().has_value());
    for (const char* name : {"web", "db"}) {
      REQUIRE(node.CreateGroup(name).has_value());
      REQUIRE(node.CreateMeasure(name, kCpu).has_value());
      Write(name, 0, 5);
    }
    backup = MakeBackup(node);
    manifest = repository.Put(backup, kTimedir, form);
    web_then = node.Read("web", kCpu);
    db_then = node.Read("db", kCpu);
    Write("web", 5, 8);
    Write("db", 5, 8);
    web_now = node.Read("web", kCpu);
    db_now = node.Read("db", kCpu);
    store.ResetCounts();
  }

  void Write(const std::string& group, int64_t from, int64_t to) {
    std::vector<NodeRow> rows;
    for (int64_t host = from; host < to; ++host) {
      rows.push_back({host, node.now() - host * kNanosPerSecond, host, 1});
    }
    REQUIRE(node.Write(group, kCpu, rows).result.has_value());
  }

  RestoreRunOptions Options() const {
    RestoreRunOptions options;
    options.request.timedir = kTimedir;
    options.concurrency = 1;
    return options;
  }
  Result<RestoreOutcome> Run(FileSystem& fs, const RestoreRunOptions& options) {
    return RunRestore({fs, store, node.clock(), node.random()}, options, {});
  }
  Result<RestoreOutcome> Run(FileSystem& fs) { return Run(fs, Options()); }
  Result<RestorePlan> Plan(const RestoreRequest& request) {
    return PlanRestore({node.fs(), store, node.clock(), node.random()}, request, {});
  }

  DatabaseHarness node;
  MemoryStore store;
  HandMadeRepository repository;
  HandMadeBackup backup;
  BackupManifest manifest;
  NodeRows web_then, db_then, web_now, db_now;
};

bool IsReady(FileSystem& fs) {
  const auto journal = ReadRestoreJournal(fs);
  return journal.has_value() && journal->has_value() && IsOpen((*journal)->state);
}

TEST_CASE("an empty machine and a backup are a node again", "[backup][restore]") {
  const TimedirForm form = GENERATE(TimedirForm::kReleased, TimedirForm::kSeed);
  const size_t concurrency = GENERATE(1, 4);
  Scene scene(1, form);
  DatabaseHarness machine(2);
  RestoreRunOptions options = scene.Options();
  options.concurrency = concurrency;
  const auto outcome = scene.Run(machine.fs(), options);
  REQUIRE(outcome.has_value());
  REQUIRE(outcome->progress.files_done == scene.manifest.objects.size());
  REQUIRE(machine.Open().has_value());
  REQUIRE(machine.Read("web", kCpu) == scene.web_then);
  REQUIRE(machine.Read("db", kCpu) == scene.db_then);
  REQUIRE(machine.database().node_id() == scene.backup.node_id);
  // Nothing of the restore stays in the repository.
  for (const auto& [key, text] : scene.store.Contents()) REQUIRE(key.find("hold") == key.npos);
}

TEST_CASE("restored, written, killed, started: every acknowledged row is there",
          "[backup][restore]") {
  Scene scene;
  DatabaseHarness& node = scene.node;
  const bool whole = GENERATE(true, false);
  RestoreRunOptions options = scene.Options();
  if (!whole) options.request.selection.groups = {"web"};
  REQUIRE(scene.Run(node.fs(), options).has_value());
  node.Kill();
  REQUIRE(node.Open().has_value());
  REQUIRE(node.Read("web", kCpu) == scene.web_then);
  REQUIRE(node.Read("db", kCpu) == (whole ? scene.db_then : scene.db_now));
  scene.Write("web", 40, 45);
  scene.Write("db", 40, 45);
  const NodeRows web = node.Read("web", kCpu);
  const NodeRows db = node.Read("db", kCpu);
  for (int round = 0; round < 3; ++round) {
    node.Crash(NameOrder::kWeak);
    REQUIRE(node.Open().has_value());
    REQUIRE(node.Read("web", kCpu) == web);
    REQUIRE(node.Read("db", kCpu) == db);
  }
}

// --- What BanyanDB's tools do wrong

TEST_CASE("B1: a time directory that is not there is refused, and nothing is changed",
          "[backup][restore]") {
  Scene scene;
  scene.node.Close();
  const TreeContents before = LivingTree(scene.node.fs());
  RestoreRunOptions options = scene.Options();
  ErrorCode expected = ErrorCode::kNotFound;
  SECTION("a typo") { options.request.timedir = "2026-11-02"; }
  SECTION("no time directory at all") {
    options.request.timedir = "yesterday";
    expected = ErrorCode::kInvalidArgument;
  }
  SECTION("nothing but a foreign folder") {
    options.request.timedir = "2026-11-03";
    options.request.foreign = true;
  }
  SECTION("an empty backup") {
    BackupManifest empty = scene.manifest;
    empty.timedir = "2026-11-04";
    empty.objects.clear();
    scene.repository.Commit(empty);
    options.request.timedir = "2026-11-04";
  }
  const auto outcome = scene.Run(scene.node.fs(), options);
  REQUIRE_FALSE(outcome.has_value());
  REQUIRE(outcome.error().code == expected);
  REQUIRE(LivingTree(scene.node.fs()) == before);
  REQUIRE_FALSE(IsReady(scene.node.fs()));
  REQUIRE(scene.node.Open().has_value());
  REQUIRE(scene.node.Read("web", kCpu) == scene.web_now);
}

TEST_CASE("B4: a staged file with the right name and length but other bytes is fetched again",
          "[backup][restore]") {
  Scene scene;
  DatabaseHarness machine(2);
  // Stopped after everything was staged and before the end.
  RestoreRunOptions options = scene.Options();
  std::stop_source stop;
  options.progress = [&](const RestoreProgress& progress) {
    if (progress.verifying) stop.request_stop();
  };
  const auto stopped =
      RunRestore({machine.fs(), scene.store, scene.node.clock(), scene.node.random()}, options,
                 stop.get_token());
  REQUIRE_FALSE(stopped.has_value());
  const RestoreJournal journal = **ReadRestoreJournal(machine.fs());
  REQUIRE(journal.state == RestoreState::kStaging);
  uint64_t spoiled = 0;
  for (const BackupObject& object : scene.manifest.objects) {
    if (!object.path.ends_with(".part") || object.folder != "measure") continue;
    const std::string path = StagedFolder(journal.id) + "/measure/data/" + object.path;
    REQUIRE(machine.fs().FlipBits(path, object.size_bytes / 2, 1).has_value());
    ++spoiled;
  }
  REQUIRE(spoiled > 0);
  scene.store.ResetCounts();
  const auto resumed = scene.Run(machine.fs());
  REQUIRE(resumed.has_value());
  REQUIRE(resumed->journal.id == journal.id);
  REQUIRE(resumed->progress.files_done - resumed->progress.files_reused == spoiled);
  REQUIRE(machine.Open().has_value());
  REQUIRE(machine.Read("web", kCpu) == scene.web_then);
}

TEST_CASE("B5: a download that broke off has no name, and a truncated file is fetched again",
          "[backup][restore]") {
  Scene scene;
  DatabaseHarness machine(2);
  // The store ends every part early, once.
  std::string part;
  for (const BackupObject& object : scene.manifest.objects) {
    if (object.path.ends_with(".part") && object.folder == "measure") part = object.key;
  }
  const std::string whole = scene.store.Contents().at(part);
  REQUIRE(scene.store.Truncate(part, whole.size() - 1).has_value());
  const auto broken = scene.Run(machine.fs());
  REQUIRE_FALSE(broken.has_value());
  REQUIRE(broken.error().message.find(part) != std::string::npos);
  REQUIRE_FALSE(IsReady(machine.fs()));
  const RestoreJournal journal = **ReadRestoreJournal(machine.fs());
  const std::string path =
      StagedFolder(journal.id) + "/measure/data/" + part.substr(std::string(kTimedir).size() + 9);
  REQUIRE_FALSE(machine.fs().Status(path).has_value());
  REQUIRE(machine.fs().Status(std::string(ParentPath(path))).has_value());
  // A file that another tool left there, cut short.
  REQUIRE(PublishFile(machine.fs(), scene.node.random(), path, whole.substr(0, whole.size() / 2),
                      FileClass::kTool)
              .has_value());
  scene.repository.PutText(part, whole);
  const auto resumed = scene.Run(machine.fs());
  REQUIRE(resumed.has_value());
  REQUIRE(machine.Open().has_value());
  REQUIRE(machine.Read("web", kCpu) == scene.web_then);
}

TEST_CASE("B8: staging below a running node changes nothing of it before its next start",
          "[backup][restore]") {
  Scene scene;
  DatabaseHarness& node = scene.node;
  const TreeContents before = LivingTree(node.fs());
  std::vector<std::string> elsewhere;
  node.fs().SetObserver([&](uint64_t, std::string_view effect) {
    if (effect.find("restore") == std::string_view::npos && effect != "sync_directory ") {
      elsewhere.emplace_back(effect);
    }
  });
  RestoreRunOptions options = scene.Options();
  SECTION("whole node") {}
  SECTION("a group") { options.request.selection.groups = {"web"}; }
  REQUIRE(scene.Run(node.fs(), options).has_value());
  node.fs().SetObserver(nullptr);
  CAPTURE(elsewhere);
  REQUIRE(LivingTree(node.fs()) == before);
  // The node goes on, reads and writes.
  REQUIRE(node.Read("web", kCpu) == scene.web_now);
  scene.Write("web", 20, 22);
  REQUIRE(node.Read("web", kCpu).size() == scene.web_now.size() + 2);
}

// --- Damage

TEST_CASE("one flipped bit in any object: the restore names it and nothing becomes visible",
          "[backup][restore][damage]") {
  Scene scene;
  DatabaseHarness machine(2);
  const TreeContents before = LivingTree(machine.fs());
  size_t cases = 0;
  for (const BackupObject& object : scene.manifest.objects) {
    for (const uint64_t at : {uint64_t{0}, object.size_bytes / 2, object.size_bytes - 1}) {
      CAPTURE(object.key, at);
      REQUIRE(scene.store.FlipBits(object.key, at, 0x08).has_value());
      const auto outcome = scene.Run(machine.fs());
      REQUIRE(scene.store.FlipBits(object.key, at, 0x08).has_value());
      REQUIRE_FALSE(outcome.has_value());
      REQUIRE(outcome.error().code == ErrorCode::kCorruption);
      REQUIRE(outcome.error().message.find(object.key) != std::string::npos);
      REQUIRE_FALSE(IsReady(machine.fs()));
      REQUIRE(LivingTree(machine.fs()) == before);
      ++cases;
    }
  }
  REQUIRE(cases >= 30);
  // The records, too.
  for (const std::string& key : {CommitKey(kTimedir, 1), ManifestKey(kTimedir, 1)}) {
    const uint64_t size = scene.store.Contents().at(key).size();
    for (const uint64_t at : {uint64_t{0}, size / 2, size - 2}) {
      CAPTURE(key, at);
      REQUIRE(scene.store.FlipBits(key, at, 0x08).has_value());
      const auto outcome = scene.Run(machine.fs());
      REQUIRE(scene.store.FlipBits(key, at, 0x08).has_value());
      REQUIRE_FALSE(outcome.has_value());
      REQUIRE_FALSE(IsReady(machine.fs()));
      REQUIRE(LivingTree(machine.fs()) == before);
    }
  }
  // What was staged meanwhile serves the run that succeeds.
  REQUIRE(scene.Run(machine.fs()).has_value());
  REQUIRE(machine.Open().has_value());
  REQUIRE(machine.Read("web", kCpu) == scene.web_then);
}

TEST_CASE("missing, truncated, extended and swapped objects are found",
          "[backup][restore][damage]") {
  Scene scene;
  DatabaseHarness machine(2);
  std::vector<std::string> parts;
  for (const BackupObject& object : scene.manifest.objects) {
    if (object.path.ends_with(".part")) parts.push_back(object.key);
  }
  REQUIRE(parts.size() >= 3);
  SECTION("missing") { REQUIRE(scene.store.Delete({&parts[1], 1}, {}).has_value()); }
  SECTION("truncated") {
    const uint64_t size = scene.store.Contents().at(parts[1]).size();
    REQUIRE(scene.store.Truncate(parts[1], size - 1).has_value());
  }
  SECTION("extended") {
    scene.repository.PutText(parts[1], scene.store.Contents().at(parts[1]) + "x");
  }
  SECTION("swapped") { REQUIRE(scene.store.Swap(parts[0], parts[1]).has_value()); }
  const auto outcome = scene.Run(machine.fs());
  REQUIRE_FALSE(outcome.has_value());
  REQUIRE_FALSE(IsReady(machine.fs()));
  REQUIRE(machine.Open().has_value());
  REQUIRE(machine.database().Schema()->FindGroup("web") == nullptr);
}

TEST_CASE("a backup whose shards name files it does not hold is refused",
          "[backup][restore][damage]") {
  Scene scene;
  DatabaseHarness machine(2);
  BackupManifest manifest = scene.manifest;
  std::erase_if(manifest.objects, [](const BackupObject& object) {
    return object.folder == "measure" && object.path.ends_with(".part");
  });
  scene.repository.Commit(manifest);
  const auto outcome = scene.Run(machine.fs());
  REQUIRE_FALSE(outcome.has_value());
  REQUIRE(outcome.error().code == ErrorCode::kCorruption);
  REQUIRE_FALSE(IsReady(machine.fs()));
}

// --- States of a backup

TEST_CASE("a backup that is not whole and committed is refused", "[backup][restore]") {
  Scene scene;
  DatabaseHarness machine(2);
  RestoreRunOptions options = scene.Options();
  options.request.timedir = "2026-11-21";
  BackupManifest other =
      scene.repository.PutObjects(scene.backup, "2026-11-21", TimedirForm::kReleased);
  SECTION("unfinished") {
    scene.repository.PutText(ManifestKey(other.timedir, 1), EncodeBackupManifest(other));
    REQUIRE(scene.Run(machine.fs(), options).error().code == ErrorCode::kFailedPrecondition);
  }
  SECTION("degraded, unless it is allowed") {
    other.missing = {"measure/web: its disk was damaged"};
    scene.repository.Commit(other);
    const auto refused = scene.Run(machine.fs(), options);
    REQUIRE(refused.error().code == ErrorCode::kFailedPrecondition);
    REQUIRE(refused.error().message.find("its disk was damaged") != std::string::npos);
    options.request.allow_degraded = true;
    REQUIRE(scene.Run(machine.fs(), options).has_value());
  }
  SECTION("damaged, says its last verification") {
    scene.repository.Commit(other);
    scene.repository.Verified(other, {{other.objects.front().key, "missing"}});
    REQUIRE(scene.Run(machine.fs(), options).error().code == ErrorCode::kCorruption);
  }
  SECTION("expired") {
    scene.repository.Commit(other);
    ExpiredRecord expired;
    expired.timedir = other.timedir;
    expired.reason = "keep";
    expired.expired_at = scene.node.now();
    scene.repository.PutText(ExpiredKey(other.timedir), EncodeExpired(expired));
    REQUIRE_FALSE(scene.Run(machine.fs(), options).has_value());
  }
  SECTION("of some groups, while the whole node is wanted") {
    other.whole_node = false;
    scene.repository.Commit(other);
    REQUIRE(scene.Run(machine.fs(), options).error().code == ErrorCode::kFailedPrecondition);
    options.request.selection.groups = {"web"};
    REQUIRE(scene.Run(machine.fs(), options).has_value());
  }
}

TEST_CASE("what a backup does not hold cannot be selected", "[backup][restore]") {
  Scene scene;
  RestoreRequest request;
  request.timedir = kTimedir;
  SECTION("group") { request.selection.groups = {"nobody"}; }
  SECTION("catalog") { request.selection.catalogs = {"trace"}; }
  SECTION("the schema alone") { request.selection.catalogs = {"schema-property"}; }
  SECTION("the schema's group") { request.selection.groups = {"_schema"}; }
  REQUIRE(scene.Plan(request).error().code == ErrorCode::kInvalidArgument);
}

TEST_CASE("files of another tool are taken if they are ours", "[backup][restore]") {
  Scene scene;
  DatabaseHarness machine(2);
  const TimedirForm form = GENERATE(TimedirForm::kReleased, TimedirForm::kSeed);
  const BackupManifest copied = scene.repository.PutObjects(scene.backup, "2026-11-22", form);
  RestoreRunOptions options = scene.Options();
  options.request.timedir = "2026-11-22";
  REQUIRE(scene.Run(machine.fs(), options).error().code == ErrorCode::kNotFound);
  options.request.foreign = true;
  SECTION("whole") {
    REQUIRE(scene.Run(machine.fs(), options).has_value());
    REQUIRE(machine.Open().has_value());
    REQUIRE(machine.Read("web", kCpu) == scene.web_then);
  }
  SECTION("a part is missing") {
    for (const BackupObject& object : copied.objects) {
      if (!object.path.ends_with(".part") || object.folder != "measure") continue;
      REQUIRE(scene.store.Delete({&object.key, 1}, {}).has_value());
      break;
    }
    REQUIRE(scene.Run(machine.fs(), options).error().code == ErrorCode::kCorruption);
  }
  SECTION("a bit is flipped in a part") {
    for (const BackupObject& object : copied.objects) {
      if (!object.path.ends_with(".part") || object.folder != "measure") continue;
      REQUIRE(scene.store.FlipBits(object.key, 20, 1).has_value());
      break;
    }
    REQUIRE(scene.Run(machine.fs(), options).error().code == ErrorCode::kCorruption);
  }
  SECTION("BanyanDB's own files") {
    scene.repository.PutText("2026-11-22/stream/default/seg-20261120/shard-0/primary.bin", "x");
    const auto refused = scene.Run(machine.fs(), options);
    REQUIRE(refused.error().code == ErrorCode::kFailedPrecondition);
    REQUIRE(refused.error().message.find("another program") != std::string::npos);
  }
  if (!IsReady(machine.fs())) REQUIRE(LivingTree(machine.fs()).count("identity") <= 1);
}

// --- Room, journals, counts

TEST_CASE("a target without room is refused before anything is fetched", "[backup][restore]") {
  Scene scene;
  const auto fs = MemoryFileSystem::Create({.total_bytes = 32 << 20});
  const auto outcome = scene.Run(*fs);
  REQUIRE(outcome.error().code == ErrorCode::kNoSpace);
  REQUIRE(outcome.error().message.find("make room") != std::string::npos);
  REQUIRE_FALSE(ReadRestoreJournal(*fs)->has_value());
}

TEST_CASE("a plan says exactly what the run does", "[backup][restore]") {
  Scene scene;
  RestoreRunOptions options = scene.Options();
  SECTION("whole node") {}
  SECTION("a group") { options.request.selection.groups = {"web"}; }
  const auto plan = scene.Plan(options.request);
  REQUIRE(plan.has_value());
  REQUIRE(scene.store.requests(StoreOp::kPut) == 0);
  const TreeContents before = LivingTree(scene.node.fs());
  REQUIRE_FALSE(scene.node.fs().Status(kRestoreDirectory).has_value());
  const auto outcome = scene.Run(scene.node.fs(), options);
  REQUIRE(outcome.has_value());
  REQUIRE(outcome->progress.files_done == plan->files.size());
  REQUIRE(outcome->progress.bytes_received == plan->bytes);
  REQUIRE(outcome->journal.file_bytes == plan->bytes);
  REQUIRE(LivingTree(scene.node.fs()) == before);
  REQUIRE(plan->groups.front().is_replaced);
}

TEST_CASE("a plan names what retention would remove of a backup", "[backup][restore]") {
  Scene scene;
  scene.node.Close();
  scene.node.clock().Advance(30 * kNanosPerDay);
  RestoreRequest request;
  request.timedir = kTimedir;
  const auto plan = scene.Plan(request);
  REQUIRE(plan.has_value());
  uint64_t expired = 0;
  for (const PlannedGroup& group : plan->groups) {
    if (group.catalog != Catalog::kMeasure) continue;
    REQUIRE(group.expired_segments == 1);
    REQUIRE(group.expired_bytes > 0);
    ++expired;
  }
  REQUIRE(expired == 2);
}

TEST_CASE("one restore at a time: what waits or is kept must be discarded first",
          "[backup][restore]") {
  Scene scene;
  DatabaseHarness& node = scene.node;
  SECTION("one that waits for a start") {
    REQUIRE(scene.Run(node.fs()).has_value());
    REQUIRE(scene.Run(node.fs()).error().code == ErrorCode::kFailedPrecondition);
    REQUIRE(DiscardRestore(node.fs(), node.log_fs(), node.random(), false).has_value());
    node.Kill();
    REQUIRE(node.Open().has_value());
    REQUIRE(node.Read("web", kCpu) == scene.web_now);
  }
  SECTION("one that is done") {
    REQUIRE(scene.Run(node.fs()).has_value());
    node.Kill();
    REQUIRE(node.Open().has_value());
    REQUIRE(scene.Run(node.fs()).error().code == ErrorCode::kFailedPrecondition);
    const auto status = GetRestoreStatus(node.fs(), node.log_fs());
    REQUIRE(status.has_value());
    REQUIRE(status->journal->state == RestoreState::kDone);
    REQUIRE(status->aside_bytes > 0);
    REQUIRE(status->held_groups == status->journal->groups.size());
    const auto dry = DiscardRestore(node.fs(), node.log_fs(), node.random(), true);
    const auto discarded = DiscardRestore(node.fs(), node.log_fs(), node.random(), false);
    REQUIRE(discarded.has_value());
    REQUIRE(dry->files == discarded->files);
    REQUIRE(dry->bytes == discarded->bytes);
    REQUIRE(dry->holds == discarded->holds);
    REQUIRE_FALSE(GetRestoreStatus(node.fs(), node.log_fs())->journal.has_value());
    for (const RestoredGroup& group : status->journal->groups) {
      REQUIRE(*IsRetentionHeld(node.fs(), group.id) == false);
    }
    REQUIRE(node.Read("web", kCpu) == scene.web_then);
    REQUIRE(scene.Run(node.fs()).has_value());
  }
  SECTION("somebody else who stages") {
    REQUIRE(CreateDirectories(node.fs(), kRestoreDirectory).has_value());
    const auto lock = node.fs().Lock(kRestoreLockFile);
    REQUIRE(lock.has_value());
    REQUIRE(scene.Run(node.fs()).error().code == ErrorCode::kUnavailable);
  }
  SECTION("files of another backup") {
    RestoreRunOptions options = scene.Options();
    std::stop_source stop;
    options.progress = [&](const RestoreProgress&) { stop.request_stop(); };
    REQUIRE_FALSE(
        RunRestore({node.fs(), scene.store, node.clock(), node.random()}, options, stop.get_token())
            .has_value());
    options = scene.Options();
    options.request.selection.groups = {"web"};
    REQUIRE(scene.Run(node.fs(), options).error().code == ErrorCode::kFailedPrecondition);
    REQUIRE(scene.Run(node.fs()).has_value());
  }
}

TEST_CASE("holds on retention are lifted without discarding", "[backup][restore]") {
  Scene scene;
  DatabaseHarness& node = scene.node;
  REQUIRE(ReleaseRestored(node.fs()).error().code == ErrorCode::kNotFound);
  REQUIRE(scene.Run(node.fs()).has_value());
  node.Kill();
  REQUIRE(node.Open().has_value());
  REQUIRE(*ReleaseRestored(node.fs()) == (*ReadRestoreJournal(node.fs()))->groups.size());
  REQUIRE(*ReleaseRestored(node.fs()) == 0);
  REQUIRE(GetRestoreStatus(node.fs(), node.log_fs())->aside_bytes > 0);
}

// --- Crashes

TEST_CASE("a power cut at any effect of staging: the old tree, and the next run fetches the rest",
          "[backup][restore][crash]") {
  const uint64_t seed = TestSeed(1);
  CAPTURE(seed);
  const bool whole = GENERATE(true, false);
  const NameOrder order = GENERATE(NameOrder::kStrong, NameOrder::kWeak);
  Scene scene(seed);
  DatabaseHarness& node = scene.node;
  node.Close();
  RestoreRunOptions options = scene.Options();
  if (!whole) options.request.selection.groups = {"web"};

  struct CrashPoint {
    std::unique_ptr<MemoryFileSystem> fs;
    std::string effect;
  };
  std::vector<CrashPoint> crashes;
  SeededRandom random(seed);
  const std::unique_ptr<MemoryFileSystem> staged = node.fs().Crash(random, order);
  const TreeContents before = LivingTree(*staged);
  staged->SetObserver([&](uint64_t, std::string_view effect) {
    crashes.push_back({staged->Crash(random, order), std::string(effect)});
  });
  const auto outcome = scene.Run(*staged, options);
  staged->SetObserver(nullptr);
  REQUIRE(outcome.has_value());
  REQUIRE(crashes.size() >= 100);
  for (CrashPoint& crash : crashes) {
    CAPTURE(crash.effect);
    // Unless the journal is there whole, the next start sees the old tree.
    REQUIRE(LivingTree(*crash.fs) == before);
    const bool ready = IsReady(*crash.fs);
    if (!ready) {
      const auto resumed = scene.Run(*crash.fs, options);
      REQUIRE(resumed.has_value());
      REQUIRE(resumed->progress.files_done == outcome->progress.files_done);
    }
    DatabaseHarness again(random.Next());
    again.UseDisks(std::move(crash.fs), node.log_fs().Clone());
    REQUIRE(again.Open().has_value());
    REQUIRE(again.Read("web", kCpu) == scene.web_then);
    REQUIRE(again.Read("db", kCpu) == (whole ? scene.db_then : scene.db_now));
  }
}

TEST_CASE("a run that goes on fetches no more than what was missing", "[backup][restore]") {
  Scene scene;
  const size_t files = scene.manifest.objects.size();
  for (size_t after = 0; after < files; after += 3) {
    CAPTURE(after);
    DatabaseHarness machine(2);
    RestoreRunOptions options = scene.Options();
    std::stop_source stop;
    options.progress = [&](const RestoreProgress& progress) {
      if (progress.files_done > after) stop.request_stop();
    };
    REQUIRE_FALSE(RunRestore({machine.fs(), scene.store, scene.node.clock(), scene.node.random()},
                             options, stop.get_token())
                      .has_value());
    const auto resumed = scene.Run(machine.fs());
    REQUIRE(resumed.has_value());
    REQUIRE(resumed->progress.files_reused == after + 1);
    REQUIRE(resumed->progress.files_done == files);
  }
}

}  // namespace
}  // namespace ficus
