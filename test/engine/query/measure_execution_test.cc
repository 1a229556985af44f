#include "engine/query/measure_execution.h"

#include <string>
#include <utility>

#include <catch2/catch.hpp>

#include "test/engine/query/measure_questions.h"

namespace ficus {
namespace {

TEST_CASE("rows come by time, then by series, with their header", "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);
  harness.Write("g", "m",
                {Point(2, "a", 12), Point(1, "a", 11), Point(1, "b", 21), Point(-1, "b", 20)});
  const SeriesId a = SeriesIdOf(*EncodeSeriesKey("m", {std::string("a")}));
  const SeriesId b = SeriesIdOf(*EncodeSeriesKey("m", {std::string("b")}));
  const std::vector<MeasureRow> rows = harness.Ask(Question());
  REQUIRE(ToText(rows) ==
          (a < b ? "b@-1=20 a@1=11 b@1=21 a@2=12" : "b@-1=20 b@1=21 a@1=11 a@2=12"));
  REQUIRE(rows[0].series == b);
  REQUIRE(rows[0].version == 1);
  REQUIRE(rows[3].series == a);

  MeasureQuery descending = Question();
  descending.order = SortOrder::kDescending;
  REQUIRE(ToText(harness.Ask(std::move(descending))) ==
          (a < b ? "a@2=12 a@1=11 b@1=21 b@-1=20" : "a@2=12 b@1=21 a@1=11 b@-1=20"));
}

TEST_CASE("both ends of the time range are included", "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);
  for (int i = 0; i < 5; ++i) harness.Write("g", "m", {Point(i, "a", i)});
  MeasureQuery query = Question();
  query.begin = kMidnight + kMinute;
  query.end = kMidnight + 3 * kMinute;
  REQUIRE(ToText(harness.Ask(std::move(query))) == "a@1=1 a@2=2 a@3=3");

  MeasureQuery backwards = Question();
  backwards.begin = kMidnight + 3 * kMinute;
  backwards.end = kMidnight;
  REQUIRE(harness.Ask(std::move(backwards)).empty());
}

TEST_CASE("a query of nothing answers nothing", "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);
  REQUIRE(harness.Ask(Question()).empty());
  MeasureQuery sum = Question();
  sum.aggregation = Aggregation{AggregationFunction::kSum, "value"};
  REQUIRE(harness.Ask(std::move(sum)).empty());
}

TEST_CASE("offset and limit count rows of the answer, 100 when none is given", "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);
  std::vector<TestPoint> points;
  for (int i = 0; i < 300; ++i) points.push_back(Point(i, "a", i));
  harness.Write("g", "m", points);
  REQUIRE(harness.Ask(Question()).size() == 100);
  MeasureQuery page = Question();
  page.offset = 298;
  REQUIRE(ToText(harness.Ask(std::move(page))) == "a@298=298 a@299=299");
  MeasureQuery beyond = Question();
  beyond.offset = 300;
  REQUIRE(harness.Ask(std::move(beyond)).empty());
  MeasureQuery two = Question();
  two.limit = 2;
  two.offset = 1;
  two.order = SortOrder::kDescending;
  REQUIRE(ToText(harness.Ask(std::move(two))) == "a@298=298 a@297=297");
  MeasureQuery largest = Question();
  largest.offset = 4'294'967'295u;
  largest.limit = 4'294'967'295u;
  REQUIRE(harness.Ask(std::move(largest)).empty());
}

TEST_CASE("of rows with one series and time the highest version is filtered and answered",
          "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);
  harness.Write("g", "m", {Point(1, "a", 3, 5)});  // layer-0
  harness.Flush();
  harness.Write("g", "m", {Point(1, "a", 1, 4)});  // layer-1, late and lower
  REQUIRE(ToText(harness.Ask(Question())) == "a@1=3");
  MeasureQuery query = Question();
  query.criteria = Where("layer", ConditionOp::kEq, std::string("layer-1"));
  REQUIRE(harness.Ask(std::move(query)).empty());
}

TEST_CASE("an entity that names a tag which the measure lacks is read without it", "[query]") {
  QueryHarness harness;
  harness.Create(ProposeGroup("g"));
  SchemaObject gap = ProposeMeasure("g", "m");
  std::get<MeasureSchema>(gap.view).entity = {"missing", "id", "layer"};
  harness.Create(std::move(gap));
  harness.Write("g", "m", {Point(1, "a", 1), Point(2, "b", 2), Point(3, "a", 1)});
  const auto query = [] {
    MeasureQuery asked = Question();
    asked.tags = {{"default", {"id", "layer"}}};
    return asked;
  };
  REQUIRE(ToText(harness.Ask(query())) == "a,layer-1@1=1 b,layer-2@2=2 a,layer-1@3=1");
  MeasureQuery where = query();
  where.criteria = And(Where("id", ConditionOp::kEq, std::string("a")),
                       Where("layer", ConditionOp::kEq, std::string("layer-1")));
  REQUIRE(ToText(harness.Ask(std::move(where))) == "a,layer-1@1=1 a,layer-1@3=1");
  MeasureQuery grouped = query();
  grouped.group_by = std::vector<FamilyTags>{{"default", {"layer"}}};
  grouped.aggregation = Aggregation{AggregationFunction::kCount, "value"};
  REQUIRE(ToText(harness.Ask(std::move(grouped))) == "a,layer-1=2 b,layer-2=1");
}

TEST_CASE("groups and their sums are answered without a projection", "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);
  harness.Write("g", "m", {Point(1, "a", 1), Point(2, "b", 2), Point(3, "a", 4)});
  MeasureQuery query = Question();
  query.tags.clear();
  query.fields.clear();
  query.group_by = std::vector<FamilyTags>{{"default", {"id"}}};
  query.aggregation = Aggregation{AggregationFunction::kSum, "value"};
  REQUIRE(ToText(harness.Ask(std::move(query))) == "a=5 b=2");
}

TEST_CASE("rows beyond the TTL are not answered", "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);  // 7 days
  const int64_t day = 24 * 60;
  harness.Write("g", "m",
                {Point(-7 * day + 719, "a", 1), Point(-7 * day + 720, "a", 2), Point(0, "a", 3)});
  REQUIRE(ToText(harness.Ask(Question())) == "a@-9360=2 a@0=3");
  harness.clock.Advance(kNanosPerSecond);
  REQUIRE(ToText(harness.Ask(Question())) == "a@0=3");
}

TEST_CASE("a tag that changed its type shows only what was written since", "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);
  harness.Write("g", "m", {{kMidnight, 1, {{"id", std::string("a")}, {"count", int64_t{7}}}, {}}});
  harness.Flush();
  SchemaObject changed = ProposeMeasure("g", "m");
  std::get<MeasureSchema>(changed.view).families[0].tags[2].type = TagType::kString;
  harness.Update(std::move(changed));
  harness.Write(
      "g", "m",
      {{kMidnight + kMinute, 1, {{"id", std::string("a")}, {"count", std::string("x")}}, {}}});
  harness.Flush();
  harness.Merge();
  const auto query = [] {
    MeasureQuery asked = Question();
    asked.tags = {{"default", {"count"}}};
    asked.fields.clear();
    return asked;
  };
  REQUIRE(ToText(harness.Ask(query())) == "null@0 x@1");
  MeasureQuery seven = query();
  seven.criteria = Where("count", ConditionOp::kEq, int64_t{7});
  REQUIRE(harness.Ask(std::move(seven)).empty());
  MeasureQuery not_x = query();
  not_x.criteria = Where("count", ConditionOp::kNe, std::string("x"));
  REQUIRE(ToText(harness.Ask(std::move(not_x))) == "null@0");
}

TEST_CASE("absent values are null and every name is there", "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);
  harness.Write("g", "m", {{kMidnight, 1, {{"id", std::string("a")}}, {}}});
  MeasureQuery query = Question();
  query.tags = {{"default", {"layer", "id", "layer"}}};
  query.fields = {"rate", "value"};
  const std::vector<MeasureRow> rows = harness.Ask(std::move(query));
  REQUIRE(rows.size() == 1);
  REQUIRE(rows[0].tags == std::vector<TagValue>{Null{}, std::string("a"), Null{}});
  REQUIRE(rows[0].fields == std::vector<TagValue>{Null{}, Null{}});
}

TEST_CASE("a top that takes several passes shows the rows of one moment", "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);
  constexpr int kRows = 3000;
  std::vector<TestPoint> points;
  for (int i = 0; i < kRows; ++i) points.push_back(Point(i % 1400, "a" + std::to_string(i), i));
  harness.Write("g", "m", points);
  MeasureQuery query = Question();
  query.limit = kRows;
  query.top = Top{kRows, "value", SortOrder::kDescending};
  const auto plan = PlanMeasureQuery(std::move(query), harness.Schema(), harness.clock.Now());
  REQUIRE(plan.has_value());
  // Behind the first rows that are shown, all change places with those that are not.
  RowCollector sink;
  bool changed = false;
  sink.outcome = [&]() -> Result<> {
    if (std::exchange(changed, true)) return Ok();
    for (int i = 0; i < kRows; ++i) {
      points[static_cast<size_t>(i)] = Point(i % 1400, "a" + std::to_string(i), kRows - i);
      points[static_cast<size_t>(i)].version = 2;
    }
    harness.Write("g", "m", points);
    return Ok();
  };
  const QueryEnvironment environment{harness, harness.clock, harness.ledger};
  QueryLimits limits;
  limits.sort_bytes = 20'000;
  REQUIRE(RunMeasureQuery(*plan, environment, limits, sink, nullptr).has_value());
  REQUIRE(sink.batches > 2);
  REQUIRE(sink.rows.size() == kRows);
  for (size_t i = 0; i < sink.rows.size(); ++i) {
    REQUIRE(sink.rows[i].fields ==
            std::vector<TagValue>{int64_t{kRows - 1} - static_cast<int64_t>(i)});
  }
}

TEST_CASE("a query stops at its deadline", "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);
  harness.Write("g", "m", {Point(1, "a", 1)});
  harness.limits.deadline = harness.clock.Monotonic() + 10;
  REQUIRE(harness.TryAsk(Question()).has_value());
  harness.clock.Advance(10);
  REQUIRE(harness.TryAsk(Question()).error().code == ErrorCode::kDeadlineExceeded);
}

TEST_CASE("a query that is cancelled stops between two runs of rows", "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);
  for (int i = 0; i < 20; ++i) harness.Write("g", "m", {Point(i, "a" + std::to_string(i), i)});
  int asked = 0;
  harness.limits.cancelled = [&] { return ++asked > 5; };
  REQUIRE(harness.TryAsk(Question()).error().code == ErrorCode::kCancelled);
  REQUIRE(asked == 6);
}

TEST_CASE("an error of the sink ends the query with it", "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);
  std::vector<TestPoint> points;
  for (int i = 0; i < 2000; ++i) points.push_back(Point(i % 1400, "a" + std::to_string(i), i));
  harness.Write("g", "m", points);
  MeasureQuery query = Question();
  query.limit = 2000;
  const auto plan = PlanMeasureQuery(std::move(query), harness.Schema(), harness.clock.Now());
  RowCollector sink;
  sink.outcome = [&]() -> Result<> {
    if (sink.batches < 2) return Ok();
    return Error{ErrorCode::kUnavailable, "the client is gone"};
  };
  const QueryEnvironment environment{harness, harness.clock, harness.ledger};
  const Result<> outcome = RunMeasureQuery(*plan, environment, {}, sink, nullptr);
  REQUIRE(outcome.error() == Error{ErrorCode::kUnavailable, "the client is gone"});
  REQUIRE(sink.rows.size() == 2 * kMeasureRowBatchMax);
}

TEST_CASE("a group that is being deleted is refused", "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);
  harness.RemoveGroup("g");
  const Error error = harness.TryAsk(Question()).error();
  REQUIRE(error == Error{ErrorCode::kFailedPrecondition, "group g is pending deletion"});
}

TEST_CASE("rows that do not fit the ledger are refused, and nothing stays reserved", "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);
  TestPoint large = Point(1, "a", 1);
  large.tags["layer"] = std::string(1 << 20, 'x');
  harness.Write("g", "m", {large});
  harness.ledger.SetShare(MemoryConsumer::kQueries, 100'000);
  MeasureQuery query = Question();
  query.tags = {{"default", {"layer"}}};
  REQUIRE(harness.TryAsk(std::move(query)).error().code == ErrorCode::kResourceExhausted);
  REQUIRE(harness.ledger.refused(MemoryConsumer::kQueries) > 0);
  REQUIRE(ToText(harness.Ask(Question())) == "a@1=1");
}

const QuerySpan* FindSpan(const QuerySpan& span, const std::string& prefix) {
  if (span.name.starts_with(prefix)) return &span;
  for (const auto& child : span.children) {
    if (const QuerySpan* found = FindSpan(*child, prefix)) return found;
  }
  return nullptr;
}

std::string TagOf(const QuerySpan* span, const std::string& key) {
  REQUIRE(span != nullptr);
  for (const auto& [name, value] : span->tags) {
    if (name == key) return value;
  }
  return "(none)";
}

TEST_CASE("a trace holds the plan and the cost of each step", "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);
  harness.Write("g", "m", {Point(1, "a", 1), Point(2, "a", 2), Point(1, "b", 4)});
  harness.Flush();
  MeasureQuery query = Question();
  query.criteria = And(Where("id", ConditionOp::kEq, std::string("a")),
                       Where("layer", ConditionOp::kEq, std::string("layer-1")));
  QueryTrace trace;
  REQUIRE(harness.TryAsk(std::move(query), &trace)->size() == 1);
  REQUIRE(trace.root.name == "measure query");
  REQUIRE(!trace.root.error);
  REQUIRE(TagOf(&trace.root, "plan").find("Scan(group=g, measure=m") != std::string::npos);
  REQUIRE(TagOf(&trace.root, "rows") == "1");
  REQUIRE(TagOf(FindSpan(trace.root, "find segments"), "slices") == "1");
  REQUIRE(TagOf(FindSpan(trace.root, "select series of g/shard-"), "method") == "lookup");
  const QuerySpan* read = FindSpan(trace.root, "read g/shard-");
  REQUIRE(TagOf(read, "rows_matched") == "1");
  REQUIRE(TagOf(read, "blocks_read") == "1");
  REQUIRE(TagOf(read, "bytes_read") != "0");
}

TEST_CASE("the trace of a query that failed says so", "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);
  harness.limits.deadline = harness.clock.Monotonic();
  QueryTrace trace;
  REQUIRE(!harness.TryAsk(Question(), &trace).has_value());
  REQUIRE(trace.root.error);
  REQUIRE(TagOf(&trace.root, "error_msg").find("deadline") != std::string::npos);
}

}  // namespace
}  // namespace ficus
