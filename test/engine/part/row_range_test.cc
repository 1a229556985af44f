#include "engine/part/row_range.h"

#include <catch2/catch.hpp>

#include "test/engine/part/row_model.h"
#include "test/support/seed.h"

namespace ficus {

TEST_CASE("rows appended as a range are the rows appended one by one", "[part]") {
  const uint64_t seed = TestSeed(1);
  SeededRandom random(seed);
  RandomRows shape;
  shape.subjects = 1;
  for (int round = 0; round < TestRounds(100); ++round) {
    CAPTURE(seed, round);
    shape.rows = 1 + random.Below(100);
    RowBatch to = MakeRandomBatches(random, shape)[0];
    shape.rows = 1 + random.Below(100);
    const RowBatch from = MakeRandomBatches(random, shape)[0];
    const size_t begin = random.Below(from.rows() + 1);
    const RowRange range = {begin, begin + random.Below(from.rows() - begin + 1)};
    RowBatch expected = to;
    for (size_t row = range.begin; row < range.end; ++row) AppendRow(expected, from, row);
    const size_t rows = to.rows();
    REQUIRE(AppendRows(to, from, range).has_value());
    REQUIRE(to.rows() == expected.rows());
    for (size_t row = 0; row < to.rows(); ++row) {
      REQUIRE((RowOf(to, row, nullptr) == RowOf(expected, row, nullptr)));
    }
    DropFirstRows(to, rows);
    REQUIRE(to.rows() == range.rows());
    for (size_t row = 0; row < to.rows(); ++row) {
      REQUIRE((RowOf(to, row, nullptr) == RowOf(from, range.begin + row, nullptr)));
    }
  }
}

TEST_CASE("a column of two types is refused", "[part]") {
  RowBatch to = PlainBatch(1, {{1, 1, 1, 1}});
  RowBatch from = to;
  from.columns[0] = ColumnValues(kPlainColumn, ColumnType::kFloat64);
  from.columns[0].AppendWord(1);
  REQUIRE(AppendRows(to, from, {0, 1}).error().code == ErrorCode::kCorruption);
}

TEST_CASE("only wanted columns are appended, and cells are counted", "[part]") {
  RowBatch from = PlainBatch(1, {{1, 1, 1, 1}, {2, 1, 1, 1}});
  ColumnValues text(ColumnId(9), ColumnType::kString);
  text.AppendCell("abc");
  text.AppendCell("de");
  from.columns.push_back(text);
  REQUIRE(CellBytes(from, {0, 2}) == 5);
  REQUIRE(CellBytes(from, {1, 2}) == 2);
  RowBatch to;
  REQUIRE(AppendRows(to, from, {0, 2}, {ColumnId(9)}).has_value());
  REQUIRE(to.columns.size() == 1);
  REQUIRE(to.columns[0].id() == ColumnId(9));
}

}  // namespace ficus
