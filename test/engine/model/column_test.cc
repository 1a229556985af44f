#include "engine/model/column.h"

#include <limits>

#include <catch2/catch.hpp>

#include "engine/base/random.h"
#include "test/support/seed.h"

namespace ficus {
namespace {

ColumnValues Ints() { return ColumnValues(ColumnId(3), ColumnType::kInt64); }
ColumnValues Strings() { return ColumnValues(ColumnId(4), ColumnType::kString); }

}  // namespace

TEST_CASE("a column type is known by its number and named", "[model]") {
  REQUIRE_FALSE(IsKnownColumnType(0));
  REQUIRE(IsKnownColumnType(1));
  REQUIRE(IsKnownColumnType(7));
  REQUIRE_FALSE(IsKnownColumnType(8));
  REQUIRE(ColumnTypeName(ColumnType::kStringArray) == "string array");
  REQUIRE(IsFixed(ColumnType::kTimestamp));
  REQUIRE_FALSE(IsFixed(ColumnType::kInt64Array));
}

TEST_CASE("words come back as they were appended, nulls as zero", "[model]") {
  ColumnValues column = Ints();
  column.AppendWord(7);
  column.AppendNull();
  column.AppendWord(static_cast<uint64_t>(-1));
  REQUIRE(column.rows() == 3);
  REQUIRE(column.int64(0) == 7);
  REQUIRE(column.IsNull(1));
  REQUIRE(column.word(1) == 0);
  REQUIRE(column.int64(2) == -1);
  REQUIRE(column.validity().CountValid(3) == 2);
}

TEST_CASE("a float keeps its bits", "[model]") {
  const uint64_t bits = GENERATE(0x7ff8dead0000beefULL, 0x8000000000000000ULL,
                                 0xfff0000000000000ULL, 0x0000000000000001ULL);
  ColumnValues column(ColumnId(1), ColumnType::kFloat64);
  column.AppendWord(bits);
  REQUIRE(std::bit_cast<uint64_t>(column.float64(0)) == bits);
}

TEST_CASE("cells come back as they were appended, nulls empty", "[model]") {
  ColumnValues column = Strings();
  column.AppendNull();
  column.AppendCell("abc");
  column.AppendCell("");
  column.AppendCell(std::string_view("\0x", 2));
  REQUIRE(column.rows() == 4);
  REQUIRE(column.IsNull(0));
  REQUIRE(column.cell(0).empty());
  REQUIRE(column.cell(1) == "abc");
  REQUIRE_FALSE(column.IsNull(2));
  REQUIRE(column.cell(3) == std::string_view("\0x", 2));
  REQUIRE(column.offsets().size() == 5);
  REQUIRE(column.bytes().size() == 5);
}

TEST_CASE("validity agrees with a plain list of booleans", "[model]") {
  const uint64_t seed = TestSeed(1);
  CAPTURE(seed);
  SeededRandom random(seed);
  for (int round = 0; round < TestRounds(50); ++round) {
    Validity validity;
    std::vector<bool> model;
    while (model.size() < 300) {
      const bool valid = random.Below(3) != 0;
      const size_t count = random.Below(70);
      validity.AppendRun(model.size(), count, valid);
      model.insert(model.end(), count, valid);
    }
    size_t valid_rows = 0;
    for (size_t row = 0; row < model.size(); ++row) {
      REQUIRE(validity.IsValid(row) == model[row]);
      valid_rows += model[row];
    }
    REQUIRE(validity.CountValid(model.size()) == valid_rows);
    // No bit beyond the last row: equal validities have equal words.
    Validity one_by_one;
    for (size_t row = 0; row < model.size(); ++row) one_by_one.Append(row, model[row]);
    REQUIRE(one_by_one == validity);
  }
}

TEST_CASE("columns built in different ways are equal when their rows are", "[model]") {
  ColumnValues appended = Ints();
  for (uint64_t i = 0; i < 70; ++i) appended.AppendWord(i);

  Validity all_set;
  all_set.Assign({~uint64_t{0}, 0x3f});
  std::vector<uint64_t> words(70);
  for (uint64_t i = 0; i < 70; ++i) words[i] = i;
  REQUIRE(ColumnValues::FromWords(ColumnId(3), ColumnType::kInt64, all_set, words) == appended);

  ColumnValues cells = Strings();
  cells.AppendCell("a");
  cells.AppendNull();
  Validity first_only;
  first_only.Assign({1});
  REQUIRE(ColumnValues::FromCells(ColumnId(4), ColumnType::kString, first_only, {0, 1, 1}, "a") ==
          cells);
  REQUIRE(ColumnValues::FromCells(ColumnId(4), ColumnType::kString, {}, {0}, "") == Strings());
  REQUIRE(ColumnValues::FromCells(ColumnId(4), ColumnType::kString, {}, {}, "") == Strings());
}

TEST_CASE("rows are copied from column to column, nulls included", "[model]") {
  ColumnValues from = Strings();
  from.AppendCell("x");
  from.AppendNull();
  ColumnValues to = Strings();
  to.AppendNulls(2);
  to.AppendFrom(from, 1);
  to.AppendFrom(from, 0);
  REQUIRE(to.rows() == 4);
  REQUIRE(to.IsNull(2));
  REQUIRE(to.cell(3) == "x");

  ColumnValues words_from = Ints();
  words_from.AppendWord(5);
  ColumnValues words_to = Ints();
  words_to.AppendFrom(words_from, 0);
  REQUIRE(words_to == words_from);
}

TEST_CASE("a cleared column keeps its id and type and no row", "[model]") {
  ColumnValues column = Strings();
  column.Reserve(10);
  column.AppendNull();
  column.AppendCell("abc");
  REQUIRE(column.MemoryBytes() >= 3 + 11 * sizeof(uint32_t));
  column.Clear();
  REQUIRE(column.rows() == 0);
  REQUIRE(column == Strings());
}

TEST_CASE("a range appended at once is the same as its rows one by one", "[model]") {
  const uint64_t seed = TestSeed(3);
  SeededRandom random(seed);
  for (int round = 0; round < TestRounds(200); ++round) {
    CAPTURE(seed, round);
    const bool is_fixed = random.Below(2) == 0;
    const auto make = [&] {
      ColumnValues column = is_fixed ? Ints() : Strings();
      const uint64_t nulls = random.Below(3);
      for (uint64_t rows = random.Below(200); rows > 0; --rows) {
        if (nulls > 0 && random.Below(nulls * 4) == 0) {
          column.AppendNull();
        } else if (is_fixed) {
          column.AppendWord(random.Next());
        } else {
          column.AppendCell(std::string(random.Below(5), 'x'));
        }
      }
      return column;
    };
    ColumnValues at_once = make();
    ColumnValues one_by_one = at_once;
    const ColumnValues from = make();
    const size_t begin = random.Below(from.rows() + 1);
    const size_t end = begin + random.Below(from.rows() - begin + 1);
    at_once.AppendRange(from, begin, end);
    for (size_t row = begin; row < end; ++row) one_by_one.AppendFrom(from, row);
    REQUIRE(at_once == one_by_one);
  }
}

}  // namespace ficus
