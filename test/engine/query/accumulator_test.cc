#include "engine/query/accumulator.h"

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>

namespace ficus {
namespace {

constexpr auto kNaN = std::numeric_limits<double>::quiet_NaN();

ColumnValues Column(ColumnType type, const std::vector<TagValue>& values) {
  ColumnValues column(ColumnId(1), type);
  for (const TagValue& value : values) AppendValue(column, value);
  return column;
}

TagValue Aggregated(AggregationFunction function, ColumnType type,
                    const std::vector<TagValue>& values, const uint8_t* matches = nullptr) {
  const ColumnValues column = Column(type, values);
  Accumulator accumulator;
  // In two pieces, as two blocks would come.
  const size_t half = column.rows() / 2;
  Accumulate(accumulator, function, column, 0, half, matches);
  Accumulate(accumulator, function, column, half, column.rows(),
             matches == nullptr ? nullptr : matches + half);
  return Finish(accumulator, function, type);
}

TagValue Ints(AggregationFunction function, const std::vector<TagValue>& values) {
  return Aggregated(function, ColumnType::kInt64, values);
}
TagValue Floats(AggregationFunction function, const std::vector<TagValue>& values) {
  return Aggregated(function, ColumnType::kFloat64, values);
}

using Function = AggregationFunction;
const TagValue kNull = Null{};

TEST_CASE("integers are added, counted, compared", "[query]") {
  const std::vector<TagValue> values = {int64_t{4}, int64_t{-7}, int64_t{10}};
  REQUIRE(Ints(Function::kSum, values) == TagValue(int64_t{7}));
  REQUIRE(Ints(Function::kCount, values) == TagValue(int64_t{3}));
  REQUIRE(Ints(Function::kMin, values) == TagValue(int64_t{-7}));
  REQUIRE(Ints(Function::kMax, values) == TagValue(int64_t{10}));
  REQUIRE(Ints(Function::kMean, values) == TagValue(int64_t{2}));
}

TEST_CASE("the aggregate of floats is a float, their count too", "[query]") {
  const std::vector<TagValue> values = {0.5, -1.0, 4.0};
  REQUIRE(Floats(Function::kSum, values) == TagValue(3.5));
  REQUIRE(Floats(Function::kCount, values) == TagValue(3.0));
  REQUIRE(Floats(Function::kMin, values) == TagValue(-1.0));
  REQUIRE(Floats(Function::kMax, values) == TagValue(4.0));
  REQUIRE(Floats(Function::kMean, {3.0, 0.0}) == TagValue(1.5));
}

TEST_CASE("a mean below 1 is raised to 1, and is 0 without a value", "[query]") {
  REQUIRE(Ints(Function::kMean, {int64_t{1}, int64_t{0}}) == TagValue(int64_t{1}));
  REQUIRE(Ints(Function::kMean, {int64_t{-50}}) == TagValue(int64_t{1}));
  REQUIRE(Floats(Function::kMean, {0.25}) == TagValue(1.0));
  REQUIRE(Ints(Function::kMean, {kNull, kNull}) == TagValue(int64_t{0}));
  REQUIRE(Floats(Function::kMean, {}) == TagValue(0.0));
}

TEST_CASE("null values do not count", "[query]") {
  const std::vector<TagValue> values = {kNull, int64_t{-3}, kNull, int64_t{-5}};
  REQUIRE(Ints(Function::kSum, values) == TagValue(int64_t{-8}));
  REQUIRE(Ints(Function::kCount, values) == TagValue(int64_t{2}));
  REQUIRE(Ints(Function::kMax, values) == TagValue(int64_t{-3}));
  REQUIRE(Ints(Function::kMin, {kNull}) == kNull);
  REQUIRE(Ints(Function::kMax, {}) == kNull);
  REQUIRE(Ints(Function::kSum, {kNull}) == TagValue(int64_t{0}));
  REQUIRE(Ints(Function::kCount, {kNull}) == TagValue(int64_t{0}));
}

TEST_CASE("only rows that match count", "[query]") {
  const std::vector<TagValue> values = {int64_t{1}, int64_t{20}, kNull, int64_t{300}};
  const std::vector<uint8_t> matches = {0, 1, 1, 1};
  const auto sum = [&](Function function) {
    return Aggregated(function, ColumnType::kInt64, values, matches.data());
  };
  REQUIRE(sum(Function::kSum) == TagValue(int64_t{320}));
  REQUIRE(sum(Function::kCount) == TagValue(int64_t{2}));
  REQUIRE(sum(Function::kMin) == TagValue(int64_t{20}));
}

TEST_CASE("integer sums wrap around", "[query]") {
  const int64_t last = std::numeric_limits<int64_t>::max();
  REQUIRE(Ints(Function::kSum, {last, int64_t{1}}) ==
          TagValue(std::numeric_limits<int64_t>::min()));
}

// A block's header as a part's writer fills it in.
BlockColumn BoundsOf(ColumnType type, const std::vector<TagValue>& values) {
  BlockColumn column;
  column.type = type;
  column.has_bounds = true;
  const ColumnValues cells = Column(type, values);
  for (size_t row = 0; row < cells.rows(); ++row) {
    if (cells.IsNull(row)) continue;
    const uint64_t word = cells.word(row);
    const auto below = [&](uint64_t other) {
      return type == ColumnType::kInt64
                 ? static_cast<int64_t>(word) < static_cast<int64_t>(other)
                 : std::bit_cast<double>(word) < std::bit_cast<double>(other);
    };
    if (column.values == 0 || below(column.min_word)) column.min_word = word;
    if (column.values == 0 || !below(column.max_word)) column.max_word = word;
    if (type == ColumnType::kInt64) column.sum_word += word;
    ++column.values;
  }
  return column;
}

TEST_CASE("a block's bounds count as its values do", "[query]") {
  const std::vector<TagValue> ints = {int64_t{-4}, kNull, int64_t{9},
                                      std::numeric_limits<int64_t>::max()};
  const std::vector<TagValue> floats = {-4.5, kNull, 9.25};
  for (const Function function :
       {Function::kSum, Function::kMean, Function::kMin, Function::kMax, Function::kCount}) {
    for (const ColumnType type : {ColumnType::kInt64, ColumnType::kFloat64}) {
      const std::vector<TagValue>& values = type == ColumnType::kInt64 ? ints : floats;
      CAPTURE(static_cast<int>(function), static_cast<int>(type));
      const ColumnValues column = Column(type, values);
      Accumulator by_rows;
      Accumulator by_bounds;
      for (int block = 0; block < 3; ++block) {
        Accumulate(by_rows, function, column, 0, column.rows(), nullptr);
        const bool enough = AccumulateBounds(by_bounds, function, BoundsOf(type, values));
        const bool is_float_sum = type == ColumnType::kFloat64 &&
                                  (function == Function::kSum || function == Function::kMean);
        REQUIRE(enough == !is_float_sum);
        if (!enough) Accumulate(by_bounds, function, column, 0, column.rows(), nullptr);
      }
      REQUIRE(Finish(by_bounds, function, type) == Finish(by_rows, function, type));
    }
  }
  Accumulator unknown;
  REQUIRE(!AccumulateBounds(unknown, Function::kCount, BlockColumn{}));
  REQUIRE(unknown.count == 0);
}

TEST_CASE("bounds take the place of NaN", "[query]") {
  for (const Function function : {Function::kMin, Function::kMax}) {
    Accumulator accumulator;
    Accumulate(accumulator, function, Column(ColumnType::kFloat64, {kNaN}), 0, 1, nullptr);
    REQUIRE(AccumulateBounds(accumulator, function, BoundsOf(ColumnType::kFloat64, {2.5})));
    REQUIRE(Finish(accumulator, function, ColumnType::kFloat64) == TagValue(2.5));
  }
}

TEST_CASE("NaN is the smallest or largest value only where there is nothing else", "[query]") {
  REQUIRE(Floats(Function::kMin, {kNaN, 2.0, kNaN, 1.0}) == TagValue(1.0));
  REQUIRE(Floats(Function::kMax, {2.0, kNaN}) == TagValue(2.0));
  REQUIRE(std::isnan(std::get<double>(Floats(Function::kMax, {kNaN, kNaN}))));
  REQUIRE(std::isnan(std::get<double>(Floats(Function::kSum, {kNaN, 1.0}))));
}

}  // namespace
}  // namespace ficus
