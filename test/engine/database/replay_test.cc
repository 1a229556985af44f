#include "engine/database/replay.h"

#include <cerrno>
#include <memory>
#include <stop_token>

#include <catch2/catch.hpp>

#include "engine/base/log.h"
#include "engine/database/parked_log.h"
#include "engine/io/faulty_file_system.h"
#include "engine/wal/log_format.h"
#include "test/engine/database/group_world.h"

namespace ficus {
namespace {

constexpr uint64_t kWeb = 7;
constexpr uint64_t kMesh = 8;
constexpr TimeRange kFirstDay{kDay, kDay + kNanosPerDay};

// A node that writes its log, dies, and brings two groups up to the log's end.
class Node {
 public:
  explicit Node(size_t ledger_bytes = size_t{1} << 30) : ledger_bytes_(ledger_bytes) {
    Live();
    web_ = world_->Create("web", kWeb);
    mesh_ = world_->Create("mesh", kMesh);
    world_->log().Start();
  }
  ~Node() { world_->Die(); }

  GroupWorld& world() { return *world_; }
  GroupStore& web() { return *web_; }
  GroupStore& mesh() { return *mesh_; }
  MemoryFileSystem& fs() { return *fs_; }
  MemoryFileSystem& log_fs() { return *log_fs_; }
  FaultyFileSystem& faults() { return *faults_; }
  FaultyFileSystem& log_faults() { return *log_faults_; }
  NodeRows Web() { return world_->Read(*web_); }
  NodeRows Mesh() { return world_->Read(*mesh_); }

  // One batch of the log; nothing is introduced.
  LogPosition Append(const LogRecord& record) { return AppendBytes(EncodeLogRecord(record)); }
  LogPosition AppendBytes(const std::string& payload) {
    world_->log().AppendAndRun(payload);
    return world_->log().log().last_position();
  }
  LogPosition AppendRows(GroupStore& store, const std::vector<NodeRow>& rows) {
    return Append({GroupWorld::RowsOf(GroupWorld::Route(store, rows)), {}, {}});
  }
  // One batch, and its tables have it.
  LogPosition Write(GroupStore& store, const std::vector<NodeRow>& rows) {
    std::vector<Routed> routed = GroupWorld::Route(store, rows);
    const LogPosition position = Append({GroupWorld::RowsOf(routed), {}, {}});
    world_->Introduce(std::move(routed), position.value());
    return position;
  }

  void Restart() {
    world_->Die();
    web_.reset();
    mesh_.reset();
    Live();
    web_ = world_->Open("web", kWeb);
    mesh_ = world_->Open("mesh", kMesh);
  }
  Result<ReplayOutcome> Replay() {
    return ReplayLog(
        {world_->log().log(), *log_fs_, world_->random(), world_->ledger(), find_group, flush_all,
         [this](const std::function<bool()>& done) { REQUIRE(world_->executor().RunUntil(done)); },
         stop.get_token()});
  }
  ReplayOutcome RestartAndReplay() {
    Restart();
    Result<ReplayOutcome> outcome = Replay();
    REQUIRE(outcome.has_value());
    return *std::move(outcome);
  }

  // What replay is given.
  std::stop_source stop;
  std::function<GroupStore*(GroupId)> find_group = [this](GroupId id) -> GroupStore* {
    if (id == GroupId(kWeb)) return web_.get();
    return id == GroupId(kMesh) ? mesh_.get() : nullptr;
  };
  std::function<void(std::function<void(Result<>)>)> flush_all =
      [this](std::function<void(Result<>)> done) {
        GroupWorld::FlushTables(*web_, std::move(done));
      };

 private:
  void Live() { world_ = std::make_unique<GroupWorld>(*faults_, *log_faults_, ledger_bytes_); }

  const size_t ledger_bytes_;
  std::unique_ptr<MemoryFileSystem> fs_ = MemoryFileSystem::Create();
  std::unique_ptr<MemoryFileSystem> log_fs_ = MemoryFileSystem::Create();
  std::unique_ptr<FaultyFileSystem> faults_ = FaultyFileSystem::Create(*fs_);
  std::unique_ptr<FaultyFileSystem> log_faults_ = FaultyFileSystem::Create(*log_fs_);
  std::unique_ptr<GroupWorld> world_;
  std::shared_ptr<GroupStore> web_;
  std::shared_ptr<GroupStore> mesh_;
};

TEST_CASE("an empty log brings nothing", "[database][replay]") {
  Node node;
  const ReplayOutcome outcome = node.RestartAndReplay();
  REQUIRE(outcome.batches == 0);
  REQUIRE(outcome.rows == 0);
}

TEST_CASE("every row of the log is visible when replay returns", "[database][replay]") {
  Node node;
  node.AppendRows(node.web(), {{2, kDay, 10}, {3, kDay, 20}, {2, kDay + kNanosPerDay, 30}});
  node.AppendRows(node.mesh(), {{2, kDay, 40}});
  node.AppendRows(node.web(), {{2, kDay, 11, 2}});
  const ReplayOutcome outcome = node.RestartAndReplay();
  REQUIRE(outcome.batches == 3);
  REQUIRE(outcome.rows == 5);
  REQUIRE(outcome.rows_flushed == 0);
  REQUIRE(outcome.rows_gone == 0);
  REQUIRE(outcome.batches_parked == 0);
  REQUIRE(node.Web() == NodeRows{{{2, kDay}, {2, 11}},
                                 {{3, kDay}, {1, 20}},
                                 {{2, kDay + kNanosPerDay}, {1, 30}}});
  REQUIRE(node.Mesh() == NodeRows{{{2, kDay}, {1, 40}}});
}

TEST_CASE("rows that a manifest covers are not brought again, those behind it are",
          "[database][replay]") {
  Node node;
  node.Write(node.web(), {{2, kDay, 10}});
  node.Write(node.web(), {{2, kDay, 11, 2}, {4, kDay, 12}});
  node.world().Flush(node.web());
  node.Write(node.web(), {{2, kDay, 13, 3}});
  // Of another table, which has flushed nothing.
  node.Write(node.web(), {{3, kDay, 14}});
  const NodeRows before = node.Web();
  for (int start = 0; start < 2; ++start) {
    const ReplayOutcome outcome = node.RestartAndReplay();
    REQUIRE(outcome.rows_flushed == 3);
    REQUIRE(outcome.rows == 2);
    REQUIRE(node.Web() == before);
  }
}

TEST_CASE("of one batch, a table that flushed it skips its share and the other one takes its own",
          "[database][replay]") {
  Node node;
  std::vector<Routed> routed = GroupWorld::Route(node.web(), {{2, kDay, 10}, {3, kDay, 20}});
  const LogPosition position = node.Append({GroupWorld::RowsOf(routed), {}, {}});
  routed.pop_back();
  node.world().Introduce(std::move(routed), position.value());
  node.world().Flush(node.web());
  const ReplayOutcome outcome = node.RestartAndReplay();
  REQUIRE(outcome.rows_flushed == 1);
  REQUIRE(outcome.rows == 1);
  REQUIRE(node.Web() == NodeRows{{{2, kDay}, {1, 10}}, {{3, kDay}, {1, 20}}});
}

TEST_CASE("shares of one batch for one table come to it together", "[database][replay]") {
  Node node;
  LogRecord record;
  record.rows = GroupWorld::RowsOf(GroupWorld::Route(node.web(), {{2, kDay, 10}}));
  record.rows.push_back(
      GroupWorld::Route(node.web(), {{2, kDay + 1, 11}, {4, kDay, 12}}).front().rows);
  node.Append(record);
  const ReplayOutcome outcome = node.RestartAndReplay();
  REQUIRE(outcome.rows == 3);
  REQUIRE(outcome.batches_parked == 0);
  REQUIRE(node.Web() ==
          NodeRows{{{2, kDay}, {1, 10}}, {{2, kDay + 1}, {1, 11}}, {{4, kDay}, {1, 12}}});
}

TEST_CASE("rows of a retired group are dropped wherever they stand in the log",
          "[database][replay]") {
  Node node;
  node.AppendRows(node.web(), {{2, kDay, 10}});
  LogRecord retirement;
  retirement.rows = GroupWorld::RowsOf(GroupWorld::Route(node.web(), {{2, kDay, 11}}));
  retirement.retired_groups = {{Catalog::kMeasure, GroupId(kWeb)}};
  node.Append(retirement);
  node.AppendRows(node.web(), {{3, kDay, 12}});
  node.AppendRows(node.mesh(), {{2, kDay, 13}});
  const bool directory_is_gone = GENERATE(false, true);
  node.Restart();
  if (directory_is_gone)
    node.find_group = [&](GroupId id) { return id == GroupId(kMesh) ? &node.mesh() : nullptr; };
  const Result<ReplayOutcome> outcome = node.Replay();
  REQUIRE(outcome.has_value());
  REQUIRE(outcome->rows_gone == 3);
  REQUIRE(outcome->rows == 1);
  REQUIRE(outcome->batches_parked == 0);
  REQUIRE(outcome->retired_groups == std::set<RetiredGroup>{{Catalog::kMeasure, GroupId(kWeb)}});
  REQUIRE(node.Web().empty());
  REQUIRE(node.Mesh().size() == 1);
}

TEST_CASE("the retirement of a group of another catalog drops nothing", "[database][replay]") {
  Node node;
  node.AppendRows(node.web(), {{2, kDay, 10}});
  node.Append({{}, {{Catalog::kStream, GroupId(kWeb)}}, {}});
  const ReplayOutcome outcome = node.RestartAndReplay();
  REQUIRE(outcome.rows_gone == 0);
  REQUIRE(node.Web().size() == 1);
}

TEST_CASE("rows of a removed segment are dropped, those behind the removal are not",
          "[database][replay]") {
  Node node;
  node.AppendRows(node.web(), {{2, kDay, 10}, {2, kDay + kNanosPerDay, 11}});
  node.AppendRows(node.mesh(), {{2, kDay, 12}});
  const RemovedSegment removed{Catalog::kMeasure, GroupId(kWeb), kFirstDay, 77};
  LogRecord removal;
  removal.rows = GroupWorld::RowsOf(GroupWorld::Route(node.mesh(), {{3, kDay, 13}}));
  removal.removed_segments = {removed};
  node.Append(removal);
  node.AppendRows(node.web(), {{4, kDay, 14}});
  const ReplayOutcome outcome = node.RestartAndReplay();
  REQUIRE(outcome.rows_gone == 1);
  REQUIRE(outcome.rows == 4);
  REQUIRE(outcome.removed_segments == std::vector<RemovedSegment>{removed});
  REQUIRE(node.Web() == NodeRows{{{2, kDay + kNanosPerDay}, {1, 11}}, {{4, kDay}, {1, 14}}});
  REQUIRE(node.Mesh() == NodeRows{{{2, kDay}, {1, 12}}, {{3, kDay}, {1, 13}}});
}

TEST_CASE("a removal of other times or of another catalog drops nothing", "[database][replay]") {
  Node node;
  node.AppendRows(node.web(), {{2, kDay, 10}});
  node.Append({{},
               {},
               {{Catalog::kMeasure, GroupId(kWeb), {kDay, kDay + kNanosPerHour}, 1},
                {Catalog::kStream, GroupId(kWeb), kFirstDay, 1}}});
  REQUIRE(node.RestartAndReplay().rows_gone == 0);
  REQUIRE(node.Web().size() == 1);
}

// A share of a batch that has no place, next to one that has.
enum class Misfit { kGroup, kSegment, kShard, kColumnType };

TEST_CASE(
    "a batch of which a share has no place is kept aside whole, and the rest of it is brought",
    "[database][replay]") {
  const Misfit misfit =
      GENERATE(Misfit::kGroup, Misfit::kSegment, Misfit::kShard, Misfit::kColumnType);
  CAPTURE(static_cast<int>(misfit));
  Node node;
  LogCapture log;
  LogRecord record;
  record.rows = GroupWorld::RowsOf(
      GroupWorld::Route(node.web(), {{2, kDay, 10}, {2, kDay + kNanosPerDay, 11}}));
  RoutedRows lost = record.rows.front();
  if (misfit == Misfit::kGroup) lost.group = GroupId(9);
  if (misfit == Misfit::kSegment) lost.segment.end -= 1;
  if (misfit == Misfit::kShard) lost.shard = ShardId(2);
  if (misfit == Misfit::kColumnType) {
    lost.rows.columns.clear();
    lost.rows.columns.emplace_back(kColumn, ColumnType::kFloat64);
    lost.rows.columns[0].AppendWord(1);
  }
  record.rows.insert(record.rows.begin() + 1, lost);
  const LogPosition position = node.Append(record);
  node.AppendRows(node.web(), {{4, kDay, 12}});

  const ReplayOutcome outcome = node.RestartAndReplay();
  REQUIRE(outcome.batches == 2);
  REQUIRE(outcome.batches_parked == 1);
  REQUIRE(log.Count("log.parked") == 1);
  const auto parked = ListParked(node.log_fs());
  REQUIRE(parked->size() == 1);
  REQUIRE(parked->front().log == node.world().log().log().id());
  REQUIRE(parked->front().position == position);
  REQUIRE(*ReadParked(node.log_fs(), parked->front().name) == EncodeLogRecord(record));
  REQUIRE(node.Web() == NodeRows{{{2, kDay}, {1, 10}},
                                 {{2, kDay + kNanosPerDay}, {1, 11}},
                                 {{4, kDay}, {1, 12}}});
}

TEST_CASE("a batch that is no record is kept aside, and what follows is brought",
          "[database][replay]") {
  Node node;
  LogCapture log;
  node.AppendBytes("noise");
  node.AppendRows(node.web(), {{2, kDay, 10}});
  const ReplayOutcome outcome = node.RestartAndReplay();
  REQUIRE(outcome.batches_parked == 1);
  REQUIRE(*ReadParked(node.log_fs(), ListParked(node.log_fs())->front().name) == "noise");
  REQUIRE(node.Web().size() == 1);
}

TEST_CASE("rows for a table that takes none are kept aside", "[database][replay]") {
  Node node;
  LogCapture log;
  for (int64_t version = 1; version < 3; ++version) {
    node.Write(node.web(), {{2, kDay, 10, version}});
    node.world().Flush(node.web());
  }
  node.AppendRows(node.web(), {{2, kDay, 11, 3}});
  DamageNewestManifest(node.fs(), "measure/data/web/seg-20241004/shard-0");
  const ReplayOutcome outcome = node.RestartAndReplay();
  REQUIRE(outcome.rows == 0);
  REQUIRE(outcome.batches_parked == 3);
  REQUIRE(ListParked(node.log_fs())->size() == 3);
}

TEST_CASE("a start that is short of descriptors fails and keeps nothing aside",
          "[database][replay]") {
  Node node;
  node.AppendRows(node.web(), {{2, kDay, 10}});
  node.AppendRows(node.mesh(), {{2, kDay, 20}});
  node.Restart();
  FaultRule rule;
  rule.op = IoOp::kOpen;
  rule.path_contains = "mesh";
  rule.error_number = EMFILE;
  rule.times = UINT64_MAX;
  node.faults().AddRule(rule);
  REQUIRE(node.Replay().error().code == ErrorCode::kResourceExhausted);
  REQUIRE(ListParked(node.log_fs())->empty());
  node.faults().ClearRules();
  REQUIRE(node.RestartAndReplay().rows == 2);
  REQUIRE(node.Mesh().size() == 1);
}

TEST_CASE("what can be neither brought nor kept aside stops the start", "[database][replay]") {
  Node node;
  LogCapture log;
  node.AppendBytes("noise");
  node.Restart();
  node.log_fs().SetLimits({0, 0});
  REQUIRE_FALSE(node.Replay().has_value());
}

// The rows of a log that holds several times what the memory does.
constexpr int64_t kManyBatches = 40;
void WriteMuch(Node& node) {
  for (int64_t batch = 0; batch < kManyBatches; ++batch) {
    std::vector<NodeRow> rows;
    for (int64_t row = 0; row < 50; ++row) rows.push_back({2, kDay + batch * 50 + row, row});
    node.AppendRows(node.web(), rows);
  }
}

TEST_CASE("a log that holds more than the memory is flushed on the way, and waited for",
          "[database][replay]") {
  Node node(64 << 10);
  WriteMuch(node);
  node.Restart();
  int flushes = 0;
  bool under_way = false;
  size_t used_most = 0;
  const auto flush = node.flush_all;
  node.flush_all = [&](std::function<void(Result<>)> done) {
    ++flushes;
    under_way = true;
    used_most = std::max(used_most, node.world().ledger().used_bytes());
    flush([&, done = std::move(done)](Result<> flushed) {
      REQUIRE(flushed.has_value());
      under_way = false;
      done(std::move(flushed));
    });
  };
  node.find_group = [&](GroupId) {
    REQUIRE_FALSE(under_way);
    return &node.web();
  };
  REQUIRE(node.Replay()->rows == kManyBatches * 50);
  REQUIRE(flushes > 2);
  REQUIRE(used_most < (64 << 10));
  REQUIRE(node.Web().size() == kManyBatches * 50);
}

TEST_CASE("a replay that is stopped goes no further, and the next one brings every row",
          "[database][replay]") {
  Node node;
  LogCapture log;
  WriteMuch(node);
  node.AppendBytes("noise");
  node.Restart();
  const int64_t brought = GENERATE(as<int64_t>{}, 1, kManyBatches / 2, kManyBatches);
  int64_t batches = 0;
  node.find_group = [&](GroupId) {
    if (++batches == brought) node.stop.request_stop();
    return &node.web();
  };
  REQUIRE(node.Replay().error().code == ErrorCode::kCancelled);
  REQUIRE(batches == brought);
  REQUIRE(node.Web().size() == static_cast<size_t>(brought) * 50);
  REQUIRE(ListParked(node.log_fs())->empty());
  const bool flushed = GENERATE(false, true);
  if (flushed) node.world().Flush(node.web());

  node.stop = std::stop_source();
  const ReplayOutcome outcome = node.RestartAndReplay();
  REQUIRE(outcome.rows_flushed == (flushed ? static_cast<uint64_t>(brought) * 50 : 0));
  REQUIRE(outcome.rows + outcome.rows_flushed == kManyBatches * 50);
  REQUIRE(outcome.batches_parked == 1);
  REQUIRE(node.Web().size() == kManyBatches * 50);
}

TEST_CASE("a replay that is stopped before it begins does not read the log for evidence either",
          "[database][replay]") {
  Node node;
  WriteMuch(node);
  node.Restart();
  FaultRule rule;
  rule.op = IoOp::kOpen;
  rule.path_contains = LogFileName(2);
  node.log_faults().AddRule(rule);
  node.stop.request_stop();
  REQUIRE(node.Replay().error().code == ErrorCode::kCancelled);
}

TEST_CASE("a replay that is stopped does not wait for a flush", "[database][replay]") {
  Node node(64 << 10);
  WriteMuch(node);
  node.Restart();
  const auto flush = node.flush_all;
  node.flush_all = [&](const std::function<void(Result<>)>&) { node.stop.request_stop(); };
  REQUIRE(node.Replay().error().code == ErrorCode::kCancelled);
  node.stop = std::stop_source();
  node.flush_all = flush;
  REQUIRE(node.RestartAndReplay().rows == kManyBatches * 50);
}

TEST_CASE("a log that fits into a quarter of the memory is not flushed", "[database][replay]") {
  Node node;
  WriteMuch(node);
  node.Restart();
  node.flush_all = [](const std::function<void(Result<>)>&) { FAIL("flushed"); };
  REQUIRE(node.Replay()->rows == kManyBatches * 50);
}

TEST_CASE("a disk that takes no flush lets the node start all the same", "[database][replay]") {
  Node node(64 << 10);
  LogCapture log;
  WriteMuch(node);
  node.Restart();
  node.flush_all = [](const std::function<void(Result<>)>& done) {
    done(Error{ErrorCode::kNoSpace, "full"});
  };
  REQUIRE(node.Replay()->rows == kManyBatches * 50);
  REQUIRE(log.Count("log.replay_flush") > 2);
  REQUIRE(node.Web().size() == kManyBatches * 50);
}

TEST_CASE(
    "the table of rows is found by their group, segment and shard, or it is said what is not "
    "there",
    "[database][replay]") {
  Node node;
  RoutedRows rows = GroupWorld::Route(node.web(), {{2, kDay, 10}}).front().rows;
  REQUIRE(FindTable(nullptr, rows).error().code == ErrorCode::kNotFound);
  REQUIRE(*FindTable(&node.web(), rows) ==
          *(*node.web().FindSegment(kFirstDay))->Shard(ShardId(0)));
  // One that the segment has but that no row came to yet is made.
  rows.shard = ShardId(1);
  REQUIRE(FindTable(&node.web(), rows).has_value());
  REQUIRE(node.world().Exists("measure/data/web/seg-20241004/shard-1"));
  rows.shard = ShardId(2);
  REQUIRE(FindTable(&node.web(), rows).error().code == ErrorCode::kNotFound);
  rows.shard = ShardId(0);
  rows.segment = {kDay, kDay + 1};
  REQUIRE(FindTable(&node.web(), rows).error().code == ErrorCode::kNotFound);
}

}  // namespace
}  // namespace ficus
