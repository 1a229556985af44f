#include "engine/database/row_router.h"

#include <algorithm>
#include <cerrno>
#include <memory>

#include <catch2/catch.hpp>

#include "engine/base/log.h"
#include "engine/io/faulty_file_system.h"
#include "engine/part/block_header.h"
#include "engine/schema/schema_rules.h"
#include "test/engine/database/group_world.h"

namespace ficus {
namespace {

constexpr const char* kGroupName = "web";
constexpr const char* kFirstDay = "measure/data/web/seg-20241004";

// A group of two shards, on a disk whose operations can be made to fail.
struct Router {
  std::unique_ptr<MemoryFileSystem> memory = MemoryFileSystem::Create();
  std::unique_ptr<MemoryFileSystem> log_memory = MemoryFileSystem::Create();
  std::unique_ptr<FaultyFileSystem> faults = FaultyFileSystem::Create(*memory);
  std::unique_ptr<GroupWorld> world = std::make_unique<GroupWorld>(*faults, *log_memory);
  std::shared_ptr<GroupStore> store = world->Create(kGroupName, 7);

  std::vector<Routed> routed;
  std::vector<RefusedRow> refused;

  ~Router() { world->Die(); }

  // What was routed and refused before is forgotten.
  void Route(const std::vector<NodeRow>& rows) { Route(GroupWorld::Keyed(*store, rows)); }
  void Route(KeyedRows rows) {
    routed.clear();
    refused.clear();
    RouteRows(*store, std::move(rows), routed, refused);
  }
  // The process dies and starts again.
  void Restart() {
    routed.clear();
    world->Die();
    store.reset();
    world = std::make_unique<GroupWorld>(*faults, *log_memory);
    store = world->Open(kGroupName, 7);
  }
  void Fail(IoOp op, const std::string& path_contains, int error_number) {
    FaultRule rule;
    rule.op = op;
    rule.path_contains = path_contains;
    rule.times = UINT64_MAX;
    rule.error_number = error_number;
    faults->AddRule(rule);
  }
};

// (ordinal, why)
std::vector<std::pair<uint32_t, ErrorCode>> Reasons(const std::vector<RefusedRow>& refused) {
  std::vector<std::pair<uint32_t, ErrorCode>> reasons;
  for (const RefusedRow& row : refused) reasons.emplace_back(row.ordinal, row.code);
  return reasons;
}

std::vector<int64_t> Values(const Routed& routed) {
  std::vector<int64_t> values;
  const RowBatch& rows = routed.rows.rows;
  for (size_t row = 0; row < rows.rows(); ++row) {
    values.push_back(rows.FindColumn(kColumn)->int64(row));
  }
  return values;
}

// Of the series that the table is told.
std::vector<int64_t> Hosts(const Routed& routed) {
  std::vector<int64_t> hosts;
  for (const SeriesEntry& entry : routed.rows.entries) {
    REQUIRE(entry.subject == kSubject);
    REQUIRE(entry.series == SeriesIdOf(entry.entity));
    hosts.push_back(std::get<int64_t>(DecodeSeriesKey(entry.entity)->entity[0]));
  }
  std::sort(hosts.begin(), hosts.end());
  return hosts;
}

TEST_CASE("a block can hold a row of every schema there may be", "[database][router]") {
  REQUIRE(kSubjectColumnsMax <= kBlockColumnsMax);
}

TEST_CASE("rows are parted by segment and shard, and keep their order there",
          "[database][router]") {
  Router router;
  const UnixNanos next = kDay + kNanosPerDay;
  router.Route({{2, kDay + 5, 20},
                {3, kDay + 6, 30},
                {2, next, 21},
                {2, next - 1, 22},
                {3, next, 31},
                {3, kDay, 32},
                {4, kDay + 7, 40}});
  REQUIRE(router.refused.empty());
  struct Place {
    UnixNanos day;
    uint32_t shard;
    std::vector<int64_t> values;
  };
  const std::vector<Place> places = {
      {kDay, 0, {20, 22, 40}}, {kDay, 1, {30, 32}}, {next, 0, {21}}, {next, 1, {31}}};
  REQUIRE(router.routed.size() == places.size());
  for (const Place& place : places) {
    CAPTURE(place.day, place.shard);
    const TimeRange times{place.day, place.day + kNanosPerDay};
    const auto found =
        std::find_if(router.routed.begin(), router.routed.end(), [&](const Routed& routed) {
          return routed.rows.segment == times && routed.rows.shard == ShardId(place.shard);
        });
    REQUIRE(found != router.routed.end());
    REQUIRE(found->rows.catalog == Catalog::kMeasure);
    REQUIRE(found->rows.group == GroupId(7));
    REQUIRE(found->rows.rows.subject == kSubject);
    REQUIRE(Values(*found) == place.values);
    REQUIRE(found->table == *(*router.store->FindSegment(times))->Shard(ShardId(place.shard)));
  }
}

TEST_CASE("what is routed and refused comes behind what was before", "[database][router]") {
  Router router;
  router.routed = GroupWorld::Route(*router.store, {{1, kDay, 10}});
  router.refused = {{3, ErrorCode::kNotFound}};
  router.Fail(IoOp::kCreateDirectory, "seg-", ENOSPC);
  RouteRows(*router.store, GroupWorld::Keyed(*router.store, {{1, kDay, 11}, {1, kDay - 1, 12}}),
            router.routed, router.refused);
  REQUIRE(router.routed.size() == 2);
  REQUIRE(Values(router.routed[0]) == std::vector<int64_t>{10});
  REQUIRE(Values(router.routed[1]) == std::vector<int64_t>{11});
  REQUIRE(router.refused.size() == 2);
  REQUIRE(router.refused[0].ordinal == 3);
  REQUIRE(router.refused[1].ordinal == 1);
}

TEST_CASE("a new series is told once to each table, in the order of the ids",
          "[database][router]") {
  Router router;
  std::vector<NodeRow> rows;
  for (int64_t round = 0; round < 3; ++round) {
    for (int64_t host = 0; host < 20; host += 2) rows.push_back({host, kDay + round, host});
  }
  rows.push_back({4, kDay + kNanosPerDay, 1});
  router.Route(rows);
  REQUIRE(router.routed.size() == 2);
  const std::vector<SeriesEntry>& entries = router.routed[0].rows.entries;
  REQUIRE(Hosts(router.routed[0]) == std::vector<int64_t>{0, 2, 4, 6, 8, 10, 12, 14, 16, 18});
  REQUIRE(std::is_sorted(
      entries.begin(), entries.end(),
      [](const SeriesEntry& a, const SeriesEntry& b) { return a.series < b.series; }));
  REQUIRE(Hosts(router.routed[1]) == std::vector<int64_t>{4});
}

TEST_CASE("a series is told again where its table does not know it, and nowhere else",
          "[database][router]") {
  Router router;
  router.world->Write(*router.store, 1, {{2, kDay, 10}});
  const bool restarted = GENERATE(false, true);
  if (restarted) {
    router.world->Flush(*router.store);
    router.Restart();
  }
  // Known, of another shard, of another segment, new.
  router.Route({{2, kDay + 1, 11}, {3, kDay, 12}, {2, kDay + kNanosPerDay, 13}, {4, kDay, 14}});
  REQUIRE(router.refused.empty());
  REQUIRE(router.routed.size() == 3);
  REQUIRE(Values(router.routed[0]) == std::vector<int64_t>{11, 14});
  REQUIRE(Hosts(router.routed[0]) == std::vector<int64_t>{4});
  REQUIRE(Hosts(router.routed[1]) == std::vector<int64_t>{3});
  REQUIRE(Hosts(router.routed[2]) == std::vector<int64_t>{2});
}

TEST_CASE("series are told again while the table cannot say which it knows", "[database][router]") {
  Router router;
  LogCapture log;
  router.world->Write(*router.store, 1, {{2, kDay, 10}});
  router.world->Flush(*router.store);
  router.Restart();
  REQUIRE((*router.store->SegmentFor(kDay))->Shard(ShardId(0)).has_value());
  router.Fail(IoOp::kRead, kFirstDay, EMFILE);
  router.Route({{2, kDay + 1, 11}});
  REQUIRE(router.faults->faults() > 0);
  REQUIRE(router.refused.empty());
  REQUIRE(router.routed.size() == 1);
  REQUIRE(Hosts(router.routed[0]) == std::vector<int64_t>{2});
}

TEST_CASE("rows whose series id belongs to another entity are refused, and the others go their way",
          "[database][router]") {
  Router router;
  LogCapture log;
  router.world->Write(*router.store, 1, {{2, kDay, 10}});
  KeyedRows rows = GroupWorld::Keyed(
      *router.store,
      {{4, kDay, 40}, {2, kDay, 20}, {6, kDay, 60}, {2, kDay + 1, 21}, {3, kDay, 30}});
  rows.ordinals = {10, 11, 12, 13, 14};
  for (const size_t row : {1, 3}) ++rows.series_checks[row];
  router.Route(std::move(rows));
  REQUIRE(Reasons(router.refused) ==
          std::vector<std::pair<uint32_t, ErrorCode>>{{11, ErrorCode::kCorruption},
                                                      {13, ErrorCode::kCorruption}});
  REQUIRE(log.Count("write.collision") == 2);
  REQUIRE(router.routed.size() == 2);
  REQUIRE(Values(router.routed[0]) == std::vector<int64_t>{40, 60});
  REQUIRE(Hosts(router.routed[0]) == std::vector<int64_t>{4, 6});
  REQUIRE(Values(router.routed[1]) == std::vector<int64_t>{30});
}

// Rows of hosts whose series ids are one: that of the first.
KeyedRows Colliding(const GroupStore& store, const std::vector<NodeRow>& rows) {
  KeyedRows keyed = GroupWorld::Keyed(store, rows);
  for (SeriesId& series : keyed.rows.series) series = keyed.rows.series[0];
  return keyed;
}

TEST_CASE("of two entities of one series id in a batch the first is taken", "[database][router]") {
  Router router;
  LogCapture log;
  router.Route(Colliding(*router.store, {{2, kDay, 20}, {4, kDay, 40}, {2, kDay + 1, 21}}));
  REQUIRE(Reasons(router.refused) ==
          std::vector<std::pair<uint32_t, ErrorCode>>{{1, ErrorCode::kCorruption}});
  REQUIRE(log.Count("write.collision") == 1);
  REQUIRE(router.routed.size() == 1);
  REQUIRE(Values(router.routed[0]) == std::vector<int64_t>{20, 21});
  REQUIRE(Hosts(router.routed[0]) == std::vector<int64_t>{2});
}

TEST_CASE("a series id is taken while its entity is on its way", "[database][router]") {
  Router router;
  LogCapture log;
  const SeriesId series = GroupWorld::Keyed(*router.store, {{2, kDay, 20}}).rows.series[0];
  const auto other = [&] {
    KeyedRows rows = GroupWorld::Keyed(*router.store, {{4, kDay, 40}, {6, kDay, 60}});
    rows.rows.series[0] = series;
    return rows;
  };
  const auto route = [&](KeyedRows rows) {
    std::vector<Routed> routed;
    std::vector<RefusedRow> refused;
    RouteRows(*router.store, std::move(rows), routed, refused);
    REQUIRE(routed.size() == 1);
    return std::pair(std::move(routed), refused.size());
  };

  // What keeps the table keeps the claims, as a write does that is on its way to the log.
  std::shared_ptr<TsTable> on_its_way;
  {
    auto [routed, refused] = route(GroupWorld::Keyed(*router.store, {{2, kDay, 20}}));
    on_its_way = routed[0].table;
  }
  {
    const auto [routed, refused] = route(other());
    REQUIRE(refused == 1);
    REQUIRE(Values(routed[0]) == std::vector<int64_t>{60});
    REQUIRE(Hosts(routed[0]) == std::vector<int64_t>{6});
    // The same entity again is told again: nobody knows whether the first gets there.
    REQUIRE(Hosts(route(GroupWorld::Keyed(*router.store, {{2, kDay, 21}})).first[0]) ==
            std::vector<int64_t>{2});
  }
  // It does not get there.
  on_its_way.reset();
  {
    const auto [routed, refused] = route(other());
    REQUIRE(refused == 0);
    REQUIRE(route(GroupWorld::Keyed(*router.store, {{8, kDay, 80}})).second == 0);
  }
  // It does, and the other one is too late.
  router.world->Write(*router.store, 1, {{2, kDay, 20}});
  REQUIRE(route(other()).second == 1);
}

TEST_CASE("two batches of one write claim together", "[database][router]") {
  Router router;
  LogCapture log;
  const SeriesId series = GroupWorld::Keyed(*router.store, {{2, kDay, 20}}).rows.series[0];
  std::vector<Routed> routed;
  std::vector<RefusedRow> refused;
  RouteRows(*router.store, GroupWorld::Keyed(*router.store, {{4, kDay, 40}}), routed, refused);
  RouteRows(*router.store, GroupWorld::Keyed(*router.store, {{2, kDay, 20}}), routed, refused);
  REQUIRE(refused.empty());
  // A write keeps the first pointer to each table.
  REQUIRE(routed.size() == 2);
  REQUIRE(routed[0].table == routed[1].table);
  routed.resize(1);
  KeyedRows other = GroupWorld::Keyed(*router.store, {{6, kDay, 60}});
  other.rows.series[0] = series;
  router.Route(std::move(other));
  REQUIRE(router.refused.size() == 1);
}

TEST_CASE("a table of which every row is refused gets nothing", "[database][router]") {
  Router router;
  LogCapture log;
  router.world->Write(*router.store, 1, {{2, kDay, 10}});
  KeyedRows rows = GroupWorld::Keyed(*router.store, {{2, kDay, 20}});
  ++rows.series_checks[0];
  router.Route(std::move(rows));
  REQUIRE(router.refused.size() == 1);
  REQUIRE(router.routed.empty());
}

TEST_CASE("a shard that takes no writes refuses its rows before they reach the log",
          "[database][router]") {
  Router router;
  LogCapture log;
  for (uint64_t position = 1; position < 3; ++position) {
    router.world->Write(*router.store, position, {{2, kDay, 10}});
    router.world->Flush(*router.store);
  }
  DamageNewestManifest(*router.memory, std::string(kFirstDay) + "/shard-0");
  router.Restart();
  router.Route({{3, kDay, 30}, {2, kDay, 20}, {2, kDay + kNanosPerDay, 21}, {4, kDay, 40}});
  REQUIRE(Reasons(router.refused) == std::vector<std::pair<uint32_t, ErrorCode>>{
                                         {1, ErrorCode::kReadOnly}, {3, ErrorCode::kReadOnly}});
  REQUIRE(router.routed.size() == 2);
  REQUIRE(Values(router.routed[0]) == std::vector<int64_t>{30});
  REQUIRE(Values(router.routed[1]) == std::vector<int64_t>{21});
}

TEST_CASE("rows for which no segment can be made are refused, those of segments that exist are not",
          "[database][router]") {
  Router router;
  router.Route({{2, kDay, 10}});
  router.Fail(IoOp::kCreateDirectory, "seg-", ENOSPC);
  const UnixNanos next = kDay + kNanosPerDay;
  router.Route({{2, next, 20}, {2, kDay, 11}, {2, next, 21}, {2, kDay + 1, 12}});
  REQUIRE(Reasons(router.refused) == std::vector<std::pair<uint32_t, ErrorCode>>{
                                         {0, ErrorCode::kNoSpace}, {2, ErrorCode::kNoSpace}});
  REQUIRE(router.routed.size() == 1);
  REQUIRE(Values(router.routed[0]) == std::vector<int64_t>{11, 12});
  // And taken as soon as there is one.
  router.faults->ClearRules();
  router.Route({{2, next, 20}});
  REQUIRE(router.refused.empty());
}

TEST_CASE("rows for which no shard can be made are refused", "[database][router]") {
  Router router;
  router.Route({{2, kDay, 10}});
  router.Fail(IoOp::kCreateDirectory, "shard-1", ENOSPC);
  router.Route({{3, kDay, 20}, {2, kDay, 11}, {5, kDay, 21}});
  REQUIRE(Reasons(router.refused) == std::vector<std::pair<uint32_t, ErrorCode>>{
                                         {0, ErrorCode::kNoSpace}, {2, ErrorCode::kNoSpace}});
  REQUIRE(router.routed.size() == 1);
  REQUIRE(Values(router.routed[0]) == std::vector<int64_t>{11});
}

TEST_CASE("the shard is one of those that the row's segment has", "[database][router]") {
  Router router;
  router.Route({{0, kDay, 0}});
  GroupLayout layout = router.store->layout();
  layout.shard_count = 5;
  router.store->SetLayout(layout);
  router.Route({{4, kDay, 1}, {4, kDay + kNanosPerDay, 2}, {4, kDay, 3}});
  REQUIRE(router.routed.size() == 2);
  REQUIRE(router.routed[0].rows.shard == ShardId(0));
  REQUIRE(Values(router.routed[0]) == std::vector<int64_t>{1, 3});
  REQUIRE(router.routed[1].rows.shard == ShardId(4));
  REQUIRE(Values(router.routed[1]) == std::vector<int64_t>{2});
}

TEST_CASE("a table stays open as long as rows are on their way to it", "[database][router]") {
  Router router;
  router.Route({{2, kDay, 10}});
  router.world->executor().Advance(2 * kNanosPerHour);
  REQUIRE(router.store->CloseIdle() == 0);
  router.routed.clear();
  REQUIRE(router.store->CloseIdle() == 1);
}

TEST_CASE("a place for rows is durable once they are routed", "[database][router]") {
  Router router;
  router.Route({{3, kDay, 10}});
  SeededRandom random(1);
  const auto after = router.memory->Crash(random, MemoryFileSystem::NameOrder::kWeak);
  REQUIRE(after->Status(std::string(kFirstDay) + "/shard-1").has_value());
}

TEST_CASE("a group that is shut makes no place for rows", "[database][router]") {
  Router router;
  router.Route({{2, kDay, 10}});
  router.routed.clear();
  router.store->Shut();
  router.Route({{2, kDay, 11}, {2, kDay + kNanosPerDay, 12}});
  REQUIRE(Reasons(router.refused) ==
          std::vector<std::pair<uint32_t, ErrorCode>>{{0, ErrorCode::kUnavailable},
                                                      {1, ErrorCode::kUnavailable}});
  REQUIRE(router.routed.empty());
}

}  // namespace
}  // namespace ficus
