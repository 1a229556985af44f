#include "engine/query/group_table.h"

#include <string>

#include <catch2/catch.hpp>

#include "test/engine/query/measure_questions.h"
#include "test/support/seed.h"

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

// Long series, so that blocks of one series with bounds come about; late rows, repeated rows with
// other versions, rows without a value.
void WriteLong(QueryHarness& harness, SeededRandom& random) {
  PrepareMeasure(harness);
  for (int batch = 0; batch < 5; ++batch) {
    std::vector<TestPoint> points;
    for (int series = 0; series < 6; ++series) {
      // Some series come in every batch, some in one.
      if (series > 2 && series - 2 != batch) continue;
      for (int i = 0; i < 650; ++i) {
        const auto minute = static_cast<int64_t>(random.Below(2) == 0 ? i : batch * 700 + i) - 2000;
        TestPoint point = Point(minute, "s" + std::to_string(series),
                                static_cast<int64_t>(random.Below(1000)) - 300,
                                static_cast<int64_t>(1 + random.Below(5)));
        point.fields["rate"] = static_cast<double>(random.Below(10'000)) / 8 - 100;
        if (series == 1 && random.Below(3) == 0) point.fields.clear();
        points.push_back(std::move(point));
      }
    }
    harness.Write("g", "m", points);
    if (batch % 2 == 0) harness.Flush();
    if (batch == 2) harness.Merge();
  }
}

uint64_t RowsRead(const QuerySpan& span) {
  uint64_t rows = 0;
  for (const auto& [key, value] : span.tags) {
    if (key == "rows_read") rows += std::stoull(value);
  }
  for (const auto& child : span.children) rows += RowsRead(*child);
  return rows;
}

TEST_CASE("aggregates of whole blocks are those of their rows", "[query]") {
  QueryHarness harness;
  SeededRandom random(TestSeed(11));
  WriteLong(harness, random);
  if (GENERATE(false, true)) {
    harness.Flush();
    harness.Merge();
  }
  uint64_t rows_read = 0;
  uint64_t rows_read_plainly = 0;
  for (int round = 0; round < 200; ++round) {
    const auto ask = [&, seed = random.Next()](bool use_bounds, uint64_t& rows) {
      SeededRandom dice(seed);
      MeasureQuery query = Question();
      query.aggregation = Aggregation{static_cast<AggregationFunction>(1 + dice.Below(5)),
                                      dice.Below(2) == 0 ? "value" : "rate"};
      query.tags.clear();
      if (dice.Below(2) == 0) query.tags = {{"default", {"id"}}};
      if (dice.Below(2) == 0) query.group_by = std::vector<FamilyTags>{{"default", {"id"}}};
      if (dice.Below(6) == 0) query.group_by = std::vector<FamilyTags>{{"default", {"layer"}}};
      if (dice.Below(3) == 0) {
        query.criteria = Where("id", ConditionOp::kIn,
                               std::vector<std::string>{"s0", "s" + std::to_string(dice.Below(6))});
      }
      if (dice.Below(8) == 0) {
        query.criteria = Or(Where("id", ConditionOp::kEq, std::string("s0")),
                            Where("layer", ConditionOp::kEq, std::string("layer-1")));
      }
      if (dice.Below(2) == 0) {
        query.begin = kMidnight + (static_cast<int64_t>(dice.Below(3000)) - 2500) * kMinute;
        query.end = query.begin + static_cast<int64_t>(dice.Below(4000)) * kMinute;
      }
      if (dice.Below(3) == 0) query.order = SortOrder::kDescending;
      harness.limits.use_bounds = use_bounds;
      QueryTrace trace;
      const std::vector<MeasureRow> answer = *harness.TryAsk(std::move(query), &trace);
      rows += RowsRead(trace.root);
      return answer;
    };
    CAPTURE(round);
    REQUIRE(ask(true, rows_read) == ask(false, rows_read_plainly));
  }
  REQUIRE(rows_read < rows_read_plainly);
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

TEST_CASE("the first rows of groups have a bound of their own", "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);
  std::vector<TestPoint> points;
  for (int i = 0; i < 1000; ++i) points.push_back(Point(i % 100, "s" + std::to_string(i), i));
  harness.Write("g", "m", points);
  const auto ask = [&] {
    MeasureQuery query = GroupedBy({"id"});
    query.limit = 10'000;
    return harness.TryAsk(std::move(query));
  };
  REQUIRE(ask().has_value());
  harness.limits.first_rows_bytes_max = 20'000;
  REQUIRE(ask().error().code == ErrorCode::kResourceExhausted);
}

}  // namespace
}  // namespace ficus
