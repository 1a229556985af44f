#include "engine/query/row_values.h"

#include <limits>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/model/tag_value.h"

namespace ficus {
namespace {

TEST_CASE("null comes before NaN, NaN before numbers, or the other way round", "[query]") {
  const double infinity = std::numeric_limits<double>::infinity();
  const std::vector<TagValue> ascending = {
      Null{}, std::numeric_limits<double>::quiet_NaN(),  -infinity, -1.5,    -0.25,
      0.0,    std::numeric_limits<double>::denorm_min(), 2.0,       infinity};
  for (size_t i = 0; i + 1 < ascending.size(); ++i) {
    CAPTURE(i);
    REQUIRE(OrderOf(ascending[i], false) < OrderOf(ascending[i + 1], false));
    REQUIRE(OrderOf(ascending[i], true) > OrderOf(ascending[i + 1], true));
  }
  REQUIRE(OrderOf(TagValue(0.0), false) == OrderOf(TagValue(-0.0), false));
  const int64_t least = std::numeric_limits<int64_t>::min();
  REQUIRE(OrderOf(TagValue(least), false) < OrderOf(TagValue(int64_t{-1}), false));
  REQUIRE(OrderOf(TagValue(int64_t{-1}), false) < OrderOf(TagValue(int64_t{0}), false));
}

TEST_CASE("the order of a cell is that of its value", "[query]") {
  ColumnValues floats(ColumnId(1), ColumnType::kFloat64);
  ColumnValues ints(ColumnId(1), ColumnType::kInt64);
  ColumnValues texts(ColumnId(1), ColumnType::kString);
  for (const TagValue& value : std::vector<TagValue>{-1.5, Null{}, 3.0}) AppendValue(floats, value);
  for (const TagValue& value : std::vector<TagValue>{int64_t{-7}, Null{}}) AppendValue(ints, value);
  AppendValue(texts, std::string("x"));
  for (const bool descending : {false, true}) {
    for (const ColumnValues* column : {&floats, &ints, &texts}) {
      for (size_t row = 0; row < column->rows(); ++row) {
        REQUIRE(OrderOf(column, row, descending) == OrderOf(ValueAt(*column, row), descending));
      }
    }
    REQUIRE(OrderOf(nullptr, 0, descending) == OrderOf(TagValue(Null{}), descending));
  }
}

TEST_CASE("times have an order in both directions and come back", "[query]") {
  const std::vector<UnixNanos> times = {std::numeric_limits<UnixNanos>::min(), -1, 0, 1,
                                        std::numeric_limits<UnixNanos>::max()};
  for (size_t i = 0; i < times.size(); ++i) {
    for (const bool descending : {false, true}) {
      REQUIRE(TimeOfOrder(OrderOfTime(times[i], descending), descending) == times[i]);
      if (i == 0) continue;
      REQUIRE((OrderOfTime(times[i - 1], descending) < OrderOfTime(times[i], descending)) !=
              descending);
    }
  }
}

}  // namespace
}  // namespace ficus
