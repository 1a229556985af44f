#include "server/backup/restore_on_start.h"

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/io/publish.h"
#include "server/backup/restore_job.h"
#include "server/backup/time_marker.h"
#include "server/remote/faulty_store.h"
#include "server/remote/memory_store.h"
#include "test/engine/database/database_harness.h"
#include "test/engine/database/staged_backup.h"
#include "test/server/backup/hand_made_repository.h"

namespace ficus {
namespace {

constexpr char kCpu[] = "cpu";

struct Scene {
  Scene() : repository(store) {
    REQUIRE(node.Open().has_value());
    for (const char* name : {"web", "db"}) {
      REQUIRE(node.CreateGroup(name).has_value());
      REQUIRE(node.CreateMeasure(name, kCpu).has_value());
    }
    Write(0, 3);
    early = MakeBackup(node);
    early_manifest = repository.Put(early, "2026-11-19");
    web_early = node.Read("web", kCpu);
    Write(3, 6);
    node.clock().Advance(kNanosPerHour);
    late = MakeBackup(node);
    late_manifest = repository.Put(late, "2026-11-20");
    web_late = node.Read("web", kCpu);
    Write(6, 9);
    web_now = node.Read("web", kCpu);
  }

  void Write(int64_t from, int64_t to) {
    for (const char* name : {"web", "db"}) {
      std::vector<NodeRow> rows;
      for (int64_t host = from; host < to; ++host) {
        rows.push_back({host, node.now() - host * kNanosPerSecond, host, 1});
      }
      REQUIRE(node.Write(name, kCpu, rows).result.has_value());
    }
  }
  void Mark(FileSystem& fs, std::string_view folder, std::string_view timedir,
            TimedirForm form = TimedirForm::kReleased) {
    const std::string path = TimeMarkerPath(form, folder);
    if (!ParentPath(path).empty()) REQUIRE(CreateDirectories(fs, ParentPath(path)).has_value());
    REQUIRE(PublishFile(fs, node.random(), path, timedir, FileClass::kTool).has_value());
  }
  Result<std::optional<RestoreOutcome>> Stage(FileSystem& fs, RestorePolicy policy) {
    RestoreOnStart wanted;
    wanted.policy = policy;
    return StageRestoreOnStart({fs, store, node.clock(), node.random()}, wanted, {});
  }
  // The same, stopped once a file is staged.
  ErrorCode StageOneFile(FileSystem& fs, RestorePolicy policy) {
    std::stop_source stop;
    RestoreOnStart wanted;
    wanted.policy = policy;
    wanted.concurrency = 1;
    wanted.progress = [&](const RestoreProgress& progress) {
      if (progress.files_done > 0) stop.request_stop();
    };
    const auto staged =
        StageRestoreOnStart({fs, store, node.clock(), node.random()}, wanted, stop.get_token());
    REQUIRE_FALSE(staged.has_value());
    return staged.error().code;
  }

  DatabaseHarness node;
  MemoryStore store;
  HandMadeRepository repository;
  HandMadeBackup early, late;
  BackupManifest early_manifest, late_manifest;
  NodeRows web_early, web_late, web_now;
};

TEST_CASE("markers of every catalog restore the whole node, once", "[backup][restore]") {
  Scene scene;
  DatabaseHarness& node = scene.node;
  const TimedirForm form = GENERATE(TimedirForm::kReleased, TimedirForm::kSeed);
  for (const char* folder : {"schema-property", "property", "measure"}) {
    scene.Mark(node.fs(), folder, "2026-11-19\n", form);
  }
  node.Close();
  REQUIRE_FALSE(scene.Stage(node.fs(), RestorePolicy::kNever)->has_value());
  const auto staged = scene.Stage(node.fs(), RestorePolicy::kMarkers);
  REQUIRE(staged.has_value());
  REQUIRE(staged->has_value());
  REQUIRE((*staged)->journal.whole_node);
  REQUIRE((*staged)->journal.markers.size() == 3);
  // A kill between staging and start: the journal counts, the markers are not looked at again.
  REQUIRE_FALSE(scene.Stage(node.fs(), RestorePolicy::kMarkers)->has_value());
  REQUIRE(node.Open().has_value());
  REQUIRE(node.Read("web", kCpu) == scene.web_early);
  REQUIRE_FALSE(ReadMarkers(node.fs())->has_value());
  scene.Write(30, 32);
  const NodeRows after = node.Read("web", kCpu);
  node.Kill();
  REQUIRE_FALSE(scene.Stage(node.fs(), RestorePolicy::kMarkers)->has_value());
  REQUIRE(node.Open().has_value());
  REQUIRE(node.Read("web", kCpu) == after);
}

TEST_CASE("a marker of one catalog restores that one", "[backup][restore]") {
  Scene scene;
  DatabaseHarness& node = scene.node;
  scene.Mark(node.fs(), "measure", "2026-11-19");
  const int64_t revision = node.database().Schema()->revision();
  node.Close();
  const auto staged = scene.Stage(node.fs(), RestorePolicy::kMarkers);
  REQUIRE(staged.has_value());
  REQUIRE(staged->has_value());
  REQUIRE_FALSE((*staged)->journal.whole_node);
  REQUIRE(node.Open().has_value());
  REQUIRE(node.Read("web", kCpu) == scene.web_early);
  // The schema is the living one, gone on.
  REQUIRE(node.database().Schema()->revision() > revision);
}

TEST_CASE("a marker that cannot be followed is renamed, and the node starts as it is",
          "[backup][restore]") {
  Scene scene;
  DatabaseHarness& node = scene.node;
  std::vector<std::string> files = {"measure/time-dir"};
  SECTION("markers of catalogs that disagree") {
    scene.Mark(node.fs(), "measure", "2026-11-19");
    scene.Mark(node.fs(), "property", "2026-11-20");
    files.emplace_back("property/time-dir");
  }
  SECTION("forms that disagree") {
    scene.Mark(node.fs(), "measure", "2026-11-19");
    scene.Mark(node.fs(), "measure", "2026-11-20", TimedirForm::kSeed);
    files.emplace_back("measure-time-dir");
  }
  SECTION("a time directory that is not there") { scene.Mark(node.fs(), "measure", "2025-01-01"); }
  SECTION("no time directory at all") { scene.Mark(node.fs(), "measure", "latest"); }
  SECTION("a damaged backup") {
    scene.Mark(node.fs(), "measure", "2026-11-19");
    for (const BackupObject& object : scene.early_manifest.objects) {
      REQUIRE(scene.store.FlipBits(object.key, object.size_bytes / 2, 4).has_value());
    }
  }
  node.Close();
  const auto staged = scene.Stage(node.fs(), RestorePolicy::kMarkers);
  REQUIRE(staged.has_value());
  REQUIRE_FALSE(staged->has_value());
  for (const std::string& file : files) {
    CAPTURE(file);
    REQUIRE_FALSE(node.fs().Status(file).has_value());
    REQUIRE(node.fs().Status(file + ".failed").has_value());
  }
  REQUIRE(node.Open().has_value());
  REQUIRE(node.Read("web", kCpu) == scene.web_now);
}

TEST_CASE("an empty root takes the newest verified backup, else the newest", "[backup][restore]") {
  Scene scene;
  DatabaseHarness machine(2);
  bool early = false;
  SECTION("none is verified") {}
  SECTION("the older one is verified") {
    scene.repository.Verified(scene.early_manifest);
    early = true;
  }
  const auto staged = scene.Stage(machine.fs(), RestorePolicy::kIfEmpty);
  REQUIRE(staged.has_value());
  REQUIRE(staged->has_value());
  REQUIRE(machine.Open().has_value());
  REQUIRE(machine.Read("web", kCpu) == (early ? scene.web_early : scene.web_late));
  // It is not empty any more.
  machine.Close();
  REQUIRE_FALSE(scene.Stage(machine.fs(), RestorePolicy::kIfEmpty)->has_value());
}

TEST_CASE("markers whose staging was stopped count for the next start, which fetches the rest",
          "[backup][restore]") {
  Scene scene;
  DatabaseHarness& node = scene.node;
  scene.Mark(node.fs(), "measure", "2026-11-19");
  node.Close();
  SECTION("between two files") {
    REQUIRE(scene.StageOneFile(node.fs(), RestorePolicy::kMarkers) == ErrorCode::kCancelled);
    REQUIRE(ReadRestoreJournal(node.fs())->value().state == RestoreState::kStaging);
  }
  SECTION("while the store fails") {
    std::stop_source stop;
    FaultyStore store(scene.store);
    store.SetObserver([&](uint64_t, StoreOp, std::string_view) { stop.request_stop(); });
    store.AddFault({.kind = FaultKind::kErrorBefore, .times = UINT64_MAX});
    RestoreOnStart wanted;
    wanted.policy = RestorePolicy::kMarkers;
    REQUIRE_FALSE(StageRestoreOnStart({node.fs(), store, node.clock(), node.random()}, wanted,
                                      stop.get_token())
                      .has_value());
  }
  REQUIRE(ReadMarkers(node.fs())->has_value());
  REQUIRE(scene.Stage(node.fs(), RestorePolicy::kMarkers)->has_value());
  REQUIRE(node.Open().has_value());
  REQUIRE(node.Read("web", kCpu) == scene.web_early);
}

TEST_CASE(
    "an empty root whose staging was stopped goes on with that backup, though another is "
    "better by now",
    "[backup][restore]") {
  Scene scene;
  DatabaseHarness machine(2);
  REQUIRE(scene.StageOneFile(machine.fs(), RestorePolicy::kIfEmpty) == ErrorCode::kCancelled);
  scene.repository.Verified(scene.early_manifest);
  const auto staged = scene.Stage(machine.fs(), RestorePolicy::kIfEmpty);
  REQUIRE(staged.has_value());
  REQUIRE(staged->has_value());
  REQUIRE((*staged)->progress.files_reused == 1);
  REQUIRE(machine.Open().has_value());
  REQUIRE(machine.Read("web", kCpu) == scene.web_late);
}

TEST_CASE(
    "an empty root starts empty where there is no backup, and not at all when that is not "
    "known",
    "[backup][restore]") {
  Scene scene;
  DatabaseHarness machine(2);
  SECTION("no backup") {
    MemoryStore nothing;
    RestoreOnStart wanted;
    wanted.policy = RestorePolicy::kIfEmpty;
    const auto staged = StageRestoreOnStart(
        {machine.fs(), nothing, scene.node.clock(), scene.node.random()}, wanted, {});
    REQUIRE(staged.has_value());
    REQUIRE_FALSE(staged->has_value());
  }
  SECTION("a damaged one") {
    for (const BackupObject& object : scene.late_manifest.objects) {
      REQUIRE(scene.store.FlipBits(object.key, 0, 4).has_value());
    }
    REQUIRE_FALSE(scene.Stage(machine.fs(), RestorePolicy::kIfEmpty).has_value());
  }
}

}  // namespace
}  // namespace ficus
