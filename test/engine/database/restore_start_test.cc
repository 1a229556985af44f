#include "engine/database/restore_start.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/database/restore_moves.h"
#include "engine/io/memory_file_system.h"
#include "engine/wal/log_reader.h"
#include "test/engine/database/database_harness.h"
#include "test/engine/database/restore_scene.h"
#include "test/engine/database/staged_backup.h"
#include "test/engine/database/stopped_open.h"
#include "test/support/seed.h"

namespace ficus {
namespace {

using NameOrder = MemoryFileSystem::NameOrder;

TEST_CASE("an old backup on the same node brings its rows and no younger ones",
          "[database][restore]") {
  Scene scene;
  DatabaseHarness& node = scene.node;
  const uint64_t node_id = node.database().node_id();
  const GroupId old_id = node.database().Schema()->FindGroup("web")->group_id;
  HandStaging staging(scene.backup, node.fs(), node.random());
  staging.StageWholeNode();
  SECTION("after a clean stop") { node.Close(); }
  SECTION("after kill -9") { node.Kill(); }
  REQUIRE(node.Open().has_value());

  REQUIRE(node.Read("web", kCpu) == scene.web_then);
  REQUIRE(node.Read("db", kCpu) == scene.db_then);
  REQUIRE(node.database().node_id() == node_id);
  REQUIRE(node.database().Schema()->FindGroup("web")->group_id != old_id);
  REQUIRE(node.database().Status().parked_records == 0);
  REQUIRE(JournalOf(node.fs()).state == RestoreState::kDone);
  // What was replaced is kept, the log too.
  const RestoreJournal journal = JournalOf(node.fs());
  REQUIRE(node.fs().Status(AsideFolder(journal.id) + "/measure/data/web/identity").has_value());
  REQUIRE(node.log_fs().Status(LogAsideFolder(journal.id)).has_value());

  // And it goes on: acknowledged rows survive.
  WriteRows(node, "web", 20, 23, 4);
  const NodeRows after = node.Read("web", kCpu);
  REQUIRE(after.size() == 8);
  node.Kill();
  REQUIRE(node.Open().has_value());
  REQUIRE(node.Read("web", kCpu) == after);
  REQUIRE(node.Read("db", kCpu) == scene.db_then);
}

TEST_CASE("an empty root takes the node id of the backup, another node keeps its own",
          "[database][restore]") {
  Scene scene;
  DatabaseHarness other(2);
  uint64_t expected = scene.backup.node_id;
  SECTION("empty root") {}
  SECTION("a node that has data") {
    REQUIRE(other.Open().has_value());
    expected = other.database().node_id();
    REQUIRE(expected != scene.backup.node_id);
    MakeGroup(other, "web");
    WriteRows(other, "web", 50, 60, 9);
    other.Close();
  }
  HandStaging staging(scene.backup, other.fs(), other.random());
  staging.StageWholeNode();
  REQUIRE(other.Open().has_value());
  REQUIRE(other.Read("web", kCpu) == scene.web_then);
  REQUIRE(other.database().node_id() == expected);
  other.Kill();
  REQUIRE(other.Open().has_value());
  REQUIRE(other.database().node_id() == expected);
  REQUIRE(other.Read("web", kCpu) == scene.web_then);
}

TEST_CASE("a clock two hours behind: deletes and schema updates take effect after a restore",
          "[database][restore]") {
  Scene scene;
  DatabaseHarness& node = scene.node;
  HandStaging staging(scene.backup, node.fs(), node.random());
  const bool whole = GENERATE(true, false);
  if (whole) {
    staging.StageWholeNode();
  } else {
    staging.StageGroups({"web"});
  }
  node.Close();
  node.clock().StepWall(-2 * kNanosPerHour);
  REQUIRE(node.Open().has_value());
  const auto before = node.database().Schema();
  REQUIRE(node.UpdateGroup("web", 3).has_value());
  const auto updated = node.database().Schema();
  REQUIRE(updated->FindGroup("web")->mod_revision > before->FindGroup("web")->mod_revision);
  REQUIRE(node.DeleteGroup("db").has_value());
  node.Kill();
  REQUIRE(node.Open().has_value());
  const auto after = node.database().Schema();
  REQUIRE(after->FindGroup("db") == nullptr);
  REQUIRE(after->FindGroup("web")->group().resources->ttl->num == 3);
  REQUIRE(node.Read("web", kCpu) == scene.web_then);
}

TEST_CASE("equal versions: what is written after a restore is younger than what came with it",
          "[database][restore]") {
  Scene scene;
  // A node whose log is younger than the backup's.
  DatabaseHarness other(3);
  const bool whole = GENERATE(true, false);
  REQUIRE(other.Open().has_value());
  other.Close();
  HandStaging staging(scene.backup, other.fs(), other.random());
  if (whole) {
    staging.StageWholeNode();
  } else {
    staging.StageGroups({"web"});
  }
  REQUIRE(other.Open().has_value());
  const auto [key, cell] = *scene.web_then.begin();
  REQUIRE(other.Write("web", kCpu, {{key.first, key.second, 77, cell.first}}).result.has_value());
  REQUIRE(other.Read("web", kCpu)[key] == cell);
  REQUIRE(other.FlushAll().has_value());
  REQUIRE(other.MergeAll().has_value());
  REQUIRE(other.Read("web", kCpu)[key] == cell);
  other.Kill();
  REQUIRE(other.Open().has_value());
  REQUIRE(other.Read("web", kCpu)[key] == cell);
}

TEST_CASE("positions and SCNs go on above the backup's and the old node's, whatever the clock says",
          "[database][restore]") {
  Scene scene;
  DatabaseHarness other(3);
  const bool whole = GENERATE(true, false);
  const bool same_node = GENERATE(true, false);
  DatabaseHarness& node = same_node ? scene.node : other;
  if (!same_node) REQUIRE(node.Open().has_value());
  node.Close();
  const auto old = LogReader::Open(node.log_fs(), {});
  REQUIRE(old.has_value());
  const LogPosition position = std::max((*old)->report().last, scene.backup.recorded.position);
  const Scn scn = std::max((*old)->report().scn, scene.backup.recorded.scn);
  HandStaging staging(scene.backup, node.fs(), node.random());
  if (whole) {
    staging.StageWholeNode();
  } else {
    staging.StageGroups({"web"});
  }
  node.clock().StepWall(-2 * kNanosPerHour);
  REQUIRE(node.Open().has_value());
  WriteRows(node, "web", 20, 21, 4);
  const auto log = LogReader::Open(node.log_fs(), {});
  REQUIRE(log.has_value());
  if (whole) REQUIRE((*log)->report().first > position);
  REQUIRE((*log)->report().last > position);
  REQUIRE((*log)->report().scn > scn);
}

TEST_CASE("one group of twenty: nothing of the others is lost although the log holds their rows",
          "[database][restore]") {
  DatabaseHarness node;
  REQUIRE(node.Open().has_value());
  std::vector<std::string> names;
  for (int i = 0; i < 20; ++i) names.push_back("group" + std::to_string(i));
  for (const std::string& name : names) {
    MakeGroup(node, name);
    WriteRows(node, name, 0, 3, 1);
  }
  HandMadeBackup backup = MakeBackup(node);
  const NodeRows then = node.Read("group7", kCpu);
  for (const std::string& name : names) WriteRows(node, name, 3, 6, 2);
  std::map<std::string, NodeRows> now;
  for (const std::string& name : names) now[name] = node.Read(name, kCpu);

  HandStaging staging(backup, node.fs(), node.random());
  staging.StageGroups({"group7"});
  SECTION("after a clean stop") { node.Close(); }
  SECTION("after kill -9") { node.Kill(); }
  REQUIRE(node.Open().has_value());
  for (int round = 0; round < 2; ++round) {
    for (const std::string& name : names) {
      CAPTURE(name, round);
      REQUIRE(node.Read(name, kCpu) == (name == "group7" ? then : now[name]));
    }
    REQUIRE(node.database().Status().parked_records == 0);
    node.Kill();
    REQUIRE(node.Open().has_value());
  }
  // The replaced group is kept whole: what was only in the log was flushed into it.
  const RestoreJournal journal = JournalOf(node.fs());
  const std::string aside = AsideFolder(journal.id) + "/measure/data";
  const GroupIdentity identity = *DecodeGroupIdentity(
      *ReadWholeFile(node.fs(), aside + "/group7/identity", 4096, FileClass::kTool));
  const auto verified =
      VerifyGroupTree(node.fs(), aside, {Catalog::kMeasure, "group7", identity.id}, {});
  REQUIRE(verified.has_value());
  uint64_t rows = 0;
  for (const auto& segment : *node.fs().List(aside + "/group7")) {
    if (!segment.is_directory) continue;
    for (const auto& shard : *node.fs().List(aside + "/group7/" + segment.name)) {
      if (!shard.is_directory) continue;
      const auto reading =
          ReadNewestManifest(node.fs(), aside + "/group7/" + segment.name + "/" + shard.name);
      for (const PartInfo& part : reading->manifest.parts) rows += part.rows;
    }
  }
  REQUIRE(rows == 6);
}

TEST_CASE("a catalog: what the backup does not know of it goes, other catalogs stay",
          "[database][restore]") {
  Scene scene;
  DatabaseHarness& node = scene.node;
  MakeGroup(node, "younger");
  WriteRows(node, "younger", 0, 3, 1);
  HandStaging staging(scene.backup, node.fs(), node.random());
  staging.StageGroups({"web", "db"}, {Catalog::kMeasure});
  node.Kill();
  REQUIRE(node.Open().has_value());
  REQUIRE(node.Read("web", kCpu) == scene.web_then);
  REQUIRE(node.Read("db", kCpu) == scene.db_then);
  REQUIRE(node.database().Schema()->FindGroup("younger") == nullptr);
  REQUIRE(node.database().Schema()->Find(SchemaKind::kMeasure, "younger", kCpu) == nullptr);
  const RestoreJournal journal = JournalOf(node.fs());
  REQUIRE(journal.state == RestoreState::kDone);
  REQUIRE(node.fs().Status(AsideFolder(journal.id) + "/measure/data/younger").has_value());
  // The name is free again.
  MakeGroup(node, "younger");
  node.Kill();
  REQUIRE(node.Open().has_value());
  REQUIRE(node.Read("younger", kCpu).empty());
  REQUIRE(node.Read("web", kCpu) == scene.web_then);
}

TEST_CASE("a group that was deleted since the backup comes back", "[database][restore]") {
  Scene scene;
  DatabaseHarness& node = scene.node;
  REQUIRE(node.DeleteGroup("web").has_value());
  SECTION("its files are gone") { node.Pass(10 * kNanosPerSecond); }
  SECTION("its files are still there") {}
  SECTION("it was made again meanwhile") {
    node.Pass(10 * kNanosPerSecond);
    MakeGroup(node, "web");
    WriteRows(node, "web", 30, 33, 5);
  }
  HandStaging staging(scene.backup, node.fs(), node.random());
  staging.StageGroups({"web"});
  node.Kill();
  REQUIRE(node.Open().has_value());
  REQUIRE(node.Read("web", kCpu) == scene.web_then);
  REQUIRE(node.Read("db", kCpu) == scene.db_now);
  node.Kill();
  REQUIRE(node.Open().has_value());
  REQUIRE(node.Read("web", kCpu) == scene.web_then);
}

TEST_CASE("a restore whose files are gone leaves the old tree, and says so",
          "[database][restore]") {
  Scene scene;
  DatabaseHarness& node = scene.node;
  HandStaging staging(scene.backup, node.fs(), node.random());
  staging.journal().markers = {"measure/time-dir"};
  REQUIRE(PublishFile(node.fs(), node.random(), "measure/time-dir", "2026-11-20", FileClass::kTool)
              .has_value());
  const bool whole = GENERATE(true, false);
  if (whole) {
    staging.StageWholeNode();
  } else {
    staging.StageGroups({"web"});
  }
  REQUIRE(
      RemoveTree(node.fs(), StagedFolder(staging.journal().id) + "/measure/data/web").has_value());
  node.Kill();
  REQUIRE(node.Open().has_value());
  REQUIRE(node.Read("web", kCpu) == scene.web_now);
  REQUIRE(node.Read("db", kCpu) == scene.db_now);
  const RestoreJournal journal = JournalOf(node.fs());
  REQUIRE(journal.state == RestoreState::kFailed);
  REQUIRE_FALSE(journal.reason.empty());
  REQUIRE_FALSE(node.fs().Status("measure/time-dir").has_value());
  REQUIRE(node.fs().Status("measure/time-dir.failed").has_value());
  WriteRows(node, "web", 40, 42, 8);
  const NodeRows after = node.Read("web", kCpu);
  node.Kill();
  REQUIRE(node.Open().has_value());
  REQUIRE(node.Read("web", kCpu) == after);
}

TEST_CASE("a restored node that cannot be opened is undone, log and all", "[database][restore]") {
  Scene scene;
  DatabaseHarness& node = scene.node;
  HandStaging staging(scene.backup, node.fs(), node.random());
  staging.StageWholeNode();
  // The staged schema is unreadable: found when the exchange is over.
  const std::string shard = StagedFolder(staging.journal().id) + "/property/data/_schema/shard-0";
  for (const DirectoryEntry& entry : *node.fs().List(shard)) {
    if (entry.name.ends_with(".part")) {
      REQUIRE(node.fs().FlipBits(shard + "/" + entry.name, 20, 0x40).has_value());
    }
  }
  node.Kill();
  REQUIRE(node.Open().has_value());
  REQUIRE(node.Read("web", kCpu) == scene.web_now);
  REQUIRE(node.Read("db", kCpu) == scene.db_now);
  REQUIRE_FALSE(node.database().ReadOnly().has_value());
  REQUIRE(JournalOf(node.fs()).state == RestoreState::kFailed);
  WriteRows(node, "web", 40, 42, 8);
  const NodeRows after = node.Read("web", kCpu);
  node.Kill();
  REQUIRE(node.Open().has_value());
  REQUIRE(node.Read("web", kCpu) == after);
}

TEST_CASE("a restoring start that is stopped anywhere is gone on with, and never undone",
          "[database][restore]") {
  const bool whole = GENERATE(true, false);
  CAPTURE(whole);
  size_t cancelled = 0;
  for (uint64_t skip = 0;; ++skip) {
    CAPTURE(skip);
    Scene scene;
    DatabaseHarness& node = scene.node;
    HandStaging staging(scene.backup, node.fs(), node.random());
    if (whole) {
      staging.StageWholeNode();
    } else {
      staging.StageGroups({"web", "db"});
    }
    node.Kill();
    FaultRule stall;
    stall.op = IoOp::kOpen;
    stall.skip = skip;
    const StoppedOpen start = OpenStoppedAt(node, {stall});
    if (!start.stopped) break;
    if (!start.opened.has_value()) {
      REQUIRE(start.opened.error().code == ErrorCode::kCancelled);
      REQUIRE(IsOpen(JournalOf(node.fs()).state));
      ++cancelled;
    }
    REQUIRE(node.Open().has_value());
    REQUIRE(node.Read("web", kCpu) == scene.web_then);
    REQUIRE(node.Read("db", kCpu) == scene.db_then);
    REQUIRE(JournalOf(node.fs()).state == RestoreState::kDone);
  }
  REQUIRE(cancelled > 10);
}

TEST_CASE("a staging that is not ready is not touched by a start", "[database][restore]") {
  Scene scene;
  DatabaseHarness& node = scene.node;
  HandStaging staging(scene.backup, node.fs(), node.random());
  staging.StageWholeNode();
  staging.journal().state = RestoreState::kStaging;
  REQUIRE(WriteRestoreJournal(node.fs(), node.random(), staging.journal()).has_value());
  node.Kill();
  REQUIRE(node.Open().has_value());
  REQUIRE(node.Read("web", kCpu) == scene.web_now);
  REQUIRE(JournalOf(node.fs()) == staging.journal());
}

TEST_CASE("a damaged journal stops the start: the tree may be a mix", "[database][restore]") {
  Scene scene;
  DatabaseHarness& node = scene.node;
  HandStaging staging(scene.backup, node.fs(), node.random());
  staging.StageWholeNode();
  node.Close();
  REQUIRE(node.fs().FlipBits(kRestoreJournalFile, 20, 1).has_value());
  const Result<> opened = node.Open();
  REQUIRE_FALSE(opened.has_value());
  REQUIRE(opened.error().code == ErrorCode::kCorruption);
}

TEST_CASE("retention leaves a restored group alone until its hold is lifted",
          "[database][restore][retention]") {
  Scene scene;
  DatabaseHarness& node = scene.node;
  HandStaging staging(scene.backup, node.fs(), node.random());
  staging.StageGroups({"web"});
  node.Close();
  node.clock().Advance(30 * kNanosPerDay);
  REQUIRE(node.Open().has_value());
  REQUIRE(node.RunRetention().has_value());
  REQUIRE(node.Read("web", kCpu) == scene.web_then);
  REQUIRE(node.Read("db", kCpu).empty());
  const GroupId id = node.database().Schema()->FindGroup("web")->group_id;
  REQUIRE(ReleaseRetention(node.fs(), id).has_value());
  REQUIRE(node.RunRetention().has_value());
  REQUIRE(node.Read("web", kCpu).empty());
}

// --- Crashes

struct CrashPair {
  std::unique_ptr<MemoryFileSystem> fs;
  std::unique_ptr<MemoryFileSystem> log_fs;
  std::string effect;
};

// What a power cut before every single effect of the first start leaves.
std::vector<CrashPair> CrashEverywhere(DatabaseHarness& node, RandomSource& random,
                                       NameOrder order) {
  std::vector<CrashPair> crashes;
  const auto observe = [&](uint64_t, std::string_view effect) {
    crashes.push_back(
        {node.fs().Crash(random, order), node.log_fs().Crash(random, order), std::string(effect)});
  };
  node.fs().SetObserver(observe);
  node.log_fs().SetObserver(observe);
  const Result<> opened = node.Open();
  node.fs().SetObserver(nullptr);
  node.log_fs().SetObserver(nullptr);
  REQUIRE(opened.has_value());
  return crashes;
}

using Expected = std::map<std::string, NodeRows>;

void CheckAfterCrash(CrashPair crash, const Expected& expected, uint64_t seed) {
  CAPTURE(crash.effect);
  DatabaseHarness again(seed);
  again.UseDisks(std::move(crash.fs), std::move(crash.log_fs));
  const Result<> opened = again.Open();
  REQUIRE(opened.has_value());
  for (const auto& [group, rows] : expected) {
    CAPTURE(group);
    REQUIRE(again.Read(group, kCpu) == rows);
  }
  REQUIRE(again.database().Status().parked_records == 0);
  REQUIRE_FALSE(again.database().ReadOnly().has_value());
  REQUIRE(JournalOf(again.fs()).state == RestoreState::kDone);
  WriteRows(again, "web", 90, 92, 6);
  const NodeRows after = again.Read("web", kCpu);
  again.Crash(NameOrder::kWeak);
  REQUIRE(again.Open().has_value());
  REQUIRE(again.Read("web", kCpu) == after);
}

TEST_CASE("a power cut at any effect of a restoring start leaves the backup's tree, whole",
          "[database][restore][crash]") {
  const uint64_t seed = TestSeed(1);
  CAPTURE(seed);
  const bool whole = GENERATE(true, false);
  const NameOrder order = GENERATE(NameOrder::kStrong, NameOrder::kWeak);
  Scene scene(seed);
  DatabaseHarness& node = scene.node;
  HandStaging staging(scene.backup, node.fs(), node.random());
  Expected expected{{"web", scene.web_then}, {"db", scene.db_now}};
  if (whole) {
    expected["db"] = scene.db_then;
    staging.StageWholeNode();
  } else {
    staging.StageGroups({"web"});
  }
  node.Crash(order);
  SeededRandom random(seed);
  std::vector<CrashPair> crashes = CrashEverywhere(node, random, order);
  REQUIRE(crashes.size() >= 50);
  for (CrashPair& crash : crashes) {
    CheckAfterCrash(std::move(crash), expected, random.Next());
  }
}

}  // namespace
}  // namespace ficus
