#include "engine/query/series_selection.h"

#include <string>

#include <catch2/catch.hpp>

#include "engine/query/measure_plan_detail.h"
#include "test/engine/query/measure_questions.h"

namespace ficus {
namespace {

using Op = ConditionOp;
using Texts = std::vector<std::string>;

// The selection of one shard for `query`, and what it was made of.
struct Selected {
  Selected(QueryHarness& harness, MeasureQuery query, bool wants_keys = false)
      : plan(*PlanMeasureQuery(std::move(query), harness.Schema(), harness.clock.Now())),
        environment{harness, harness.clock, harness.ledger},
        context{plan.detail(), environment, harness.limits},
        candidates(
            *SeriesCandidates::Make(plan.detail().groups[0], harness.limits.series_lookup_max)),
        selection(*SeriesSelection::Select(context, plan.detail().groups[0], candidates,
                                           *harness.Tables().front()->Current(), wants_keys)) {}

  PlannedMeasureQuery plan;
  QueryEnvironment environment;
  QueryContext context;
  SeriesCandidates candidates;
  SeriesSelection selection;
};

void PrepareOneShard(QueryHarness& harness) {
  harness.clock.Advance(12 * kNanosPerHour);
  SchemaObject group = ProposeGroup("g");
  std::get<GroupSchema>(group.view).resources->shard_count = 1;
  harness.Create(std::move(group));
  SchemaObject measure = ProposeMeasure("g", "m");
  std::get<MeasureSchema>(measure.view).entity = {"id", "layer"};
  harness.Create(std::move(measure));
  std::vector<TestPoint> points;
  for (int i = 0; i < 30; ++i) points.push_back(Point(i, "id" + std::to_string(i), i));
  harness.Write("g", "m", points);
  harness.Flush();
  harness.Write("g", "m", {Point(1, "id0", 1), Point(2, "new", 3)});
}

MeasureQuery With(std::unique_ptr<Criteria> criteria) {
  MeasureQuery query = Question();
  query.criteria = std::move(criteria);
  return query;
}

TEST_CASE("without a condition on the entity the index is not read", "[query]") {
  QueryHarness harness;
  PrepareOneShard(harness);
  const Selected selected(harness, Question());
  REQUIRE(selected.selection.method() == SeriesSelection::Method::kEverySeries);
  REQUIRE(selected.selection.every_series());
  REQUIRE(!selected.selection.empty());
}

TEST_CASE("when every entity tag is fixed the series are looked up", "[query]") {
  QueryHarness harness;
  PrepareOneShard(harness);
  const Selected selected(harness, With(And(Where("id", Op::kIn, Texts{"id0", "id1", "nobody"}),
                                            Where("layer", Op::kIn, Texts{"layer-0", "layer-1"}))));
  REQUIRE(selected.candidates.known());
  REQUIRE(selected.candidates.all().size() == 6);
  REQUIRE(selected.selection.method() == SeriesSelection::Method::kLookup);
  REQUIRE(selected.selection.ids().size() == 3);  // id0 has two layers, id1 has one
  REQUIRE(std::is_sorted(selected.selection.ids().begin(), selected.selection.ids().end()));
}

TEST_CASE("an open entity tag, or too many series, means a scan of the index", "[query]") {
  QueryHarness harness;
  PrepareOneShard(harness);
  const Selected open(harness, With(Where("id", Op::kEq, std::string("id0"))));
  REQUIRE(!open.candidates.known());
  REQUIRE(open.selection.method() == SeriesSelection::Method::kScan);
  REQUIRE(open.selection.ids().size() == 2);
  REQUIRE(!open.selection.every_series());

  harness.limits.series_lookup_max = 3;
  const Selected many(harness, With(And(Where("id", Op::kIn, Texts{"id0", "id1"}),
                                        Where("layer", Op::kIn, Texts{"layer-0", "layer-1"}))));
  REQUIRE(!many.candidates.known());
  REQUIRE(many.selection.method() == SeriesSelection::Method::kScan);
  REQUIRE(many.selection.ids().size() == 3);
}

TEST_CASE("contradicting conditions select nothing without reading", "[query]") {
  QueryHarness harness;
  PrepareOneShard(harness);
  const Selected selected(harness, With(And(Where("id", Op::kEq, std::string("id0")),
                                            Where("id", Op::kEq, std::string("id1")))));
  REQUIRE(selected.candidates.known());
  REQUIRE(selected.candidates.all().empty());
  REQUIRE(selected.selection.empty());
}

TEST_CASE("keys are there when they are wanted, and found in any order", "[query]") {
  QueryHarness harness;
  PrepareOneShard(harness);
  const Selected selected(harness, Question(), true);
  REQUIRE(selected.selection.method() == SeriesSelection::Method::kScan);
  REQUIRE(selected.selection.every_series());
  const std::vector<SeriesId>& ids = selected.selection.ids();
  REQUIRE(ids.size() == 32);
  size_t hint = 0;
  for (const bool backwards : {false, true}) {
    for (size_t i = 0; i < ids.size(); ++i) {
      const SeriesId id = backwards ? ids[ids.size() - 1 - i] : ids[i];
      const SeriesSelection::Found found = selected.selection.Find(id, hint);
      REQUIRE(found.found);
      REQUIRE(found.verdict == SeriesVerdict::kAll);
      REQUIRE(SeriesIdOf(found.key) == id);
    }
  }
  REQUIRE(!selected.selection.Find(SeriesId(1), hint).found);
  REQUIRE(!selected.selection.Find(SeriesId(~uint64_t{0}), hint).found);
}

TEST_CASE("a stored entity that only shares the hash is not selected", "[query]") {
  QueryHarness harness;
  PrepareOneShard(harness);
  // Another entity under the id of the one asked for, as a collision would leave it.
  const auto wanted = *EncodeSeriesKey("m", {std::string("twin"), std::string("x")});
  const auto stored = *EncodeSeriesKey("m", {std::string("other"), std::string("x")});
  const SchemaObject* measure = harness.Schema()->Find(SchemaKind::kMeasure, "g", "m");
  Introduction introduction;
  introduction.position = LogPosition(1000);
  introduction.scn = Scn(1000);
  RowBatch rows;
  rows.subject = measure->subject_id;
  rows.series = {SeriesIdOf(wanted)};
  rows.timestamps = {kMidnight};
  rows.versions = {1};
  introduction.entries = {{measure->subject_id, SeriesIdOf(wanted), stored}};
  introduction.reservation = harness.ledger.Account(MemoryConsumer::kMemParts, 100);
  introduction.rows.push_back(std::move(rows));
  harness.Tables().front()->Introduce(std::move(introduction), [] {});
  harness.executor().RunUntilIdle();

  const auto query = [](std::string id) {
    return With(
        And(Where("id", Op::kEq, std::move(id)), Where("layer", Op::kEq, std::string("x"))));
  };
  REQUIRE(Selected(harness, query("twin")).selection.empty());
  REQUIRE(harness.Ask(query("twin")).empty());
  REQUIRE(harness.Ask(With(Where("id", Op::kEq, std::string("twin")))).empty());
  REQUIRE(ToText(harness.Ask(With(Where("id", Op::kEq, std::string("other"))))) == "other@0=null");
}

TEST_CASE("a selection is charged to the ledger", "[query]") {
  QueryHarness harness;
  PrepareOneShard(harness);
  harness.ledger.SetShare(MemoryConsumer::kQueries, 500);
  MeasureQuery query = Question();
  query.aggregation = Aggregation{AggregationFunction::kSum, "value"};
  REQUIRE(harness.TryAsk(std::move(query)).error().code == ErrorCode::kResourceExhausted);
}

}  // namespace
}  // namespace ficus
