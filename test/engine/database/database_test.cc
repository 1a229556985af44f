#include "engine/database/database.h"

#include <algorithm>
#include <string>

#include <catch2/catch.hpp>

#include "engine/base/log.h"
#include "engine/database/node_identity.h"
#include "engine/io/faulty_file_system.h"
#include "engine/io/publish.h"
#include "engine/table/manifest.h"
#include "engine/wal/log_format.h"
#include "test/engine/database/database_harness.h"
#include "test/engine/database/stopped_open.h"
#include "test/support/seed.h"

namespace ficus {
namespace {

constexpr const char* kGroup = "sw_metric";
constexpr const char* kMeasure = "service_cpm";

struct Node : DatabaseHarness {
  LogCapture log;

  explicit Node(uint64_t seed = 1, size_t ledger_bytes = size_t{1} << 30)
      : DatabaseHarness(seed, ledger_bytes) {}
  void OpenWithMeasure() {
    REQUIRE(Open().has_value());
    REQUIRE(CreateGroup(kGroup).has_value());
    REQUIRE(CreateMeasure(kGroup, kMeasure).has_value());
  }
  NodeRows Read() { return DatabaseHarness::Read(kGroup, kMeasure); }
  Written Write(const std::vector<NodeRow>& rows) {
    return DatabaseHarness::Write(kGroup, kMeasure, rows);
  }
  UnixNanos Minute(int64_t minutes) const { return now() + minutes * 60 * kNanosPerSecond; }
};

TEST_CASE("an acknowledged row is visible", "[database]") {
  Node node;
  node.OpenWithMeasure();
  const UnixNanos time = node.now();
  const auto written = node.Write({{1, time, 10}, {2, time, 20}});
  REQUIRE(written.result.has_value());
  REQUIRE(written.refused.empty());
  REQUIRE(node.Read() == NodeRows{{{1, time}, {1, 10}}, {{2, time}, {1, 20}}});
}

TEST_CASE("an acknowledged row survives kill -9, flushed or not", "[database][recovery]") {
  Node node;
  node.OpenWithMeasure();
  const UnixNanos time = node.now();
  REQUIRE(node.Write({{1, time, 10}}).result.has_value());
  REQUIRE(node.FlushAll().has_value());
  REQUIRE(node.Write({{2, time, 20}}).result.has_value());
  const NodeRows before = node.Read();
  for (int round = 0; round < 3; ++round) {
    node.Kill();
    REQUIRE(node.Open().has_value());
    REQUIRE(node.Read() == before);
  }
}

TEST_CASE("schemas are there after kill -9, as they were", "[database][schema][recovery]") {
  Node node;
  node.OpenWithMeasure();
  const auto before = node.database().Schema();
  node.Kill();
  REQUIRE(node.Open().has_value());
  const auto after = node.database().Schema();
  REQUIRE(after->revision() == before->revision());
  REQUIRE(after->objects().size() == before->objects().size());
  for (size_t i = 0; i < before->objects().size(); ++i) {
    REQUIRE(*after->objects()[i] == *before->objects()[i]);
  }
}

TEST_CASE("rows of several days lie in several segments", "[database]") {
  Node node;
  node.OpenWithMeasure();
  const UnixNanos time = node.now();
  std::vector<NodeRow> rows;
  for (int64_t day = 0; day < 4; ++day) rows.push_back({1, time - day * kNanosPerDay, day});
  REQUIRE(node.Write(rows).result.has_value());
  const auto schema = node.database().Schema();
  const auto store = node.database().FindGroup(schema->FindGroup(kGroup)->group_id);
  REQUIRE(store->Segments(TimeRange::All()).size() == 4);
  REQUIRE(node.Read().size() == 4);
}

TEST_CASE("a group that was deleted and made again has no old rows, after replay neither",
          "[database][schema]") {
  Node node;
  node.OpenWithMeasure();
  REQUIRE(node.Write({{1, node.now(), 10}}).result.has_value());
  REQUIRE(node.DeleteGroup(kGroup).has_value());
  node.Pass(2 * kNanosPerSecond);
  REQUIRE(node.database().Task(kGroup)->state == DeletionState::kDone);
  REQUIRE(node.CreateGroup(kGroup).has_value());
  REQUIRE(node.CreateMeasure(kGroup, kMeasure).has_value());
  REQUIRE(node.Read().empty());
  node.Kill();
  REQUIRE(node.Open().has_value());
  REQUIRE(node.Read().empty());
  REQUIRE(node.Write({{1, node.now(), 11}}).result.has_value());
  REQUIRE(node.Read().size() == 1);
}

TEST_CASE("whether a group may be deleted is asked when nothing but the log is left to wait for",
          "[database][schema]") {
  Node node;
  node.OpenWithMeasure();
  const auto written = node.Begin(kGroup, kMeasure, {{1, node.now(), 10}});
  Result<SchemaChange> outcome = Error{ErrorCode::kUnavailable, "not called"};
  bool done = false;
  node.database().DeleteGroup(
      kGroup, GroupDeletion::kEverything,
      [&]() -> Result<> {
        node.Pump([&] { return written->done; });
        REQUIRE(*node.database().HasRows(kGroup));
        return Error{ErrorCode::kFailedPrecondition, "not empty"};
      },
      [&](Result<SchemaChange> change) {
        outcome = std::move(change);
        done = true;
      });
  node.Pump([&] { return done; });
  REQUIRE(outcome.error().code == ErrorCode::kFailedPrecondition);
  REQUIRE(node.Read().size() == 1);
  // The next change is not held up.
  REQUIRE(node.DeleteGroup(kGroup).has_value());
}

TEST_CASE("deleting only the data keeps the schemas", "[database][schema]") {
  Node node;
  node.OpenWithMeasure();
  REQUIRE(node.Write({{1, node.now(), 10}}).result.has_value());
  const GroupId old_id = node.database().Schema()->FindGroup(kGroup)->group_id;
  REQUIRE(node.DeleteGroup(kGroup, GroupDeletion::kDataOnly).has_value());
  node.Pass(3 * kNanosPerSecond);
  REQUIRE(node.database().Schema()->FindGroup(kGroup)->group_id != old_id);
  REQUIRE(node.Read().empty());
  REQUIRE(node.Write({{1, node.now(), 11}}).result.has_value());
  node.Kill();
  REQUIRE(node.Open().has_value());
  REQUIRE(node.Read().size() == 1);
}

TEST_CASE("a group's name cannot be used while its files are still there", "[database][schema]") {
  Node node;
  node.OpenWithMeasure();
  REQUIRE(node.Write({{1, node.now(), 10}}).result.has_value());
  auto held = node.database().FindGroup(node.database().Schema()->FindGroup(kGroup)->group_id);
  REQUIRE(node.DeleteGroup(kGroup).has_value());
  node.Pass(5 * kNanosPerSecond);
  REQUIRE(node.CreateGroup(kGroup).error().code == ErrorCode::kFailedPrecondition);
  held.reset();
  node.Pass(2 * kNanosPerSecond);
  REQUIRE(node.CreateGroup(kGroup).has_value());
}

TEST_CASE("expired segments go, and their rows do not come back with the log",
          "[database][retention]") {
  Node node;
  node.OpenWithMeasure();
  const UnixNanos old_time = node.now() - 6 * kNanosPerDay;
  REQUIRE(node.Write({{1, old_time, 10}, {1, node.now(), 20}}).result.has_value());
  node.clock().Advance(3 * kNanosPerDay);
  REQUIRE(node.RunRetention().has_value());
  REQUIRE(node.Read().size() == 1);
  node.Kill();
  REQUIRE(node.Open().has_value());
  REQUIRE(node.Read().size() == 1);
  const auto schema = node.database().Schema();
  const auto store = node.database().FindGroup(schema->FindGroup(kGroup)->group_id);
  REQUIRE(store->Segments(TimeRange::All()).size() == 1);
}

TEST_CASE("a segment whose identity is lost goes with retention, too", "[database][retention]") {
  Node node;
  node.OpenWithMeasure();
  const UnixNanos old_time = node.now() - 6 * kNanosPerDay;
  REQUIRE(node.Write({{1, old_time, 10}, {1, node.now(), 20}}).result.has_value());
  const auto find_store = [&node] {
    return node.database().FindGroup(node.database().Schema()->FindGroup(kGroup)->group_id);
  };
  const std::string directory = find_store()->Segments(TimeRange::All())[0]->directory();
  REQUIRE(node.FlushAll().has_value());
  node.Kill();
  REQUIRE(node.fs().FlipBits(directory + "/segment", 9, 1).has_value());
  REQUIRE(node.Open().has_value());
  REQUIRE(node.database().Status().damaged_files == 1);
  node.clock().Advance(3 * kNanosPerDay);
  REQUIRE(node.RunRetention().has_value());
  REQUIRE(node.database().Status().damaged_files == 0);
  REQUIRE_FALSE(node.fs().Status(directory).has_value());
  REQUIRE(node.Read().size() == 1);
}

TEST_CASE("a segment that is made again after its removal keeps its rows",
          "[database][retention]") {
  Node node;
  node.OpenWithMeasure();
  const UnixNanos old_time = node.now() - 6 * kNanosPerDay;
  REQUIRE(node.Write({{1, old_time, 10}}).result.has_value());
  node.clock().Advance(3 * kNanosPerDay);
  REQUIRE(node.RunRetention().has_value());
  node.Pass(3 * 60 * kNanosPerSecond);
  // The removal is still in the log when the operator prolongs the TTL and the row comes again.
  REQUIRE(node.UpdateGroup(kGroup, 30).has_value());
  REQUIRE(node.Write({{1, old_time, 11, 2}}).result.has_value());
  node.Kill();
  REQUIRE(node.Open().has_value());
  REQUIRE(node.Read() == NodeRows{{{1, old_time}, {2, 11}}});
}

TEST_CASE("a clock step suspends retention until it is confirmed", "[database][retention]") {
  Node node;
  node.OpenWithMeasure();
  REQUIRE(node.Write({{1, node.now(), 10}}).result.has_value());
  node.clock().StepWall(400 * kNanosPerDay);
  node.Pass(2 * kNanosPerSecond);
  REQUIRE(node.RunRetention().error().code == ErrorCode::kFailedPrecondition);
  REQUIRE(node.log.Count("clock.step") == 1);
  REQUIRE(node.Read().size() == 1);
  node.database().ConfirmClock();
  REQUIRE(node.RunRetention().has_value());
  REQUIRE(node.Read().empty());
}

TEST_CASE("rows at the ends of time are there after a restart", "[database]") {
  Node node;
  node.OpenWithMeasure();
  const UnixNanos first = TimeRange::All().begin / kNanosPerMilli * kNanosPerMilli;
  const UnixNanos last = TimeRange::All().end / kNanosPerMilli * kNanosPerMilli;
  REQUIRE(node.Write({{1, first, 10}, {1, last, 20}}).result.has_value());
  for (const bool flushed : {false, true}) {
    CAPTURE(flushed);
    if (flushed) REQUIRE(node.FlushAll().has_value());
    node.Kill();
    REQUIRE(node.Open().has_value());
    REQUIRE(node.Read() == NodeRows{{{1, first}, {1, 10}}, {{1, last}, {1, 20}}});
  }
}

TEST_CASE("the log is trimmed once everything in it is flushed", "[database][log]") {
  Node node;
  node.options().log.file_bytes = 64 << 10;
  node.OpenWithMeasure();
  std::vector<NodeRow> rows;
  for (int64_t i = 0; i < 2000; ++i) rows.push_back({i % 50, node.Minute(-i / 50), i});
  for (int round = 0; round < 20; ++round) {
    for (NodeRow& row : rows) ++row.version;
    REQUIRE(node.Write(rows).result.has_value());
  }
  const uint64_t before = node.database().Status().log_files;
  REQUIRE(before > 3);
  REQUIRE(node.FlushAll().has_value());
  node.Pass(3 * kNanosPerSecond);
  REQUIRE(node.database().Status().log_files < before);
  const NodeRows expected = node.Read();
  node.Kill();
  REQUIRE(node.Open().has_value());
  REQUIRE(node.Read() == expected);
}

// Rows that nothing but a full memory flushes; they take more than a quarter of it.
struct LoadedNode : Node {
  static constexpr size_t kMemoryBytes = size_t{16} << 20;
  NodeRows expected;

  LoadedNode() : Node(1, kMemoryBytes) {
    options().table.flush_interval_nanos = 3600 * kNanosPerSecond;
    options().table.flush_bytes = size_t{1} << 30;
    OpenWithMeasure();
    for (int64_t batch = 0; held() < kMemoryBytes / 2; ++batch) {
      std::vector<NodeRow> rows;
      for (int64_t i = 0; i < 2000; ++i) rows.push_back({i % 50, Minute(-i / 50) - batch, i});
      REQUIRE(Write(rows).result.has_value());
    }
    expected = Read();
    Kill();
    REQUIRE(held() == 0);
  }
  size_t held() const { return ledger().used_bytes(MemoryConsumer::kMemParts); }
};

TEST_CASE("a log that holds more than a quarter of the memory is flushed while it is replayed",
          "[database][recovery]") {
  LoadedNode node;
  REQUIRE(node.Open().has_value());
  REQUIRE(node.held() < LoadedNode::kMemoryBytes / 3);
  REQUIRE(node.database().Status().file_rows > 0);
  REQUIRE(node.Read() == node.expected);
  node.Kill();
  REQUIRE(node.Open().has_value());
  REQUIRE(node.Read() == node.expected);
}

void HasEveryRow(LoadedNode& node) {
  REQUIRE(node.Open().has_value());
  REQUIRE(node.Read() == node.expected);
  const DatabaseStatus status = node.database().Status();
  REQUIRE(status.parked_records == 0);
  REQUIRE(status.damaged_files == 0);
}

TEST_CASE(
    "a start that is stopped in the middle of the log loses nothing, and the next one has all",
    "[database][recovery]") {
  LoadedNode node;
  // The log is read once to see whether it is whole, once for what is gone, and once for its rows.
  const uint64_t readings = GENERATE(as<uint64_t>{}, 0, 1, 2);
  CAPTURE(readings);
  FaultRule stall;
  stall.op = IoOp::kOpen;
  stall.file_class = FileClass::kRecovery;
  stall.path_contains = LogFileName(2);
  stall.skip = readings;
  FaultRule next_file = stall;
  next_file.path_contains = LogFileName(3);
  const StoppedOpen start = OpenStoppedAt(node, {stall, next_file});
  REQUIRE(start.stopped);
  REQUIRE(start.opened.error().code == ErrorCode::kCancelled);
  HasEveryRow(node);
}

TEST_CASE("a start that is stopped while it flushes rows of the log loses nothing",
          "[database][recovery]") {
  LoadedNode node;
  FaultRule stall;
  stall.op = IoOp::kOpen;
  stall.file_class = FileClass::kFlush;
  const StoppedOpen start = OpenStoppedAt(node, {stall});
  REQUIRE(start.stopped);
  REQUIRE(start.opened.error().code == ErrorCode::kCancelled);
  HasEveryRow(node);
}

TEST_CASE("a log that holds more than a quarter of the memory is replayed on a full disk too",
          "[database][recovery][disk]") {
  LoadedNode node;
  node.fs().SetLimits({1 << 20, 1 << 20});
  REQUIRE(node.Open().has_value());
  REQUIRE(node.Read() == node.expected);
  REQUIRE(node.database().ReadOnly().has_value());
  node.fs().SetLimits({});
  node.Pass(10 * kNanosPerSecond);
  REQUIRE(node.FlushAll().has_value());
  REQUIRE(node.Read() == node.expected);
}

TEST_CASE("a second opener of the same root is refused", "[database]") {
  Node node;
  node.OpenWithMeasure();
  const auto lock = node.fs().Lock("LOCK");
  REQUIRE(lock.error().code == ErrorCode::kUnavailable);
}

TEST_CASE("a missing log stops the start until the loss is accepted", "[database][recovery]") {
  Node node;
  node.OpenWithMeasure();
  REQUIRE(node.Write({{1, node.now(), 10}}).result.has_value());
  REQUIRE(node.FlushAll().has_value());
  REQUIRE(node.Write({{2, node.now(), 20}}).result.has_value());
  node.Kill();
  for (const DirectoryEntry& entry : *node.log_fs().List("")) {
    if (!entry.is_directory) REQUIRE(node.log_fs().Remove(entry.name).has_value());
  }
  const Result<> refused = node.Open();
  REQUIRE(refused.error().code == ErrorCode::kFailedPrecondition);
  REQUIRE(refused.error().message.find("ficusctl log accept-loss") != std::string::npos);
  node.Kill();
  node.options().accept_log_loss = true;
  REQUIRE(node.Open().has_value());
  REQUIRE(node.Read().size() == 1);
  REQUIRE(node.Write({{3, node.now(), 30}}).result.has_value());
  node.options().accept_log_loss = false;
  node.Kill();
  REQUIRE(node.Open().has_value());
  REQUIRE(node.Read().size() == 2);
}

TEST_CASE("a log that ends below what a manifest recorded stops the start",
          "[database][recovery]") {
  Node node;
  node.OpenWithMeasure();
  REQUIRE(node.Write({{1, node.now(), 10}}).result.has_value());
  node.Kill();
  auto old_log = node.log_fs().Clone();
  REQUIRE(node.Open().has_value());
  REQUIRE(node.Write({{2, node.now(), 20}}).result.has_value());
  REQUIRE(node.FlushAll().has_value());
  node.Kill();
  node.UseLog(std::move(old_log));
  const Result<> refused = node.Open();
  REQUIRE(refused.error().code == ErrorCode::kFailedPrecondition);
  node.Kill();
  node.options().accept_log_loss = true;
  REQUIRE(node.Open().has_value());
  REQUIRE(node.Read().size() == 2);
}

TEST_CASE("a damaged schema opens the node read-only, and its data is not touched",
          "[database][recovery]") {
  Node node;
  node.OpenWithMeasure();
  REQUIRE(node.Write({{1, node.now(), 10}}).result.has_value());
  REQUIRE(node.FlushAll().has_value());
  node.Kill();
  const std::string shard = "property/data/_schema/shard-0";
  for (const DirectoryEntry& entry : *node.fs().List(shard)) {
    if (!entry.name.ends_with(".part")) continue;
    const std::string path = shard + "/" + entry.name;
    REQUIRE(node.fs().FlipBits(path, node.fs().Status(path)->size_bytes - 2, 1).has_value());
  }
  REQUIRE(node.Open().has_value());
  REQUIRE(node.database().ReadOnly()->code == ErrorCode::kReadOnly);
  const Result<SchemaChange> change = node.CreateGroup("other");
  REQUIRE(change.error().code == ErrorCode::kReadOnly);
  REQUIRE(node.fs().Status("measure/data/sw_metric/identity").has_value());
}

TEST_CASE("a start that cannot read the schema for a moment fails, and the next one has it",
          "[database][schema][recovery]") {
  const auto memory = MemoryFileSystem::Create();
  const auto log_memory = MemoryFileSystem::Create();
  std::unique_ptr<FaultyFileSystem> faulty = FaultyFileSystem::Create(*memory);
  FaultyFileSystem& faults = *faulty;
  LogCapture log;
  DatabaseHarness node(1, size_t{1} << 30, std::move(faulty),
                       FaultyFileSystem::Create(*log_memory));
  REQUIRE(node.Open().has_value());
  REQUIRE(node.CreateGroup(kGroup).has_value());
  REQUIRE(node.CreateMeasure(kGroup, kMeasure).has_value());
  REQUIRE(node.FlushAll().has_value());
  node.Close();
  const bool fails_on_read = GENERATE(true, false);
  FaultRule rule;
  rule.op = fails_on_read ? IoOp::kRead : IoOp::kOpen;
  rule.path_contains = "_schema";
  rule.times = 1;
  size_t failed = 0;
  for (uint64_t skip = 0; skip < 50; ++skip) {
    CAPTURE(skip, fails_on_read);
    rule.skip = skip;
    faults.AddRule(rule);
    const Result<> opened = node.Open();
    faults.ClearRules();
    if (opened.has_value()) {
      REQUIRE(!node.database().ReadOnly().has_value());
      REQUIRE(node.database().Schema()->Find(SchemaKind::kMeasure, kGroup, kMeasure) != nullptr);
      node.Close();
    } else {
      ++failed;
    }
  }
  REQUIRE(failed > 0);
  REQUIRE(log.Count("log.parked") == 0);
}

TEST_CASE("a full disk refuses writes, reads go on, and it ends by itself", "[database][disk]") {
  Node node;
  node.OpenWithMeasure();
  REQUIRE(node.Write({{1, node.now(), 10}}).result.has_value());
  node.fs().SetLimits({1 << 20, 1 << 20});
  node.Pass(2 * kNanosPerSecond);
  const auto refused = node.Write({{2, node.now(), 20}});
  REQUIRE(refused.result.error().code == ErrorCode::kNoSpace);
  REQUIRE(node.Read().size() == 1);
  node.fs().SetLimits({});
  node.Pass(2 * kNanosPerSecond);
  REQUIRE(node.Write({{2, node.now(), 20}}).result.has_value());
}

TEST_CASE("rows of an unknown group are refused one by one", "[database]") {
  Node node;
  node.OpenWithMeasure();
  KeyedRows keyed = node.Keyed(kGroup, kMeasure, {{1, node.now(), 10}});
  keyed.group = GroupId(12345);
  std::vector<KeyedRows> rows;
  rows.push_back(std::move(keyed));
  std::vector<RefusedRow> refused;
  bool done = false;
  node.database().Write(std::move(rows),
                        [&](Result<> result, std::vector<RefusedRow> rows_refused) {
                          REQUIRE(result.has_value());
                          refused = std::move(rows_refused);
                          done = true;
                        });
  node.Pump([&] { return done; });
  REQUIRE(refused.size() == 1);
  REQUIRE(refused[0].code == ErrorCode::kNotFound);
}

TEST_CASE("a series id with another entity is refused, never mixed", "[database]") {
  Node node;
  node.OpenWithMeasure();
  REQUIRE(node.Write({{1, node.now(), 10}}).result.has_value());
  KeyedRows keyed = node.Keyed(kGroup, kMeasure, {{1, node.now() + 1, 10}});
  keyed.series_checks[0] ^= 1;
  std::vector<KeyedRows> rows;
  rows.push_back(std::move(keyed));
  std::vector<RefusedRow> refused;
  bool done = false;
  node.database().Write(std::move(rows),
                        [&](const Result<>&, std::vector<RefusedRow> rows_refused) {
                          refused = std::move(rows_refused);
                          done = true;
                        });
  node.Pump([&] { return done; });
  REQUIRE(refused.size() == 1);
  REQUIRE(refused[0].code == ErrorCode::kCorruption);
}

TEST_CASE("a log that is damaged in its middle stops the start until the loss is accepted",
          "[database][recovery]") {
  Node node;
  node.OpenWithMeasure();
  for (int64_t host = 0; host < 50; ++host) {
    REQUIRE(node.Write({{host, node.now(), 10}}).result.has_value());
  }
  const size_t before = node.Read().size();
  node.Kill();
  const auto entries = node.log_fs().List("");
  const auto file = std::find_if(entries->begin(), entries->end(), [](const DirectoryEntry& entry) {
    return entry.name.ends_with(".log");
  });
  REQUIRE(file != entries->end());
  const std::string content = *ReadWholeFile(node.log_fs(), file->name, 8 << 20, FileClass::kTool);
  const size_t middle = content.find_last_not_of('\0') / 2;
  REQUIRE(node.log_fs().FlipBits(file->name, middle, 1).has_value());
  const Result<> opened = node.Open();
  REQUIRE(!opened.has_value());
  REQUIRE(opened.error().code == ErrorCode::kFailedPrecondition);
  REQUIRE(opened.error().message.find("ficusctl log accept-loss") != std::string::npos);
  node.Kill();
  node.options().accept_log_loss = true;
  REQUIRE(node.Open().has_value());
  REQUIRE(node.Read().size() < before);
  node.Kill();
  node.options().accept_log_loss = false;
  REQUIRE(node.Open().has_value());
}

TEST_CASE("a batch that cannot be placed is parked, not dropped, and the log goes on",
          "[database][recovery]") {
  Node node;
  node.OpenWithMeasure();
  REQUIRE(node.Write({{1, node.now(), 10}}).result.has_value());
  REQUIRE(node.CreateGroup("other").has_value());
  REQUIRE(node.CreateMeasure("other", kMeasure).has_value());
  REQUIRE(node.DatabaseHarness::Write("other", kMeasure, {{2, node.now(), 20}}).result.has_value());
  node.Kill();
  // Somebody took the group's directory away: nothing in the log says that it is gone.
  REQUIRE(RemoveTree(node.fs(), "measure/data/sw_metric").has_value());
  REQUIRE(node.Open().has_value());
  REQUIRE(node.database().Status().parked_records == 1);
  REQUIRE(node.log.Count("log.parked") == 1);
  REQUIRE(node.DatabaseHarness::Read("other", kMeasure).size() == 1);
}

TEST_CASE("tables that nobody uses are closed and opened again when they are needed",
          "[database]") {
  Node node;
  node.options().segment_idle_nanos = 10 * kNanosPerSecond;
  node.OpenWithMeasure();
  REQUIRE(node.Write({{1, node.now(), 10}}).result.has_value());
  REQUIRE(node.FlushAll().has_value());
  const auto schema = node.database().Schema();
  const auto store = node.database().FindGroup(schema->FindGroup(kGroup)->group_id);
  REQUIRE(store->OpenTables().size() == 1);
  node.Pass(3 * 60 * kNanosPerSecond);
  REQUIRE(store->OpenTables().empty());
  REQUIRE(node.Read().size() == 1);
}

// Random work on one node with kills and power cuts: every acknowledged row is there, nothing that
// was never sent.
void PlayWithCrashes(uint64_t seed, MemoryFileSystem::NameOrder order) {
  CAPTURE(seed);
  Node node(seed);
  node.options().log.file_bytes = 32 << 10;
  node.OpenWithMeasure();
  SeededRandom random(seed * 31 + 7);
  const UnixNanos base = node.now() - 2 * kNanosPerDay;
  NodeRows acknowledged;
  NodeRows issued;
  int64_t version = 0;
  for (int step = 0; step < 40; ++step) {
    const uint64_t dice = random.Below(12);
    if (dice < 6) {
      std::vector<NodeRow> rows;
      for (uint64_t i = 0; i <= random.Below(30); ++i) {
        ++version;
        rows.push_back({static_cast<int64_t>(random.Below(4)),
                        base + static_cast<int64_t>(random.Below(72)) * kNanosPerHour,
                        static_cast<int64_t>(random.Below(1000)), version});
      }
      const bool dies = random.Below(4) == 0;
      for (const NodeRow& row : rows) issued[{row.host, row.time}] = {row.version, row.value};
      const auto written = node.Begin(kGroup, kMeasure, rows);
      if (dies) {
        for (uint64_t jobs = random.Below(20); jobs > 0; --jobs) node.executor().RunOne();
      } else {
        node.Pump([&] { return written->done; });
        REQUIRE(written->result.has_value());
      }
      if (written->done) {
        for (const NodeRow& row : rows)
          acknowledged[{row.host, row.time}] = {row.version, row.value};
      }
      if (dies) {
        if (random.Below(2) == 0) {
          node.Crash(order);
        } else {
          node.Kill();
        }
        REQUIRE(node.Open().has_value());
        REQUIRE(!node.database().ReadOnly().has_value());
      }
    } else if (dice < 8) {
      REQUIRE(node.FlushAll().has_value());
    } else if (dice < 9) {
      REQUIRE(node.MergeAll().has_value());
    } else if (dice < 10) {
      node.Pass(7 * kNanosPerSecond);
    } else if (dice < 11) {
      node.Crash(order);
      REQUIRE(node.Open().has_value());
    } else {
      node.Close();
      REQUIRE(node.Open().has_value());
    }
    const NodeRows rows = node.Read();
    for (const auto& [key, value] : acknowledged) {
      CAPTURE(step, key.first, key.second);
      REQUIRE(rows.contains(key));
      REQUIRE(rows.at(key).first >= value.first);
    }
    for (const auto& [key, value] : rows) {
      REQUIRE(issued.contains(key));
      if (value.first == issued[key].first) REQUIRE(value == issued[key]);
      acknowledged[key] = value;  // what was once seen stays
    }
  }
}

TEST_CASE("acknowledged rows survive kills and power cuts at any moment", "[database][crash]") {
  const auto order =
      GENERATE(MemoryFileSystem::NameOrder::kStrong, MemoryFileSystem::NameOrder::kWeak);
  const uint64_t seed = TestSeed(1);
  for (int round = 0; round < TestRounds(20); ++round) {
    PlayWithCrashes(seed + static_cast<uint64_t>(round), order);
  }
}

}  // namespace
}  // namespace ficus
