#include "engine/query/slice_scan.h"

#include <string>

#include <catch2/catch.hpp>

#include "test/engine/query/measure_questions.h"

namespace ficus {
namespace {

MeasureQuery All(std::vector<std::string> groups = {"g"}) {
  MeasureQuery query = Question(std::move(groups));
  query.limit = 1'000'000;
  return query;
}

TEST_CASE("rows of all shards are merged, whatever lies in files or in memory", "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);  // two shards
  for (int batch = 0; batch < 6; ++batch) {
    std::vector<TestPoint> points;
    for (int i = 0; i < 50; ++i)
      points.push_back(Point(batch * 7 + i, "s" + std::to_string(i % 9), i));
    harness.Write("g", "m", points);
    if (batch % 2 == 0) harness.Flush();
  }
  const std::vector<MeasureRow> rows = harness.Ask(All());
  REQUIRE(harness.Tables().size() == 2);
  for (size_t i = 1; i < rows.size(); ++i) {
    REQUIRE(std::pair(rows[i - 1].timestamp, rows[i - 1].series) <
            std::pair(rows[i].timestamp, rows[i].series));
  }
  MeasureQuery count = Question();
  count.aggregation = Aggregation{AggregationFunction::kCount, "value"};
  REQUIRE(harness.Ask(std::move(count))[0].fields ==
          std::vector<TagValue>{static_cast<int64_t>(rows.size())});
}

// A sharding key over another tag puts the rows of one series into several shards.
TEST_CASE("a series that lies in two shards has one row per time, the highest version", "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);
  SchemaObject measure = ProposeMeasure("g", "sharded");
  std::get<MeasureSchema>(measure.view).sharding_key = {"layer"};
  harness.Create(std::move(measure));
  harness.Create(ProposeBinding("g", "sharded", "sharded", {"layers"}));
  // The same rows under every layer: both shards get some of them.
  for (int layer = 0; layer < 12; ++layer) {
    std::vector<TestPoint> points;
    for (int minute = 0; minute < 20; ++minute) {
      const int64_t version = 1 + (layer * 7 + minute * 5) % 12;
      TestPoint point = Point(minute, "a", version, version);
      point.tags["layer"] = "layer-" + std::to_string(layer);
      points.push_back(point);
    }
    harness.Write("g", "sharded", points);
  }
  size_t tables_with_rows = 0;
  for (const auto& table : harness.Tables()) tables_with_rows += table->Current()->rows() > 0;
  REQUIRE(tables_with_rows == 2);
  MeasureQuery query = All();
  query.name = "sharded";
  const std::vector<MeasureRow> rows = harness.Ask(std::move(query));
  REQUIRE(rows.size() == 20);
  for (const MeasureRow& row : rows) {
    REQUIRE(row.version == 12);
    REQUIRE(row.fields[0] == TagValue(int64_t{12}));
  }
  // The loser does not come back because it matches.
  MeasureQuery filtered = All();
  filtered.name = "sharded";
  filtered.tags = {{"default", {"layer"}}};
  filtered.criteria = Where("layer", ConditionOp::kEq, std::string("layer-0"));
  for (const MeasureRow& row : harness.Ask(std::move(filtered))) REQUIRE(row.version == 12);
}

TEST_CASE("of several groups the highest version that matches stays, then the group named first",
          "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness, "g");
  PrepareMeasure(harness, "h");
  harness.Write("g", "m", {Point(0, "a", 10, 1), Point(1, "a", 11, 5), Point(2, "a", 12, 3)});
  harness.Write(
      "h", "m",
      {Point(0, "a", 20, 2), Point(1, "a", 21, 4), Point(2, "a", 22, 3), Point(3, "b", 23, 1)});
  REQUIRE(ToText(harness.Ask(All({"g", "h"}))) == "a@0=20 a@1=11 a@2=12 b@3=23");
  REQUIRE(ToText(harness.Ask(All({"h", "g"}))) == "a@0=20 a@1=11 a@2=22 b@3=23");
  MeasureQuery filtered = All({"g", "h"});
  filtered.criteria = Where("layer", ConditionOp::kEq, std::string("layer-0"));  // 12, 21
  REQUIRE(ToText(harness.Ask(std::move(filtered))) == "a@1=21 a@2=12");
  MeasureQuery sum = All({"g", "h"});
  sum.tags = {{"default", {"id"}}};
  sum.group_by = sum.tags;
  sum.aggregation = Aggregation{AggregationFunction::kSum, "value"};
  REQUIRE(ToText(harness.Ask(std::move(sum))) == "a=43 b=23");
}

TEST_CASE("groups with segments of different lengths are merged in time order", "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness, "g");
  SchemaObject hours = ProposeGroup("h");
  std::get<GroupSchema>(hours.view).resources->segment_interval =
      IntervalRule{IntervalUnit::kHour, 2};
  harness.Create(std::move(hours));
  harness.Create(ProposeMeasure("h", "m"));
  std::string expected;
  for (int minute = -1500; minute < 600; minute += 50) {
    const std::string group = minute % 100 == 0 ? "g" : "h";
    harness.Write(group, "m", {Point(minute, group, minute)});
    if (!expected.empty()) expected += ' ';
    expected += group + '@' + std::to_string(minute) + '=' + std::to_string(minute);
  }
  REQUIRE(ToText(harness.Ask(All({"h", "g"}))) == expected);
}

TEST_CASE("rows in a segment that retention removes meanwhile are gone, not an error", "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);
  harness.Write("g", "m", {Point(-1440, "a", 1), Point(0, "a", 2)});
  harness.Flush();
  // Removed after the query has found its segments.
  bool removed = false;
  harness.limits.cancelled = [&] {
    if (!std::exchange(removed, true)) return false;
    const auto segments = harness.store("g").Segments(TimeRange::All());
    if (segments.size() > 1) {
      REQUIRE(harness.store("g")
                  .RemoveSegment(segments.front()->times(), segments.front()->incarnation())
                  .has_value());
    }
    return false;
  };
  const std::vector<MeasureRow> rows = harness.Ask(Question());
  REQUIRE(removed);
  REQUIRE(ToText(rows).ends_with("a@0=2"));
}

}  // namespace
}  // namespace ficus
