#include "engine/query/ordered_rows.h"

#include <string>

#include <catch2/catch.hpp>

#include "test/engine/query/measure_questions.h"

namespace ficus {
namespace {

// 6,000 rows of 40 series in one segment, in files and in memory.
void WriteMany(QueryHarness& harness) {
  PrepareMeasure(harness);
  for (int batch = 0; batch < 6; ++batch) {
    std::vector<TestPoint> points;
    for (int i = 0; i < 1000; ++i) {
      points.push_back(Point((batch * 997 + i * 13) % 700,
                             "s" + std::to_string((i * 31 + batch) % 40), batch * 1000 + i,
                             1 + batch));
    }
    harness.Write("g", "m", points);
    if (batch % 3 == 1) harness.Flush();
  }
}

MeasureQuery Everything() {
  MeasureQuery query = Question();
  query.tags = {{"default", {"id", "layer"}}};
  query.limit = 1'000'000;
  return query;
}

uint64_t Passes(const QuerySpan& span) {
  uint64_t passes = span.name == "top" ? 1 : 0;
  for (const auto& [key, value] : span.tags) {
    if (key == "passes") passes += std::stoull(value);
  }
  for (const auto& child : span.children) passes += Passes(*child);
  return passes;
}

TEST_CASE("with little memory the same rows come in more passes", "[query]") {
  QueryHarness harness;
  WriteMany(harness);
  for (const SortOrder order : {SortOrder::kAscending, SortOrder::kDescending}) {
    const auto query = [&] {
      MeasureQuery asked = Everything();
      asked.order = order;
      return asked;
    };
    harness.limits.sort_bytes = size_t{32} << 20;
    QueryTrace one;
    const std::vector<MeasureRow> expected = *harness.TryAsk(query(), &one);
    REQUIRE(expected.size() > 3000);
    REQUIRE(Passes(one.root) == 1);
    harness.limits.sort_bytes = 100'000;
    QueryTrace many;
    REQUIRE(*harness.TryAsk(query(), &many) == expected);
    REQUIRE(Passes(many.root) > 3);
  }
}

TEST_CASE("a few large rows come in more passes rather than in more memory", "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);
  std::vector<TestPoint> points;
  for (int i = 0; i < 40; ++i) {
    points.push_back(Point(i * 7 % 40, "s" + std::to_string(i), i));
    points.back().tags["layer"] = std::string(20'000, 'x');
  }
  harness.Write("g", "m", points);
  harness.limits.sort_bytes = 20'000;
  QueryTrace one;
  const std::vector<MeasureRow> expected = *harness.TryAsk(Everything(), &one);
  REQUIRE(expected.size() == 40);
  REQUIRE(Passes(one.root) == 1);
  harness.limits.few_rows_bytes_max = 400'000;
  QueryTrace many;
  REQUIRE(*harness.TryAsk(Everything(), &many) == expected);
  REQUIRE(Passes(many.root) > 4);
  harness.limits.few_rows_bytes_max = 30'000;
  REQUIRE(harness.TryAsk(Everything()).error().code == ErrorCode::kResourceExhausted);
}

TEST_CASE("a bounded answer needs one pass, however little memory there is", "[query]") {
  QueryHarness harness;
  WriteMany(harness);
  const std::vector<MeasureRow> all = harness.Ask(Everything());
  harness.limits.sort_bytes = 20'000;
  MeasureQuery first = Everything();
  first.limit = 30;
  first.offset = 10;
  QueryTrace trace;
  REQUIRE(*harness.TryAsk(std::move(first), &trace) ==
          std::vector<MeasureRow>(all.begin() + 10, all.begin() + 40));
  REQUIRE(Passes(trace.root) == 1);
}

TEST_CASE("when the ledger refuses, fewer rows are kept at a time", "[query]") {
  QueryHarness harness;
  WriteMany(harness);
  harness.Flush();
  const std::vector<MeasureRow> expected = harness.Ask(Everything());
  const auto plan = PlanMeasureQuery(Everything(), harness.Schema(), harness.clock.Now());
  // The rows alone are larger than what queries may hold; the sink lets go of each batch.
  harness.ledger.SetShare(MemoryConsumer::kQueries, 900'000);
  class Letting final : public MeasureRowSink {
   public:
    Result<> Accept(MeasureRowBatch batch) override {
      for (MeasureRow& row : RowsOf(batch)) rows.push_back(std::move(row));
      return Ok();
    }
    std::vector<MeasureRow> rows;
  } sink;
  const QueryEnvironment environment{harness, harness.clock, harness.ledger};
  QueryTrace trace;
  const Result<> outcome = RunMeasureQuery(*plan, environment, {}, sink, &trace);
  if (!outcome.has_value()) FAIL(outcome.error().ToString());
  REQUIRE(sink.rows == expected);
  REQUIRE(Passes(trace.root) > 1);
}

TEST_CASE("top keeps the largest or the smallest of all segments, equals by time", "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);
  harness.Write("g", "m",
                {Point(-2000, "a", 5), Point(-1000, "b", 9), Point(0, "c", 5), Point(10, "d", 1),
                 Point(20, "e", 9)});
  TestPoint null = Point(30, "n", 0);
  null.fields.clear();
  harness.Write("g", "m", {null});
  const auto top = [&](int32_t number, SortOrder order) {
    MeasureQuery query = Question();
    query.top = Top{number, "value", order};
    return ToText(harness.Ask(std::move(query)));
  };
  REQUIRE(top(3, SortOrder::kDescending) == "b@-1000=9 e@20=9 a@-2000=5");
  REQUIRE(top(3, SortOrder::kUnspecified) == "b@-1000=9 e@20=9 a@-2000=5");
  REQUIRE(top(3, SortOrder::kAscending) == "n@30=null d@10=1 a@-2000=5");
  REQUIRE(top(0, SortOrder::kDescending).empty());
  REQUIRE(top(-4, SortOrder::kDescending).empty());
  MeasureQuery page = Question();
  page.top = Top{4, "value", SortOrder::kDescending};
  page.offset = 2;
  page.limit = 10;
  REQUIRE(ToText(harness.Ask(std::move(page))) == "a@-2000=5 c@0=5");
}

TEST_CASE("a large top needs passes over everything when memory is short", "[query]") {
  QueryHarness harness;
  WriteMany(harness);
  const auto query = [] {
    MeasureQuery asked = Everything();
    asked.top = Top{2500, "value", SortOrder::kDescending};
    return asked;
  };
  const std::vector<MeasureRow> expected = harness.Ask(query());
  REQUIRE(expected.size() == 2500);
  harness.limits.sort_bytes = 60'000;
  QueryTrace trace;
  REQUIRE(*harness.TryAsk(query(), &trace) == expected);
  REQUIRE(Passes(trace.root) > 1);
}

}  // namespace
}  // namespace ficus
