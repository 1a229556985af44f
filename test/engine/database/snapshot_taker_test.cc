#include "engine/database/snapshot_taker.h"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/log.h"
#include "engine/io/faulty_file_system.h"
#include "engine/io/publish.h"
#include "engine/snapshot/snapshot_contents.h"
#include "engine/table/manifest.h"
#include "test/engine/database/database_harness.h"
#include "test/support/seed.h"

namespace ficus {
namespace {

constexpr const char* kGroup = "sw_metric";
constexpr const char* kMeasure = "service_cpm";

struct Node : DatabaseHarness {
  LogCapture log;

  using DatabaseHarness::DatabaseHarness;
  void OpenWithMeasure() {
    REQUIRE(Open().has_value());
    MakeGroup(kGroup);
  }
  void MakeGroup(const std::string& group) {
    REQUIRE(CreateGroup(group).has_value());
    REQUIRE(CreateMeasure(group, kMeasure).has_value());
  }
  NodeRows Read(const std::string& group = kGroup) {
    return DatabaseHarness::Read(group, kMeasure);
  }
  void Write(const std::vector<NodeRow>& rows, const std::string& group = kGroup) {
    REQUIRE(DatabaseHarness::Write(group, kMeasure, rows).result.has_value());
  }

  struct Taking {
    std::optional<Result<SnapshotContents>> result;
  };
  std::shared_ptr<Taking> BeginSnapshot(SnapshotRequest request = {}) {
    auto taking = std::make_shared<Taking>();
    database().TakeSnapshot(std::move(request), [taking](Result<SnapshotContents> contents) {
      REQUIRE(!taking->result.has_value());
      taking->result = std::move(contents);
    });
    return taking;
  }
  Result<SnapshotContents> Snapshot(SnapshotRequest request = {}) {
    const auto taking = BeginSnapshot(std::move(request));
    Pump([&] { return taking->result.has_value(); });
    return *taking->result;
  }
  bool IsWhole(const std::string& id) {
    const auto verified = database().VerifySnapshot(id, {});
    REQUIRE(verified.has_value());
    for (const SnapshotDamage& damage : verified->damage)
      UNSCOPED_INFO(damage.path + ": " + damage.reason);
    REQUIRE(verified->files > 0);
    return verified->damage.empty();
  }
};

// The files of a snapshot as the tree of a node that has nothing else.
void CopyAsTree(FileSystem& from, const SnapshotContents& contents, FileSystem& to) {
  SeededRandom random(9);
  for (const CatalogSnapshot& catalog : contents.catalogs) {
    const std::string data = std::string(CatalogName(catalog.catalog)) + "/data";
    for (const SnapshotFile& file : catalog.files) {
      const auto bytes = ReadWholeFile(from, JoinPath(SnapshotFolder(catalog), file.path),
                                       uint64_t{1} << 30, FileClass::kTool);
      REQUIRE(bytes.has_value());
      const std::string target = JoinPath(data, file.path);
      REQUIRE(CreateDirectories(to, ParentPath(target)).has_value());
      REQUIRE(PublishFile(to, random, target, *bytes, FileClass::kTool).has_value());
    }
  }
}

// What a node answers that has nothing but the snapshot.
NodeRows RowsIn(FileSystem& fs, const SnapshotContents& contents,
                const std::string& group = kGroup) {
  DatabaseHarness copy(77);
  CopyAsTree(fs, contents, copy.fs());
  REQUIRE(copy.Open().has_value());
  REQUIRE(!copy.database().ReadOnly().has_value());
  REQUIRE(copy.database().Status().damaged_files == 0);
  return copy.Read(group, kMeasure);
}

std::vector<std::string> Names(FileSystem& fs, const std::string& directory) {
  std::vector<std::string> names;
  const auto entries = fs.List(directory);
  if (!entries.has_value()) return names;
  for (const DirectoryEntry& entry : *entries) names.push_back(entry.name);
  return names;
}

const CatalogSnapshot* Find(const SnapshotContents& contents, const std::string& folder) {
  for (const CatalogSnapshot& catalog : contents.catalogs) {
    if (catalog.folder == folder) return &catalog;
  }
  return nullptr;
}

TEST_CASE("a snapshot opened as a node answers what was acknowledged before it, and nothing later",
          "[database][snapshot]") {
  Node node;
  node.OpenWithMeasure();
  for (int64_t day = 0; day < 3; ++day) {
    node.Write({{1, node.now() - day * kNanosPerDay, day}, {2, node.now(), day, day + 1}});
  }
  REQUIRE(node.FlushAll().has_value());
  node.Write({{3, node.now(), 30}, {4, node.now(), 40}});
  const NodeRows before = node.Read();
  const Result<SnapshotContents> taken = node.Snapshot();
  REQUIRE(taken.has_value());
  node.Write({{1, node.now(), 99, 99}, {5, node.now(), 50}});
  REQUIRE(node.FlushAll().has_value());
  REQUIRE(node.MergeAll().has_value());
  REQUIRE(RowsIn(node.fs(), *taken) == before);
  REQUIRE(node.IsWhole(taken->id));
  REQUIRE(taken->whole_node);
  REQUIRE(taken->node_id == node.database().node_id());
  REQUIRE(*node.database().ReadSnapshot(taken->id) == *taken);
  for (const CatalogSnapshot& catalog : taken->catalogs) REQUIRE(catalog.error.empty());
  // No log file, and one manifest for each shard.
  for (const CatalogSnapshot& catalog : taken->catalogs) {
    for (const SnapshotFile& file : catalog.files) REQUIRE(!file.path.ends_with(".log"));
  }
}

TEST_CASE("a snapshot has the layout and the names of BanyanDB", "[database][snapshot]") {
  Node node;
  node.OpenWithMeasure();
  node.Write({{1, node.now(), 1}});
  const auto taken = node.Snapshot();
  REQUIRE(taken.has_value());
  const std::string name = "20261120073000-00000001";
  REQUIRE(taken->id == name);
  const CatalogSnapshot* const schema = Find(*taken, "schema-property");
  const CatalogSnapshot* const measure = Find(*taken, "measure");
  REQUIRE(schema == &taken->catalogs.front());
  REQUIRE(schema->catalog == Catalog::kProperty);
  REQUIRE(schema->name == name);
  REQUIRE(Find(*taken, "stream") == nullptr);  // has nothing
  REQUIRE(measure->name == name);
  REQUIRE(
      node.fs().Status("schema-property/snapshots/" + name + "/data/_schema/identity").has_value());
  REQUIRE(node.fs()
              .Status("measure/snapshots/" + name + "/sw_metric/seg-20261120/segment")
              .has_value());
  REQUIRE(Names(node.fs(), "snapshots") == std::vector<std::string>{name + ".contents"});
  const auto second = node.Snapshot();
  REQUIRE(second->id == "20261120073000-00000002");

  // The counters begin again with the process, and do not meet what lies there.
  node.Kill();
  REQUIRE(node.Open().has_value());
  const auto third = node.Snapshot();
  REQUIRE(third.has_value());
  REQUIRE(node.database().ListSnapshots()->size() == 3);
}

TEST_CASE("a snapshot cuts the log at one position in every shard of every group",
          "[database][snapshot]") {
  const uint64_t seed = GENERATE(range<uint64_t>(0, 30));
  CAPTURE(seed);
  Node node(seed);
  node.options().table.flush_bytes = 2000;
  node.options().table.flush_interval_nanos = 20 * kNanosPerMilli;
  node.options().table.merge.parts_min = 2;
  node.OpenWithMeasure();
  node.MakeGroup("other");
  SeededRandom dice(seed + 1000);
  std::vector<std::shared_ptr<DatabaseHarness::Written>> written;
  std::vector<std::shared_ptr<Node::Taking>> takings;
  std::vector<size_t> acknowledged;  // of the first batches, when the snapshot was asked for
  std::vector<size_t> begun;         // when it was done
  const auto leading = [&] {
    return static_cast<size_t>(std::find_if(written.begin(), written.end(),
                                            [](const auto& batch) { return !batch->done; }) -
                               written.begin());
  };
  for (int step = 0; step < 400; ++step) {
    const uint64_t roll = dice.Below(100);
    if (roll < 60) {
      const auto number = static_cast<int64_t>(written.size());
      const std::string group = dice.Below(2) == 0 ? kGroup : "other";
      const UnixNanos time = node.now() - static_cast<int64_t>(dice.Below(3)) * kNanosPerDay;
      written.push_back(node.Begin(group, kMeasure, {{number, time, number}}));
    } else if (roll < 62) {
      takings.push_back(node.BeginSnapshot());
      acknowledged.push_back(leading());
      begun.push_back(0);
    } else if (roll < 65) {
      node.database().FlushAll([](const Result<>&) {});
    } else if (roll < 67) {
      node.database().MergeAll([](const Result<>&) {});
    } else if (roll < 70) {
      node.Pass(5 * kNanosPerMilli);
    }
    for (uint64_t jobs = dice.Below(6); jobs > 0; --jobs) node.executor().RunOne();
    for (size_t i = 0; i < takings.size(); ++i) {
      if (takings[i]->result.has_value() && begun[i] == 0) begun[i] = written.size();
    }
  }
  node.Pump([&] {
    return std::all_of(takings.begin(), takings.end(),
                       [](const auto& taking) { return taking->result.has_value(); }) &&
           leading() == written.size();
  });
  for (size_t i = 0; i < takings.size(); ++i) {
    CAPTURE(i);
    REQUIRE(takings[i]->result->has_value());
    const SnapshotContents& contents = **takings[i]->result;
    if (!node.database().ReadSnapshot(contents.id).has_value()) continue;  // let go by count
    REQUIRE(node.IsWhole(contents.id));
    NodeRows rows = RowsIn(node.fs(), contents);
    rows.merge(RowsIn(node.fs(), contents, "other"));
    // Host `n` is batch `n`: those of a prefix are there, the others are not.
    const size_t count = rows.size();
    for (const auto& [key, row] : rows) REQUIRE(key.first < static_cast<int64_t>(count));
    REQUIRE(count >= acknowledged[i]);
    if (begun[i] != 0) REQUIRE(count <= begun[i]);
  }
  REQUIRE(!takings.empty());
}

TEST_CASE("after a kill or a power cut during a snapshot it is there and whole, or not at all",
          "[database][snapshot][recovery]") {
  const uint64_t seed = GENERATE(range<uint64_t>(0, 60));
  CAPTURE(seed);
  Node node(seed);
  node.OpenWithMeasure();
  SeededRandom dice(seed + 2000);
  for (int64_t host = 0; host < 6; ++host) {
    node.Write({{host, node.now() - host % 2 * kNanosPerDay, host}});
  }
  const NodeRows before = node.Read();
  const auto first = node.Snapshot();
  REQUIRE(first.has_value());
  node.Write({{10, node.now(), 10}});
  const NodeRows second_rows = node.Read();
  const auto taking = node.BeginSnapshot();
  for (uint64_t jobs = dice.Below(80); jobs > 0; --jobs) {
    if (!node.executor().RunOne()) node.Pass(kNanosPerMilli);
  }
  const bool was_told = taking->result.has_value();
  // In the middle of a job, too: the disk as it was before one of the last effects.
  if (dice.Below(2) == 0) {
    node.Kill();
  } else {
    node.Crash(dice.Below(2) == 0 ? MemoryFileSystem::NameOrder::kStrong
                                  : MemoryFileSystem::NameOrder::kWeak);
  }
  REQUIRE(node.Open().has_value());
  REQUIRE(node.Read() == second_rows);
  const auto list = node.database().ListSnapshots();
  REQUIRE(list.has_value());
  REQUIRE(list->size() >= (was_told ? 2 : 1));
  REQUIRE(list->size() <= 2);
  for (const SnapshotSummary& summary : *list) {
    REQUIRE(summary.damage.empty());
    REQUIRE(node.IsWhole(summary.id));
  }
  REQUIRE(RowsIn(node.fs(), *first) == before);
  if (list->size() == 2) {
    REQUIRE(RowsIn(node.fs(), *node.database().ReadSnapshot(list->front().id)) == second_rows);
  }
  for (const std::string folder : {"measure", "schema-property"}) {
    REQUIRE(Names(node.fs(), folder + "/snapshots").size() == list->size());
  }
}

TEST_CASE("a power cut at any effect of a snapshot leaves it whole or not at all",
          "[database][snapshot][recovery]") {
  // Counts the effects once, then cuts before each of them in turn.
  const auto run = [](uint64_t cut) -> uint64_t {
    Node node(5);
    node.OpenWithMeasure();
    node.Write({{1, node.now(), 1}, {2, node.now() - kNanosPerDay, 2}});
    const NodeRows rows = node.Read();
    uint64_t effects = 0;
    std::unique_ptr<MemoryFileSystem> fs;
    std::unique_ptr<MemoryFileSystem> log_fs;
    node.fs().SetObserver([&](uint64_t, std::string_view) {
      if (++effects != cut) return;
      SeededRandom random(cut);
      const auto order =
          cut % 2 == 0 ? MemoryFileSystem::NameOrder::kStrong : MemoryFileSystem::NameOrder::kWeak;
      fs = node.fs().Crash(random, order);
      log_fs = node.log_fs().Crash(random, order);
    });
    REQUIRE(node.Snapshot().has_value());
    node.fs().SetObserver({});
    if (fs == nullptr) return effects;
    node.Kill();
    node.UseDisks(std::move(fs), std::move(log_fs));
    REQUIRE(node.Open().has_value());
    REQUIRE(node.Read() == rows);
    const auto list = node.database().ListSnapshots();
    REQUIRE(list.has_value());
    REQUIRE(list->size() <= 1);
    for (const SnapshotSummary& summary : *list) {
      REQUIRE(node.IsWhole(summary.id));
      REQUIRE(RowsIn(node.fs(), *node.database().ReadSnapshot(summary.id)) == rows);
    }
    if (list->empty()) REQUIRE(Names(node.fs(), "measure/snapshots").empty());
    return effects;
  };
  const uint64_t effects = run(0);
  REQUIRE(effects > 20);
  for (uint64_t cut = 1; cut <= effects; ++cut) {
    CAPTURE(cut);
    run(cut);
  }
}

TEST_CASE("a request takes the groups it names, and always the schemas", "[database][snapshot]") {
  Node node;
  node.OpenWithMeasure();
  node.MakeGroup("other");
  node.Write({{1, node.now(), 1}});
  node.Write({{2, node.now(), 2}}, "other");

  SECTION("a group of a catalog") {
    const auto taken = node.Snapshot({{{Catalog::kMeasure, "other"}}});
    REQUIRE(taken.has_value());
    REQUIRE(!taken->whole_node);
    REQUIRE(taken->catalogs.size() == 2);
    REQUIRE(taken->catalogs[1].groups.size() == 1);
    REQUIRE(taken->catalogs[1].groups[0].name == "other");
    REQUIRE(RowsIn(node.fs(), *taken, "other").size() == 1);
    REQUIRE(RowsIn(node.fs(), *taken).empty());
  }
  SECTION("every group of a catalog") {
    const auto taken = node.Snapshot({{{Catalog::kMeasure, ""}}});
    REQUIRE(Find(*taken, "measure")->groups.size() >= 2);
  }
  SECTION("a catalog that is not named is left out") {
    const auto taken = node.Snapshot({{{Catalog::kProperty, ""}}});
    REQUIRE(taken.has_value());
    REQUIRE(Find(*taken, "measure") == nullptr);
    REQUIRE(Find(*taken, "schema-property") != nullptr);
  }
  SECTION("a group that does not exist is an error of its catalog") {
    const auto taken =
        node.Snapshot({{{Catalog::kMeasure, "nowhere"}, {Catalog::kMeasure, "other"}}});
    REQUIRE(taken.has_value());
    REQUIRE(Find(*taken, "measure")->error == "group nowhere does not exist");
    REQUIRE(Find(*taken, "measure")->groups.size() == 1);
    REQUIRE(node.IsWhole(taken->id));
  }
  SECTION("also when nothing else is taken of it") {
    const auto taken = node.Snapshot({{{Catalog::kStream, "nowhere"}}});
    REQUIRE(taken.has_value());
    REQUIRE(Find(*taken, "stream")->error == "group nowhere does not exist");
    REQUIRE(!Find(*taken, "stream")->name.empty());
    REQUIRE(node.IsWhole(taken->id));
  }
}

TEST_CASE("a closed shard is in the snapshot", "[database][snapshot]") {
  Node node;
  node.options().segment_idle_nanos = kNanosPerSecond;
  node.OpenWithMeasure();
  node.Write({{1, node.now(), 1}, {2, node.now(), 2}});
  const NodeRows rows = node.Read();
  node.Pass(200 * kNanosPerSecond);
  REQUIRE(node.database().Status().parts == 0);
  const auto taken = node.Snapshot();
  REQUIRE(taken.has_value());
  REQUIRE(RowsIn(node.fs(), *taken) == rows);
}

// Runs jobs until the line is drawn and the tables begin to flush.
void RunUntilPinning(Node& node, const std::shared_ptr<Node::Taking>& taking) {
  bool flushing = false;
  node.fs().SetObserver([&](uint64_t, std::string_view effect) {
    flushing = flushing || effect.find(".part") != std::string_view::npos;
  });
  node.Pump([&] { return flushing || taking->result.has_value(); });
  node.fs().SetObserver({});
  REQUIRE(!taking->result.has_value());
}

TEST_CASE("a group that is deleted while a snapshot pins it is in it whole",
          "[database][snapshot]") {
  const uint64_t seed = GENERATE(range<uint64_t>(0, 20));
  CAPTURE(seed);
  Node node(seed);
  node.OpenWithMeasure();
  node.Write({{1, node.now(), 1}, {2, node.now(), 2}, {3, node.now() - kNanosPerDay, 3}});
  const NodeRows rows = node.Read();
  const auto taking = node.BeginSnapshot();
  RunUntilPinning(node, taking);
  bool deleted = false;
  node.database().DeleteGroup(
      kGroup, GroupDeletion::kEverything, [] { return Ok(); },
      [&](const Result<SchemaChange>&) { deleted = true; });
  node.Pump([&] { return deleted && taking->result.has_value(); });
  node.Pass(5 * kNanosPerSecond);
  REQUIRE(taking->result->has_value());
  const SnapshotContents& contents = **taking->result;
  REQUIRE(Find(contents, "measure")->error.empty());
  REQUIRE(node.IsWhole(contents.id));
  REQUIRE(RowsIn(node.fs(), contents) == rows);
  REQUIRE(node.database().Task(kGroup)->state == DeletionState::kDone);
}

TEST_CASE("rows of a measure that is deleted while a snapshot pins it are in it",
          "[database][snapshot]") {
  Node node;
  node.OpenWithMeasure();
  node.Write({{1, node.now(), 1}, {2, node.now(), 2}});
  const NodeRows rows = node.Read();
  const auto taking = node.BeginSnapshot();
  RunUntilPinning(node, taking);
  bool deleted = false;
  node.database().ChangeSchema(
      [&](const SchemaRegistry& registry) {
        return registry.PrepareDelete({SchemaKind::kMeasure, kGroup, kMeasure}, node.now());
      },
      [&](const Result<SchemaChange>& change) {
        REQUIRE(change.has_value());
        deleted = true;
      });
  node.Pump([&] { return deleted && taking->result.has_value(); });
  REQUIRE(RowsIn(node.fs(), **taking->result) == rows);
}

TEST_CASE("retention during a snapshot takes nothing out of it", "[database][snapshot]") {
  const uint64_t seed = GENERATE(range<uint64_t>(0, 20));
  CAPTURE(seed);
  Node node(seed);
  node.OpenWithMeasure();
  node.Write({{1, node.now(), 1}, {2, node.now() - 6 * kNanosPerDay, 2}});
  const NodeRows rows = node.Read();
  node.clock().Advance(3 * kNanosPerDay);
  node.database().ConfirmClock();
  SeededRandom dice(seed);
  const auto taking = node.BeginSnapshot();
  for (uint64_t jobs = dice.Below(30); jobs > 0; --jobs) node.executor().RunOne();
  std::optional<Result<>> retained;
  node.database().RunRetention([&](const Result<>& result) { retained = result; });
  node.Pump([&] { return retained.has_value() && taking->result.has_value(); });
  // The watch may have removed it first.
  REQUIRE((retained->has_value() || retained->error().code == ErrorCode::kNotFound));
  REQUIRE(taking->result->has_value());
  const NodeRows in_it = RowsIn(node.fs(), **taking->result);
  // Removed before the position, or not at all.
  const auto old =
      std::find_if(rows.begin(), rows.end(), [](const auto& row) { return row.first.first == 2; });
  NodeRows without = rows;
  without.erase(old->first);
  REQUIRE((in_it == rows || in_it == without));
  REQUIRE(node.IsWhole((*taking->result)->id));
  node.Pass(200 * kNanosPerSecond);
  REQUIRE(node.Read() == without);
  REQUIRE(RowsIn(node.fs(), **taking->result) == in_it);
}

TEST_CASE("a refused link or a full disk leaves nothing of the snapshot", "[database][snapshot]") {
  const auto memory = MemoryFileSystem::Create();
  const auto log_memory = MemoryFileSystem::Create();
  std::unique_ptr<FaultyFileSystem> faulty = FaultyFileSystem::Create(*memory);
  FaultyFileSystem& faults = *faulty;
  Node node(1, size_t{1} << 30, std::move(faulty), FaultyFileSystem::Create(*log_memory));
  node.OpenWithMeasure();
  node.Write({{1, node.now(), 1}, {2, node.now(), 2}});
  REQUIRE(node.FlushAll().has_value());
  FaultRule rule;
  rule.skip = GENERATE(0, 3);
  ErrorCode code = ErrorCode::kIo;
  SECTION("too many links") {
    rule.op = IoOp::kLink;
    rule.error_number = EMLINK;
    code = ErrorCode::kIo;
  }
  SECTION("another device") {
    rule.op = IoOp::kLink;
    rule.error_number = EXDEV;
  }
  SECTION("no space for a link") {
    rule.op = IoOp::kLink;
    rule.error_number = ENOSPC;
    code = ErrorCode::kNoSpace;
  }
  SECTION("no space for a manifest") {
    rule.op = IoOp::kWrite;
    rule.file_class = FileClass::kSnapshot;
    rule.error_number = ENOSPC;
    code = ErrorCode::kNoSpace;
  }
  SECTION("a manifest cannot be synced") {
    rule.op = IoOp::kSync;
    rule.file_class = FileClass::kSnapshot;
    rule.error_number = EIO;
  }
  SECTION("a directory cannot be synced") {
    rule.op = IoOp::kSyncDirectory;
    rule.file_class = FileClass::kSnapshot;
    rule.error_number = EIO;
  }
  SECTION("the list cannot be named") {
    rule.op = IoOp::kRename;
    rule.file_class = FileClass::kSnapshot;
    rule.error_number = EIO;
    rule.skip = 0;
  }
  faults.AddRule(rule);
  const auto taken = node.Snapshot();
  faults.ClearRules();
  REQUIRE(!taken.has_value());
  REQUIRE(taken.error().code == code);
  REQUIRE(node.database().ListSnapshots()->empty());
  for (const std::string folder : {"measure", "property", "schema-property", "stream"}) {
    REQUIRE(Names(*memory, folder + "/snapshots").empty());
  }
  REQUIRE(Names(*memory, "snapshots").empty());
  REQUIRE(!node.database().ReadOnly().has_value());
  const auto again = node.Snapshot();
  REQUIRE(again.has_value());
  REQUIRE(node.IsWhole(again->id));
}

TEST_CASE("a group whose flush fails is left out as a whole and named", "[database][snapshot]") {
  const auto memory = MemoryFileSystem::Create();
  const auto log_memory = MemoryFileSystem::Create();
  std::unique_ptr<FaultyFileSystem> faulty = FaultyFileSystem::Create(*memory);
  FaultyFileSystem& faults = *faulty;
  Node node(1, size_t{1} << 30, std::move(faulty), FaultyFileSystem::Create(*log_memory));
  node.OpenWithMeasure();
  node.MakeGroup("other");
  node.Write({{1, node.now(), 1}, {2, node.now(), 2}});
  node.Write({{3, node.now(), 3}}, "other");
  FaultRule rule;
  rule.op = IoOp::kWrite;
  rule.file_class = FileClass::kFlush;
  rule.path_contains = "other";
  rule.error_number = ENOMEM;
  faults.AddRule(rule);
  const auto taken = node.Snapshot();
  faults.ClearRules();
  REQUIRE(taken.has_value());
  const CatalogSnapshot* const measure = Find(*taken, "measure");
  REQUIRE(measure->error.find("group other is left out") != std::string::npos);
  for (const SnapshotGroup& group : measure->groups) REQUIRE(group.name != "other");
  REQUIRE(node.IsWhole(taken->id));
  REQUIRE(RowsIn(*memory, *taken).size() == 2);
}

// What the table does between the pin and the link when it finds damage.
void SetAside(FileSystem& fs, const std::string& path) {
  const std::string quarantine = JoinPath(ParentPath(path), "quarantine");
  REQUIRE(fs.CreateDirectory(quarantine).has_value());
  REQUIRE(fs.Rename(path, JoinPath(quarantine, BaseName(path))).has_value());
}

Manifest ManifestBeside(FileSystem& fs, const CatalogSnapshot& catalog, std::string_view path) {
  for (const SnapshotFile& file : catalog.files) {
    if (ParentPath(file.path) != ParentPath(path) || !file.path.ends_with(".snp")) continue;
    const auto bytes = ReadWholeFile(fs, JoinPath(SnapshotFolder(catalog), file.path),
                                     kManifestBytesMax, FileClass::kTool);
    REQUIRE(bytes.has_value());
    return DecodeManifest(*bytes).value();
  }
  FAIL("no manifest beside " << path);
  return {};
}

TEST_CASE("a file that is set aside before it is linked is named, the rest is in the snapshot",
          "[database][snapshot]") {
  Node node;
  node.OpenWithMeasure();
  node.MakeGroup("other");
  node.Write({{1, node.now(), 1}});
  REQUIRE(node.FlushAll().has_value());
  node.Write({{1, node.now() + 1, 2}});
  node.Write({{3, node.now(), 3}}, "other");
  REQUIRE(node.FlushAll().has_value());
  const auto before = node.Snapshot();
  REQUIRE(before.has_value());
  const std::string suffix = GENERATE(as<std::string>(), ".part", ".idx");
  const auto& files = Find(*before, "measure")->files;
  const auto lost = std::find_if(files.begin(), files.end(), [&](const SnapshotFile& file) {
    return file.path.starts_with(kGroup) && file.path.ends_with(suffix);
  });
  REQUIRE(lost != files.end());
  const std::string path = JoinPath("measure/data", lost->path);
  SetAside(node.fs(), path);

  const auto taken = node.Snapshot();
  REQUIRE(taken.has_value());
  const CatalogSnapshot& measure = *Find(*taken, "measure");
  REQUIRE(measure.error.find("group sw_metric is not whole: " + path) != std::string::npos);
  REQUIRE(measure.groups.size() == 2);
  REQUIRE(measure.files.size() == files.size() - 1);
  REQUIRE(node.IsWhole(taken->id));
  const Manifest manifest = ManifestBeside(node.fs(), measure, lost->path);
  REQUIRE(manifest.damaged.size() == 1);
  REQUIRE(manifest.damaged[0].is_index == (suffix == ".idx"));
  REQUIRE(RowsIn(node.fs(), *taken, "other").size() == 1);
}

TEST_CASE("old snapshots go by count and age, and never one that is held", "[database][snapshot]") {
  Node node;
  node.options().snapshots = {.keep = 2, .min_age_nanos = kNanosPerHour};
  node.OpenWithMeasure();
  node.Write({{1, node.now(), 1}});
  std::vector<std::string> ids;
  const auto take = [&] {
    ids.push_back(node.Snapshot()->id);
    node.Pass(kNanosPerSecond);
  };
  for (int i = 0; i < 4; ++i) take();
  REQUIRE(node.database().ListSnapshots()->size() == 4);  // all are young
  auto hold = node.database().HoldSnapshot(ids[1], "backup nightly");
  REQUIRE(hold.has_value());
  const Result<> refused = node.database().DeleteSnapshot(ids[1]);
  REQUIRE(refused.error().code == ErrorCode::kFailedPrecondition);
  REQUIRE(refused.error().message.find("in use by backup nightly") != std::string::npos);
  node.clock().Advance(2 * kNanosPerHour);
  node.Pass(200 * kNanosPerSecond);  // housekeeping
  const auto list = node.database().ListSnapshots();
  REQUIRE(list->size() == 3);
  REQUIRE(list->at(0).id == ids[3]);
  REQUIRE(list->at(1).id == ids[2]);
  REQUIRE(list->at(2).id == ids[1]);
  REQUIRE(node.IsWhole(ids[1]));
  hold->Release();
  node.Pass(200 * kNanosPerSecond);
  REQUIRE(node.database().ListSnapshots()->size() == 2);
  REQUIRE(Names(node.fs(), "measure/snapshots").size() == 2);
  REQUIRE(Names(node.fs(), "schema-property/snapshots").size() == 2);
  REQUIRE(node.database().DeleteSnapshot(ids[2]).has_value());
  REQUIRE(node.database().DeleteSnapshot(ids[2]).error().code == ErrorCode::kNotFound);
  REQUIRE(node.database().HoldSnapshot(ids[2], "x").error().code == ErrorCode::kNotFound);
  REQUIRE(node.database().DeleteSnapshot("../x").error().code == ErrorCode::kInvalidArgument);
}

TEST_CASE("a snapshot that is held as soon as it is taken is not crowded out by younger ones",
          "[database][snapshot]") {
  DatabaseHarness node;
  node.options().snapshots = {.keep = 1, .min_age_nanos = 0};
  REQUIRE(node.Open().has_value());
  const bool holds = GENERATE(true, false);
  std::string first;
  SnapshotHold hold;
  size_t taken = 0;
  node.database().TakeSnapshot({}, [&](Result<SnapshotContents> contents) {
    REQUIRE(contents.has_value());
    first = contents->id;
    ++taken;
    if (!holds) return;
    auto held = node.database().HoldSnapshot(first, "the test");
    REQUIRE(held.has_value());
    hold = *std::move(held);
  });
  for (int i = 0; i < 3; ++i) {
    node.database().TakeSnapshot({}, [&](const Result<SnapshotContents>&) { ++taken; });
  }
  node.Pump([&] { return taken == 4; });
  REQUIRE(node.database().ReadSnapshot(first).has_value() == holds);
}

TEST_CASE("a snapshot whose name sorts below an older one's is not stale when it is taken",
          "[database][snapshot]") {
  DatabaseHarness node;
  node.options().snapshots = {.keep = 1, .min_age_nanos = 0};
  const auto take = [&] {
    std::string id;
    node.database().TakeSnapshot({}, [&](const Result<SnapshotContents>& contents) {
      REQUIRE(contents.has_value());
      id = contents->id;
    });
    node.Pump([&] { return !id.empty(); });
    return id;
  };
  REQUIRE(node.Open().has_value());
  const std::string first = take();
  REQUIRE(first < take());
  // Within the same second: its numbers begin anew, and the first name is free again.
  node.Close();
  REQUIRE(node.Open().has_value());
  const std::string newest = take();
  REQUIRE(node.database().ReadSnapshot(newest).has_value());
}

TEST_CASE("a database that closes tells every snapshot that waits", "[database][snapshot]") {
  const uint64_t seed = GENERATE(range<uint64_t>(0, 20));
  CAPTURE(seed);
  Node node(seed);
  node.OpenWithMeasure();
  node.Write({{1, node.now(), 1}});
  const auto first = node.BeginSnapshot();
  const auto second = node.BeginSnapshot();
  SeededRandom dice(seed);
  for (uint64_t jobs = dice.Below(25); jobs > 0; --jobs) node.executor().RunOne();
  node.Close();
  REQUIRE(first->result.has_value());
  REQUIRE(second->result.has_value());
  REQUIRE((second->result->has_value() || second->result->error().code == ErrorCode::kUnavailable ||
           second->result->error().code == ErrorCode::kCancelled));
  REQUIRE(node.Open().has_value());
  const size_t made = (first->result->has_value() ? 1 : 0) + (second->result->has_value() ? 1 : 0);
  REQUIRE(node.database().ListSnapshots()->size() == made);
  REQUIRE(Names(node.fs(), "measure/snapshots").size() == made);
}

TEST_CASE("more requests than can wait are refused", "[database][snapshot]") {
  Node node;
  node.OpenWithMeasure();
  std::vector<std::shared_ptr<Node::Taking>> takings;
  for (int i = 0; i < 40; ++i) takings.push_back(node.BeginSnapshot());
  REQUIRE(takings.back()->result.has_value());
  REQUIRE(takings.back()->result->error().code == ErrorCode::kResourceExhausted);
  node.Pump([&] {
    return std::all_of(takings.begin(), takings.end(),
                       [](const auto& taking) { return taking->result.has_value(); });
  });
  REQUIRE(takings.front()->result->has_value());
}

TEST_CASE("a damaged file of a snapshot is found and named, whatever it is",
          "[database][snapshot]") {
  Node node;
  node.OpenWithMeasure();
  node.Write({{1, node.now(), 1}, {2, node.now(), 2}});
  const auto taken = node.Snapshot();
  REQUIRE(taken.has_value());
  for (const CatalogSnapshot& catalog : taken->catalogs) {
    for (const SnapshotFile& file : catalog.files) {
      const std::string path = JoinPath(SnapshotFolder(catalog), file.path);
      for (const uint64_t offset : {uint64_t{0}, file.size_bytes / 2, file.size_bytes - 1}) {
        CAPTURE(path, offset);
        REQUIRE(node.fs().FlipBits(path, offset, 1).has_value());
        const auto verified = node.database().VerifySnapshot(taken->id, {});
        REQUIRE(verified.has_value());
        REQUIRE(std::any_of(verified->damage.begin(), verified->damage.end(),
                            [&](const SnapshotDamage& damage) { return damage.path == path; }));
        REQUIRE(node.fs().FlipBits(path, offset, 1).has_value());
      }
    }
  }
  REQUIRE(node.IsWhole(taken->id));
  const CatalogSnapshot* const measure = Find(*taken, "measure");
  const std::string folder = SnapshotFolder(*measure);
  SECTION("a missing file") {
    REQUIRE(node.fs().Remove(JoinPath(folder, measure->files.back().path)).has_value());
    REQUIRE(node.database().VerifySnapshot(taken->id, {})->damage.size() >= 1);
  }
  SECTION("a file too many") {
    SeededRandom random(1);
    REQUIRE(
        PublishFile(node.fs(), random, folder + "/sw_metric/x", "x", FileClass::kTool).has_value());
    const auto verified = node.database().VerifySnapshot(taken->id, {});
    REQUIRE(verified->damage ==
            std::vector<SnapshotDamage>{{folder + "/sw_metric/x", "it is not in the list"}});
  }
  SECTION("a damaged list") {
    REQUIRE(node.fs().FlipBits("snapshots/" + taken->id + ".contents", 40, 1).has_value());
    REQUIRE(node.database().VerifySnapshot(taken->id, {}).error().code == ErrorCode::kCorruption);
    REQUIRE(!node.database().ListSnapshots()->front().damage.empty());
    // What it named is not known, so nothing is cleared away at start.
    node.Kill();
    REQUIRE(node.Open().has_value());
    REQUIRE(Names(node.fs(), "measure/snapshots").size() == 1);
    REQUIRE(node.database().DeleteSnapshot(taken->id).has_value());
    node.Kill();
    REQUIRE(node.Open().has_value());
    REQUIRE(Names(node.fs(), "measure/snapshots").empty());
  }
}

}  // namespace
}  // namespace ficus
