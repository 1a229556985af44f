#include "engine/query/answer_builder.h"

#include <string>

#include <catch2/catch.hpp>

#include "engine/model/entity.h"
#include "test/engine/query/measure_rows.h"

namespace ficus {
namespace {

using Kind = ValueSource::Kind;

// Two tags of the entity, a tag and a field with each row.
MeasurePlanDetail Plan() {
  MeasurePlanDetail plan;
  plan.needs_entity_for_tags = true;
  MeasureGroupPlan group;
  group.columns = {{ColumnId(1), ColumnType::kString}, {ColumnId(2), ColumnType::kInt64}};
  group.tags = {{Kind::kEntity, 0}, {Kind::kEntity, 1}, {Kind::kColumn, 0}};
  group.fields = {{Kind::kColumn, 1}};
  group.types = {{ColumnType::kString, ColumnType::kInt64, ColumnType::kString},
                 {ColumnType::kInt64}};
  plan.groups.push_back(std::move(group));
  return plan;
}

struct Rows {
  ShardSource source;
  RowBatch batch;
  std::vector<const ColumnValues*> columns;

  Rows(const MeasureGroupPlan& plan, MemoryLedger& ledger) : source(0, plan, ledger) {
    batch.columns = {{ColumnId(1), ColumnType::kString}, {ColumnId(2), ColumnType::kInt64}};
  }
  void Add(uint64_t series, UnixNanos time, const std::string& tag, int64_t value) {
    batch.series.emplace_back(series);
    batch.timestamps.push_back(time);
    batch.versions.push_back(time + 1);
    batch.columns[0].AppendCell(tag);
    batch.columns[1].AppendWord(static_cast<uint64_t>(value));
  }
  void StoreIn(RowStore& store, RowRange range) {
    columns = {&batch.columns[0], &batch.columns[1]};
    store.Append(
        {source, batch, columns, batch.series[range.begin], range.begin, range.end, {}, nullptr},
        range);
  }
};

TEST_CASE("rows of a series share the values of its entity", "[query]") {
  const MeasurePlanDetail plan = Plan();
  MemoryLedger ledger(1 << 20);
  Rows rows(plan.groups[0], ledger);
  for (int i = 0; i < 3; ++i) rows.Add(7, 100 + i, "t" + std::to_string(i), i);
  rows.Add(8, 50, "u", 9);
  RowStore store(plan.groups[0]);
  rows.StoreIn(store, {0, 3});
  rows.StoreIn(store, {3, 4});
  store.AddEntity(SeriesId(7), *EncodeSeriesKey("m", {std::string("a|b"), int64_t{-5}}));
  store.FinishEntities();

  MeasureRowBatch batch;
  AnswerBuilder builder(plan, plan.groups[0].types, batch);
  REQUIRE(builder.Append(store, {3, 4}).has_value());
  REQUIRE(builder.Append(store, {0, 1}).has_value());
  REQUIRE(builder.Append(store, {1, 3}).has_value());
  REQUIRE(batch.tags[0].values.rows() == 2);
  const std::vector<MeasureRow> expected = {
      {50, SeriesId(8), 51, {Null{}, Null{}, std::string("u")}, {int64_t{9}}},
      {100, SeriesId(7), 101, {std::string("a|b"), int64_t{-5}, std::string("t0")}, {int64_t{0}}},
      {101, SeriesId(7), 102, {std::string("a|b"), int64_t{-5}, std::string("t1")}, {int64_t{1}}},
      {102, SeriesId(7), 103, {std::string("a|b"), int64_t{-5}, std::string("t2")}, {int64_t{2}}}};
  REQUIRE(RowsOf(batch) == expected);
}

TEST_CASE("an aggregate's row has its tags alone", "[query]") {
  const MeasurePlanDetail plan = Plan();
  MemoryLedger ledger(1 << 20);
  Rows rows(plan.groups[0], ledger);
  rows.Add(7, 100, "t", 1);
  RowStore store(plan.groups[0]);
  rows.StoreIn(store, {0, 1});
  store.FinishEntities();
  MeasureRowBatch batch;
  AnswerBuilder builder(plan, plan.groups[0].types, batch);
  REQUIRE(builder.AppendTags(store, {0, 1}).has_value());
  REQUIRE(batch.rows == 1);
  REQUIRE(batch.timestamps.empty());
  REQUIRE(ValuesAt(batch.tags, 0) == std::vector<TagValue>{Null{}, Null{}, std::string("t")});
  REQUIRE(batch.fields[0].values.rows() == 0);
}

TEST_CASE("a key that is no entity's is damage", "[query]") {
  const MeasurePlanDetail plan = Plan();
  MemoryLedger ledger(1 << 20);
  Rows rows(plan.groups[0], ledger);
  rows.Add(7, 100, "t", 1);
  for (const std::string& key : {std::string("m"), *EncodeSeriesKey("m", {std::string("one")})}) {
    RowStore store(plan.groups[0]);
    rows.StoreIn(store, {0, 1});
    store.AddEntity(SeriesId(7), key);
    store.FinishEntities();
    MeasureRowBatch batch;
    AnswerBuilder builder(plan, plan.groups[0].types, batch);
    REQUIRE(builder.Append(store, {0, 1}).error().code == ErrorCode::kCorruption);
  }
}

TEST_CASE("what a batch will take is bounded before", "[query]") {
  const MeasurePlanDetail plan = Plan();
  MemoryLedger ledger(1 << 20);
  Rows rows(plan.groups[0], ledger);
  for (int i = 0; i < 100; ++i) rows.Add(7, i, std::string(static_cast<size_t>(i), 'x'), i);
  RowStore store(plan.groups[0]);
  rows.StoreIn(store, {0, 100});
  store.AddEntity(SeriesId(7), *EncodeSeriesKey("m", {std::string(500, 'y'), int64_t{1}}));
  store.FinishEntities();
  MeasureRowBatch batch;
  AnswerBuilder builder(plan, plan.groups[0].types, batch);
  REQUIRE(builder.Append(store, {0, 100}).has_value());
  size_t bytes = batch.rows * 3 * sizeof(uint64_t);
  for (const auto* columns : {&batch.tags, &batch.fields}) {
    for (const AnswerColumn& column : *columns) {
      bytes += column.places.capacity() * sizeof(uint32_t) + column.values.MemoryBytes();
    }
  }
  REQUIRE(AnswerBuilder::BytesOf(store, {0, 100}) + 4 * sizeof(AnswerColumn) >= bytes);
}

}  // namespace
}  // namespace ficus
