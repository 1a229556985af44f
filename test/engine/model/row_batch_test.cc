#include "engine/model/row_batch.h"

#include <algorithm>
#include <numeric>

#include <catch2/catch.hpp>

#include "engine/base/random.h"
#include "test/support/seed.h"

namespace ficus {
namespace {

constexpr ColumnId kValue(1);
constexpr ColumnId kName(2);

RowBatch Empty() {
  RowBatch batch;
  batch.subject = SubjectId(9);
  batch.columns = {ColumnValues(kValue, ColumnType::kInt64),
                   ColumnValues(kName, ColumnType::kString)};
  return batch;
}

// A row whose cells tell its place in the batch; every third has no name.
void Add(RowBatch& batch, uint64_t series, int64_t timestamp, int64_t version) {
  const size_t row = batch.rows();
  batch.series.push_back(SeriesId(series));
  batch.timestamps.push_back(timestamp);
  batch.versions.push_back(version);
  batch.columns[0].AppendWord(row);
  if (row % 3 == 2) {
    batch.columns[1].AppendNull();
  } else {
    batch.columns[1].AppendCell(std::to_string(row));
  }
}

// What SortedOrder promises, in the plainest way.
std::vector<uint32_t> PlainOrder(const RowBatch& batch) {
  std::vector<uint32_t> order(batch.rows());
  std::iota(order.begin(), order.end(), 0u);
  std::stable_sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return std::tuple(batch.series[a], batch.timestamps[a], -batch.versions[a]) <
           std::tuple(batch.series[b], batch.timestamps[b], -batch.versions[b]);
  });
  return order;
}

}  // namespace

TEST_CASE("rows are ordered by series, time, then the highest version first", "[model][rows]") {
  RowBatch batch = Empty();
  Add(batch, 2, 10, 1);
  Add(batch, 1, 20, 1);
  Add(batch, 1, 10, 1);
  Add(batch, 1, 10, 3);
  Add(batch, 1, -5, 3);
  REQUIRE_FALSE(IsSorted(batch));
  REQUIRE(SortedOrder(batch) == std::vector<uint32_t>{4, 3, 2, 1, 0});
}

TEST_CASE("rows that agree in series, time and version keep their order", "[model][rows]") {
  RowBatch batch = Empty();
  Add(batch, 5, 10, 1);
  Add(batch, 3, 10, 1);
  Add(batch, 3, 10, 1);
  Add(batch, 3, 10, 1);
  REQUIRE(SortedOrder(batch) == std::vector<uint32_t>{1, 2, 3, 0});
}

TEST_CASE("the order agrees with a plain stable sort", "[model][rows]") {
  const uint64_t seed = TestSeed(1);
  CAPTURE(seed);
  SeededRandom random(seed);
  for (int round = 0; round < TestRounds(200); ++round) {
    RowBatch batch = Empty();
    const size_t rows = random.Below(400);
    const uint64_t series_count = 1 + random.Below(round % 2 == 0 ? 4 : 300);
    const int spread = static_cast<int>(random.Below(64));
    const uint64_t times = 1 + random.Below(50);
    for (size_t row = 0; row < rows; ++row) {
      const uint64_t series = random.Below(series_count) * 0x9e3779b97f4a7c15ULL >> spread;
      Add(batch, series, static_cast<int64_t>(random.Below(times)) - 10,
          static_cast<int64_t>(random.Below(3)));
    }
    const auto order = SortedOrder(batch);
    REQUIRE(order == PlainOrder(batch));
    REQUIRE(IsSorted(Reordered(batch, order, false)));
  }
}

TEST_CASE("series at both ends of their range are ordered", "[model][rows]") {
  RowBatch batch = Empty();
  for (int64_t i = 0; i < 100; ++i) {
    Add(batch, i % 2 == 0 ? ~uint64_t{0} : 0, std::numeric_limits<int64_t>::max() - i, i);
  }
  REQUIRE(SortedOrder(batch) == PlainOrder(batch));
}

TEST_CASE("a batch that is in order is left as it is", "[model][rows]") {
  RowBatch batch = Empty();
  REQUIRE(IsSorted(batch));
  REQUIRE(SortedOrder(batch).empty());
  for (int64_t i = 0; i < 10; ++i) Add(batch, static_cast<uint64_t>(i / 4), i, 0);
  REQUIRE(IsSorted(batch));
  const auto order = SortedOrder(batch);
  REQUIRE(Reordered(batch, order, false) == batch);
  REQUIRE(Reordered(batch, order, true) == batch);
}

TEST_CASE("of duplicates only the winner stays, with its cells and its tombstone",
          "[model][rows]") {
  RowBatch batch = Empty();
  Add(batch, 1, 10, 1);
  Add(batch, 1, 10, 4);
  Add(batch, 1, 10, 4);
  Add(batch, 1, 11, 0);
  Add(batch, 2, 11, 0);
  batch.tombstones = {false, true, false, false, true};

  const RowBatch winners = Reordered(batch, SortedOrder(batch), true);
  REQUIRE(winners.rows() == 3);
  REQUIRE(winners.versions == std::vector<int64_t>{4, 0, 0});
  REQUIRE(winners.tombstones == std::vector<bool>{true, false, true});
  REQUIRE(winners.columns[0].word(0) == 1);
  REQUIRE(winners.columns[1].cell(0) == "1");
  REQUIRE(winners.columns[1].cell(2) == "4");
  REQUIRE(winners.subject == batch.subject);

  const RowBatch all = Reordered(batch, SortedOrder(batch), false);
  REQUIRE(all.rows() == 5);
  REQUIRE(all.columns[1].IsNull(1));
  REQUIRE(all.columns[0].word(1) == 2);
}

TEST_CASE("a column is found by its id", "[model][rows]") {
  const RowBatch batch = Empty();
  REQUIRE(batch.FindColumn(kName) != nullptr);
  REQUIRE(batch.FindColumn(kName)->id() == kName);
  REQUIRE(batch.FindColumn(ColumnId(0)) == nullptr);
  REQUIRE(batch.FindColumn(ColumnId(3)) == nullptr);
}

TEST_CASE("the times of a batch are the smallest range around its rows", "[model][rows]") {
  RowBatch batch = Empty();
  REQUIRE(batch.Times().empty());
  Add(batch, 1, 30, 0);
  Add(batch, 1, -10, 0);
  REQUIRE(batch.Times() == TimeRange{-10, 31});
  Add(batch, 1, std::numeric_limits<int64_t>::max(), 0);
  REQUIRE(batch.Times().end == std::numeric_limits<int64_t>::max());
}

TEST_CASE("an appended row fills the columns both sides know and leaves null elsewhere",
          "[model][rows]") {
  RowBatch from = Empty();
  from.columns.insert(from.columns.begin(), ColumnValues(ColumnId(0), ColumnType::kInt64));
  from.columns.pop_back();
  from.series = {SeriesId(7)};
  from.timestamps = {70};
  from.versions = {1};
  from.columns[0].AppendWord(100);
  from.columns[1].AppendWord(200);
  from.tombstones = {true};

  RowBatch to = Empty();
  Add(to, 1, 10, 1);
  AppendRow(to, from, 0);
  AppendRow(to, to, 0);

  REQUIRE(to.rows() == 3);
  REQUIRE(to.series == std::vector<SeriesId>{SeriesId(1), SeriesId(7), SeriesId(1)});
  REQUIRE(to.tombstones == std::vector<bool>{false, true, false});
  REQUIRE(to.columns.size() == 3);
  REQUIRE(to.columns[0].id() == ColumnId(0));
  REQUIRE(to.columns[0].IsNull(0));
  REQUIRE(to.columns[0].word(1) == 100);
  REQUIRE(to.columns[1].word(1) == 200);
  REQUIRE(to.FindColumn(kName)->IsNull(1));
  REQUIRE(to.FindColumn(kName)->cell(2) == "0");
  for (const ColumnValues& column : to.columns) REQUIRE(column.rows() == 3);
}

TEST_CASE("the memory of a batch grows with its cells", "[model][rows]") {
  RowBatch batch = Empty();
  const size_t before = batch.MemoryBytes();
  for (int64_t i = 0; i < 1000; ++i) Add(batch, 1, i, 0);
  REQUIRE(batch.MemoryBytes() >= before + 1000 * (8 + 8 + 8 + 8 + 4 + 2));
}

}  // namespace ficus
