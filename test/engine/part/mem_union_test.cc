#include "engine/part/mem_union.h"

#include <limits>

#include <catch2/catch.hpp>

#include "test/engine/part/row_model.h"
#include "test/support/seed.h"

namespace ficus {
namespace {

RowBatch Sorted(const RowBatch& batch) { return Reordered(batch, SortedOrder(batch), true); }

std::vector<const RowBatch*> PointersTo(const std::vector<RowBatch>& batches) {
  std::vector<const RowBatch*> pointers;
  for (const RowBatch& batch : batches) pointers.push_back(&batch);
  return pointers;
}

RowBatch Visited(const std::vector<RowBatch>& batches) {
  RowBatch all;
  all.subject = SubjectId(1);
  const auto visited = VisitInOrder(PointersTo(batches), [&](const RowBatch& rows, RowRange run) {
    REQUIRE(run.rows() > 0);
    REQUIRE(rows.series[run.begin] == rows.series[run.end - 1]);
    return AppendRows(all, rows, run);
  });
  REQUIRE(visited.has_value());
  return all;
}

// What sorting all rows at once gives.
RowBatch Expected(const std::vector<RowBatch>& batches) {
  RowBatch all;
  all.subject = SubjectId(1);
  for (const RowBatch& batch : batches) {
    REQUIRE(AppendRows(all, batch, {0, batch.rows()}).has_value());
  }
  return Sorted(all);
}

}  // namespace

TEST_CASE("a union visits what sorting all rows gives", "[part][oracle]") {
  const uint64_t seed = TestSeed(31);
  SeededRandom random(seed);
  for (int round = 0; round < TestRounds(60); ++round) {
    CAPTURE(seed, round);
    std::vector<RowBatch> batches;
    // Ids of every magnitude, so that slices and buckets have every width.
    const uint64_t series_max = uint64_t{1} << random.Below(64);
    const int64_t times_max = static_cast<int64_t>(1 + random.Below(2000));
    for (uint64_t i = 1 + random.Below(12); i > 0; --i) {
      RowBatch batch;
      batch.subject = SubjectId(1);
      batch.columns.emplace_back(ColumnId(1), ColumnType::kInt64);
      for (uint64_t rows = random.Below(6000); rows > 0; --rows) {
        batch.series.push_back(SeriesId(random.Below(series_max)));
        batch.timestamps.push_back(static_cast<int64_t>(random.Below(times_max)));
        batch.versions.push_back(static_cast<int64_t>(random.Below(3)));
        batch.columns[0].AppendWord(random.Below(1'000'000));
      }
      batches.push_back(Sorted(batch));
    }
    const RowBatch visited = Visited(batches);
    const RowBatch expected = Expected(batches);
    REQUIRE(visited.series == expected.series);
    REQUIRE(visited.timestamps == expected.timestamps);
    REQUIRE(visited.versions == expected.versions);
    if (expected.rows() > 0) REQUIRE(visited.columns == expected.columns);
  }
}

TEST_CASE("a union has the first and the last id, and nothing of nothing", "[part]") {
  constexpr uint64_t kLast = std::numeric_limits<uint64_t>::max();
  REQUIRE(Visited({}).rows() == 0);
  REQUIRE(Visited({PlainBatch(1, {})}).rows() == 0);
  REQUIRE(Visited({PlainBatch(1, {{kLast, 1, 1, 7}})}) == PlainBatch(1, {{kLast, 1, 1, 7}}));
  REQUIRE(Visited({PlainBatch(1, {{0, 5, 1, 1}, {kLast, 1, 1, 2}}), PlainBatch(1, {}),
                   PlainBatch(1, {{0, 4, 1, 3}, {kLast, 2, 1, 4}})}) ==
          PlainBatch(1, {{0, 4, 1, 3}, {0, 5, 1, 1}, {kLast, 1, 1, 2}, {kLast, 2, 1, 4}}));
}

TEST_CASE("of equal rows a union visits the highest version, then the oldest", "[part]") {
  REQUIRE(Visited({PlainBatch(1, {{1, 1, 1, 10}, {1, 2, 1, 11}, {1, 3, 2, 12}}),
                   PlainBatch(1, {{1, 1, 1, 20}, {1, 2, 2, 21}, {1, 3, 1, 22}})}) ==
          PlainBatch(1, {{1, 1, 1, 10}, {1, 2, 2, 21}, {1, 3, 2, 12}}));
}

TEST_CASE("an error of a visit ends the union", "[part]") {
  const std::vector<RowBatch> batches = {PlainBatch(1, {{1, 1, 1, 1}, {2, 1, 1, 1}})};
  int visits = 0;
  const auto visited = VisitInOrder(PointersTo(batches), [&](const RowBatch&, RowRange) {
    ++visits;
    return Result<>(Error{ErrorCode::kNoSpace, "full"});
  });
  REQUIRE(visited.error().code == ErrorCode::kNoSpace);
  REQUIRE(visits == 1);
}

}  // namespace ficus
