#include "engine/query/row_store.h"

#include <string>

#include <catch2/catch.hpp>

namespace ficus {
namespace {

TEST_CASE("rows come with the columns of the plan, null where the batch has none", "[query]") {
  MeasureGroupPlan plan;
  plan.columns = {{ColumnId(1), ColumnType::kString}, {ColumnId(2), ColumnType::kInt64}};
  MemoryLedger ledger(1 << 20);
  const ShardSource source(0, plan, ledger);
  RowBatch batch;
  batch.columns = {{ColumnId(1), ColumnType::kString}};
  for (int i = 0; i < 5; ++i) {
    batch.series.emplace_back(3);
    batch.timestamps.push_back(10 + i);
    batch.versions.push_back(i);
    batch.columns[0].AppendCell("t" + std::to_string(i));
  }
  const std::vector<const ColumnValues*> columns = {&batch.columns[0], nullptr};
  RowStore store(plan);
  store.Append({source, batch, columns, SeriesId(3), 0, 5, {}, nullptr}, {1, 4});
  REQUIRE(store.rows() == 3);
  REQUIRE(store.timestamp(2) == 13);
  REQUIRE(store.series(0) == SeriesId(3));
  REQUIRE(store.version(1) == 2);
  REQUIRE(store.column(0).cell(0) == "t1");
  REQUIRE(store.column(1).IsNull(2));

  RowStore other(plan);
  other.AppendFrom(store, 2);
  REQUIRE(other.rows() == 1);
  REQUIRE(other.timestamp(0) == 13);
  REQUIRE(other.column(0).cell(0) == "t3");
}

TEST_CASE("an entity is found by its series", "[query]") {
  MeasureGroupPlan plan;
  RowStore store(plan);
  store.AddEntity(SeriesId(9), "nine");
  store.AddEntity(SeriesId(2), "two");
  store.AddEntity(SeriesId(9), "nine");
  store.FinishEntities();
  REQUIRE(store.FindEntity(SeriesId(9)) == "nine");
  REQUIRE(store.FindEntity(SeriesId(2)) == "two");
  REQUIRE(store.FindEntity(SeriesId(5)).empty());
  // Their memory is the query's as long as they are kept, with rows or without.
  REQUIRE(store.MemoryBytes() == 2 * RowStore::EntityBytes("nine") + RowStore::EntityBytes("two"));
  RowStore copy(plan);
  copy.CopyEntities(store);
  REQUIRE(copy.FindEntity(SeriesId(2)) == "two");
}

}  // namespace
}  // namespace ficus
