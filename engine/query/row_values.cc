#include "engine/query/row_values.h"

#include <bit>
#include <cmath>

namespace ficus {
namespace {

constexpr uint8_t kNullRank = 0;
constexpr uint8_t kNaNRank = 1;
constexpr uint8_t kValueRank = 2;

NumberOrder Ordered(uint8_t rank, uint64_t number, bool descending) {
  if (!descending) return {rank, number};
  return {static_cast<uint8_t>(kValueRank - rank), ~number};
}

NumberOrder OrderOfInt(int64_t value, bool descending) {
  return Ordered(kValueRank, static_cast<uint64_t>(value) ^ (uint64_t{1} << 63), descending);
}

NumberOrder OrderOfDouble(double value, bool descending) {
  if (std::isnan(value)) return Ordered(kNaNRank, 0, descending);
  if (value == 0) value = 0;  // -0.0 and 0.0 are one number
  const auto bits = std::bit_cast<uint64_t>(value);
  const uint64_t sign = uint64_t{1} << 63;
  return Ordered(kValueRank, (bits & sign) != 0 ? ~bits : bits | sign, descending);
}

}  // namespace

NumberOrder OrderOf(const TagValue& value, bool descending) {
  if (const auto* number = std::get_if<int64_t>(&value)) return OrderOfInt(*number, descending);
  if (const auto* number = std::get_if<double>(&value)) return OrderOfDouble(*number, descending);
  return Ordered(kNullRank, 0, descending);
}

NumberOrder OrderOf(const ColumnValues* column, size_t row, bool descending) {
  if (column == nullptr || column->IsNull(row)) return Ordered(kNullRank, 0, descending);
  if (column->type() == ColumnType::kInt64) return OrderOfInt(column->int64(row), descending);
  if (column->type() == ColumnType::kFloat64) {
    return OrderOfDouble(column->float64(row), descending);
  }
  return Ordered(kNullRank, 0, descending);
}

}  // namespace ficus
