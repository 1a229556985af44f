// Random schemas, rows and queries: the answer must equal that of a list of rows and loops over it.
#include <string>

#include <catch2/catch.hpp>

#include "test/engine/query/measure_dice.h"
#include "test/engine/query/query_harness.h"
#include "test/engine/schema/objects.h"
#include "test/support/seed.h"

namespace ficus {
namespace {

constexpr UnixNanos kToday = 20'000 * kNanosPerDay;

class OracleGame : private MeasureDice {
 public:
  explicit OracleGame(uint64_t seed) : MeasureDice(seed), harness_(seed) {
    harness_.clock.Advance(12 * kNanosPerHour);
    MakeSchemas();
  }

  void Play() {
    const size_t batches = 2 + Below(8);
    for (size_t batch = 0; batch < batches; ++batch) {
      WriteBatch();
      if (OneIn(3)) harness_.Flush();
      if (OneIn(4)) harness_.Merge();
      if (OneIn(8)) harness_.Reopen();
      for (int i = 0; i < 8; ++i) AskAndCompare();
    }
    harness_.Flush();
    harness_.Merge();
    for (int i = 0; i < 30; ++i) AskAndCompare();
  }

 private:
  // --- Schemas

  // Every second group lacks some tags or types them otherwise.
  void MakeSchemas() {
    RollSchema();
    const size_t groups = 1 + Below(3);
    for (size_t i = 0; i < groups; ++i) {
      MeasureSchema own = schema_;
      if (i > 0) ChangeTags(own);
      MakeGroup("g" + std::to_string(i), std::move(own));
    }
  }

  void MakeGroup(const std::string& name, MeasureSchema measure) {
    SchemaObject group = ProposeGroup(name);
    GroupSchema& view = std::get<GroupSchema>(group.view);
    view.resources->shard_count = static_cast<uint32_t>(1 + Below(3));
    if (OneIn(3)) {
      view.resources->segment_interval =
          IntervalRule{IntervalUnit::kHour, static_cast<uint32_t>(1 + Below(12))};
    }
    view.resources->ttl = IntervalRule{IntervalUnit::kDay, static_cast<uint32_t>(2 + Below(5))};
    const int64_t ttl = view.resources->ttl->nanos();
    harness_.Create(std::move(group));
    SchemaObject proposal = ProposeMeasure(name, "m");
    proposal.view = measure;
    harness_.Create(std::move(proposal));
    harness_.Create(ProposeIndexRule(name, "rule", indexed_));
    harness_.Create(ProposeBinding(name, "binding", "m", {"rule"}));
    model_.AddGroup(name, measure, ttl);
    schemas_[name] = std::move(measure);
    groups_.push_back(name);
  }

  // --- Rows: late ones, duplicates, beyond TTL

  void WriteBatch() {
    const std::string& group = Pick(groups_);
    const MeasureSchema& schema = schemas_.at(group);
    std::vector<TestPoint> points(1 + Below(OneIn(4) ? 900 : 60));
    const size_t distinct_times = 1 + Below(200);
    for (TestPoint& point : points) {
      const auto back = static_cast<UnixNanos>(Below(distinct_times));
      point.time = kToday + 12 * kNanosPerHour - (OneIn(2) ? back * kMinute : back * 37 * kMinute);
      if (OneIn(200)) point.time -= 9 * kNanosPerDay;
      point.version = static_cast<int64_t>(1 + Below(4));
      for (const TagFamily& family : schema.families) {
        for (const TagSpec& tag : family.tags) point.tags[tag.name] = ValueOf(tag.type);
      }
      for (const FieldSpec& field : schema.fields) point.fields[field.name] = ValueOf(field.type);
    }
    harness_.Write(group, "m", points);
    // The tables get one batch per shard; within it, as in the model, the first of equals wins.
    for (const TestPoint& point : points) model_.Write(group, "m", point);
  }

  // --- Queries

  void AskAndCompare() {
    harness_.limits.series_lookup_max = Pick(std::vector<size_t>{0, 1, 5, 10'000});
    harness_.limits.sort_bytes = Pick(std::vector<size_t>{0, 20'000, 100'000, size_t{32} << 20});
    MeasureQuery query = AnyQuery(kToday + 12 * kNanosPerHour, 20'000);
    const std::vector<MeasureRow> expected = model_.Ask(query, harness_.clock.Now());
    const auto plan = PlanMeasureQuery(Copy(query), harness_.Schema(), harness_.clock.Now());
    if (!plan.has_value()) FAIL(plan.error().ToString());
    CAPTURE(plan->ToText(), query.groups.size());
    const std::vector<MeasureRow> rows = harness_.Ask(std::move(query));
    Compare(rows, expected);
    answered_rows += rows.size();
  }

  QueryHarness harness_;

 public:
  size_t answered_rows = 0;
};

TEST_CASE("random queries over random rows answer what a list of rows answers", "[query][oracle]") {
  const uint64_t first = TestSeed(1);
  const int rounds = TestRounds(25);
  size_t answered = 0;
  for (int round = 0; round < rounds; ++round) {
    const uint64_t seed = first + static_cast<uint64_t>(round);
    CAPTURE(seed);
    OracleGame game(seed);
    game.Play();
    answered += game.answered_rows;
  }
  REQUIRE(answered > static_cast<size_t>(rounds) * 100);
}

}  // namespace
}  // namespace ficus
