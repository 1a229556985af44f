// A measure whose sharding key changed: one series lies in two shards of a segment.
#include <algorithm>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/query/measure_execution.h"
#include "engine/query/measure_plan.h"
#include "test/engine/database/database_harness.h"
#include "test/engine/query/query_harness.h"

namespace ficus {
namespace {

constexpr const char* kGroup = "sw_metric";
constexpr const char* kMeasure = "service_cpm";

struct Node : DatabaseHarness {
  // A row that another sharding key sends to `shard` of two.
  void WriteTo(uint64_t shard, const NodeRow& row) {
    KeyedRows rows = Keyed(kGroup, kMeasure, {row});
    rows.shard_hashes = {shard};
    const auto written = Begin(std::move(rows));
    Pump([&] { return written->done; });
    REQUIRE(written->result.has_value());
    REQUIRE(written->refused.empty());
  }
  std::vector<MeasureRow> Ask(bool count) {
    MeasureQuery query;
    query.groups = {kGroup};
    query.name = kMeasure;
    query.begin = now() - kNanosPerDay;
    query.end = now();
    query.tags = {{"default", {"host"}}};
    query.fields = {"value"};
    if (count) query.aggregation = Aggregation{AggregationFunction::kCount, "value"};
    const auto plan = PlanMeasureQuery(std::move(query), database().Schema(), now());
    REQUIRE(plan.has_value());
    RowCollector sink;
    REQUIRE(RunMeasureQuery(*plan, {database(), clock(), ledger()}, {}, sink, nullptr).has_value());
    return std::move(sink.rows);
  }
};

TEST_CASE("a row that two sharding keys sent to two shards counts once, with its highest version",
          "[database][sharding]") {
  const uint64_t newer = GENERATE(0, 1);
  CAPTURE(newer);
  Node node;
  REQUIRE(node.Open().has_value());
  REQUIRE(node.CreateGroup(kGroup).has_value());
  REQUIRE(node.CreateMeasure(kGroup, kMeasure).has_value());
  const UnixNanos time = node.now() - kNanosPerSecond;
  node.WriteTo(1 - newer, {7, time, 10, 1});
  node.WriteTo(newer, {7, time, 20, 2});
  node.WriteTo(newer, {8, time, 30, 1});
  for (int state = 0; state < 4; ++state) {
    CAPTURE(state);
    if (state == 1) REQUIRE(node.FlushAll().has_value());
    if (state == 2) REQUIRE(node.MergeAll().has_value());
    if (state == 3) {
      node.Kill();
      REQUIRE(node.Open().has_value());
    }
    std::vector<int64_t> values;
    for (const MeasureRow& row : node.Ask(false))
      values.push_back(std::get<int64_t>(row.fields[0]));
    std::sort(values.begin(), values.end());
    REQUIRE(values == std::vector<int64_t>{20, 30});
    REQUIRE(node.Ask(true).front().fields[0] == TagValue(int64_t{2}));
  }
}

TEST_CASE("of equal versions in two shards one stays, and always the same",
          "[database][sharding]") {
  Node node;
  REQUIRE(node.Open().has_value());
  REQUIRE(node.CreateGroup(kGroup).has_value());
  REQUIRE(node.CreateMeasure(kGroup, kMeasure).has_value());
  const UnixNanos time = node.now() - kNanosPerSecond;
  node.WriteTo(1, {7, time, 10, 1});
  node.WriteTo(0, {7, time, 20, 1});
  for (const bool flushed : {false, true}) {
    if (flushed) REQUIRE(node.FlushAll().has_value());
    const std::vector<MeasureRow> rows = node.Ask(false);
    REQUIRE(rows.size() == 1);
    REQUIRE(rows[0].fields[0] == TagValue(int64_t{20}));
  }
}

}  // namespace
}  // namespace ficus
