#include "engine/query/group_table.h"

#include <string>

#include <catch2/catch.hpp>

#include "test/engine/query/measure_questions.h"

namespace ficus {
namespace {

MeasureQuery GroupedBy(std::vector<std::string> tags,
                       AggregationFunction function = AggregationFunction::kSum) {
  MeasureQuery query = Question();
  query.tags = {{"default", tags}};
  query.group_by = std::vector<FamilyTags>{{"default", std::move(tags)}};
  query.aggregation = Aggregation{function, "value"};
  return query;
}

void WriteSome(QueryHarness& harness) {
  PrepareMeasure(harness);
  // layer is value % 3
  harness.Write("g", "m",
                {Point(-1500, "b", 4), Point(0, "a", 1), Point(1, "a", 2), Point(2, "c", 3),
                 Point(3, "b", 7)});
}

TEST_CASE("groups come as their first rows would", "[query]") {
  QueryHarness harness;
  WriteSome(harness);
  REQUIRE(ToText(harness.Ask(GroupedBy({"id"}))) == "b=11 a=3 c=3");
  MeasureQuery descending = GroupedBy({"id"});
  descending.order = SortOrder::kDescending;
  REQUIRE(ToText(harness.Ask(std::move(descending))) == "b=11 c=3 a=3");
}

TEST_CASE("a tag with each row cuts series into groups", "[query]") {
  QueryHarness harness;
  WriteSome(harness);
  REQUIRE(ToText(harness.Ask(GroupedBy({"layer"}))) == "layer-1=12 layer-2=2 layer-0=3");
  REQUIRE(ToText(harness.Ask(GroupedBy({"layer", "id"}, AggregationFunction::kCount))) ==
          "layer-1,b=2 layer-1,a=1 layer-2,a=1 layer-0,c=1");
  MeasureQuery filtered = GroupedBy({"layer"});
  filtered.criteria = Where("layer", ConditionOp::kNe, std::string("layer-1"));
  REQUIRE(ToText(harness.Ask(std::move(filtered))) == "layer-2=2 layer-0=3");
}

TEST_CASE("aggregated rows have no header and show other tags of the first row", "[query]") {
  QueryHarness harness;
  WriteSome(harness);
  MeasureQuery query = GroupedBy({"id"});
  query.tags = {{"default", {"layer"}}};
  const std::vector<MeasureRow> rows = harness.Ask(std::move(query));
  REQUIRE(ToText(rows) == "layer-1,b=11 layer-1,a=3 layer-0,c=3");
  REQUIRE(rows[0].series == SeriesId());
  REQUIRE(rows[0].version == 0);
  MeasureQuery last = GroupedBy({"id"});
  last.tags = {{"default", {"layer"}}};
  last.order = SortOrder::kDescending;
  REQUIRE(ToText(harness.Ask(std::move(last))) == "layer-1,b=11 layer-0,c=3 layer-2,a=3");
}

TEST_CASE("group_by alone shows the first row of each group with its header", "[query]") {
  QueryHarness harness;
  WriteSome(harness);
  MeasureQuery query = GroupedBy({"id"});
  query.aggregation.reset();
  const std::vector<MeasureRow> rows = harness.Ask(std::move(query));
  REQUIRE(ToText(rows) == "b@-1500=4 a@0=1 c@2=3");
  REQUIRE(rows[1].series == SeriesIdOf(*EncodeSeriesKey("m", {std::string("a")})));
}

TEST_CASE("an aggregation alone is one row", "[query]") {
  QueryHarness harness;
  WriteSome(harness);
  MeasureQuery query = Question();
  query.tags.clear();
  query.aggregation = Aggregation{AggregationFunction::kMean, "value"};
  const std::vector<MeasureRow> rows = harness.Ask(std::move(query));
  REQUIRE(rows.size() == 1);
  REQUIRE(rows[0].tags.empty());
  REQUIRE(rows[0].fields == std::vector<TagValue>{int64_t{3}});  // 17 / 5
}

TEST_CASE("top and limit count groups", "[query]") {
  QueryHarness harness;
  WriteSome(harness);
  const auto top = [&](int32_t number, SortOrder order) {
    MeasureQuery query = GroupedBy({"id"});
    query.top = Top{number, "value", order};
    return ToText(harness.Ask(std::move(query)));
  };
  REQUIRE(top(2, SortOrder::kDescending) == "b=11 a=3");
  REQUIRE(top(2, SortOrder::kAscending) == "a=3 c=3");
  REQUIRE(top(0, SortOrder::kAscending).empty());
  MeasureQuery page = GroupedBy({"id"});
  page.offset = 1;
  page.limit = 1;
  REQUIRE(ToText(harness.Ask(std::move(page))) == "a=3");
}

TEST_CASE("null and an empty entity value are one group", "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);
  TestPoint null = Point(1, "", 2);
  null.tags.erase("id");
  harness.Write("g", "m", {Point(0, "", 1), null});
  REQUIRE(ToText(harness.Ask(GroupedBy({"id"}))) == "null=3");
}

TEST_CASE("rows without a tag are a group of their own, apart from zero and the empty string",
          "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);
  const auto point = [](int64_t minute, const std::string& id, int64_t value, bool null) {
    TestPoint made = Point(minute, id, value);
    made.tags.erase("layer");
    if (!null) {
      made.tags["layer"] = std::string();
      made.tags["count"] = int64_t{0};
    }
    return made;
  };
  // Neighbours in one series, then across series.
  harness.Write("g", "m",
                {point(0, "a", 1, true), point(1, "a", 2, false), point(2, "a", 4, true),
                 point(3, "b", 8, false), point(4, "b", 16, true), point(5, "c", 32, true)});
  for (const bool flushed : {false, true}) {
    CAPTURE(flushed);
    if (flushed) harness.Flush();
    REQUIRE(ToText(harness.Ask(GroupedBy({"count"}))) == "null=53 0=10");
    REQUIRE(ToText(harness.Ask(GroupedBy({"layer"}))) == "null=53 =10");
    REQUIRE(ToText(harness.Ask(GroupedBy({"layer", "count"}))) == "null,null=53 ,0=10");
  }
}

TEST_CASE("many groups need memory that the ledger may refuse", "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);
  std::vector<TestPoint> points;
  for (int i = 0; i < 5000; ++i) points.push_back(Point(i % 100, "s" + std::to_string(i), i));
  harness.Write("g", "m", points);
  MeasureQuery all = GroupedBy({"id"});
  all.limit = 10'000;
  REQUIRE(harness.Ask(std::move(all)).size() == 5000);
  harness.ledger.SetShare(MemoryConsumer::kQueries, 1'000'000);
  REQUIRE(harness.TryAsk(GroupedBy({"id"})).error().code == ErrorCode::kResourceExhausted);
}

}  // namespace
}  // namespace ficus
