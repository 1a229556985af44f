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

Result<std::vector<TagValue>> ReadValues(std::span<const ValueSource> sources, ColumnSlots columns,
                                         size_t row, const EntityView* entity) {
  std::vector<TagValue> values;
  values.reserve(sources.size());
  for (const ValueSource& source : sources) {
    if (source.kind == ValueSource::Kind::kColumn && columns[source.index] != nullptr) {
      values.push_back(ValueAt(*columns[source.index], row));
    } else if (source.kind == ValueSource::Kind::kEntity && entity != nullptr) {
      if (source.index >= entity->size()) {
        return Error{ErrorCode::kCorruption, "a series key has too few values"};
      }
      ASSIGN_OR_RETURN(TagValue value, entity->Decode(source.index));
      values.push_back(std::move(value));
    } else {
      values.emplace_back(Null{});
    }
  }
  return values;
}

size_t ValueBytes(std::span<const ValueSource> sources, ColumnSlots columns, size_t row,
                  const EntityView* entity) {
  size_t bytes = sources.size() * sizeof(TagValue);
  for (const ValueSource& source : sources) {
    if (source.kind == ValueSource::Kind::kEntity && entity != nullptr &&
        source.index < entity->size()) {
      bytes += entity->encoded(source.index).size();
    }
    if (source.kind != ValueSource::Kind::kColumn || columns[source.index] == nullptr) continue;
    const ColumnValues& column = *columns[source.index];
    if (IsFixed(column.type()) || column.IsNull(row)) continue;
    const size_t cell = column.cell(row).size();
    // Each element of a string array takes at least one byte of the cell.
    bytes += column.type() == ColumnType::kStringArray ? cell * (1 + sizeof(std::string)) : cell;
  }
  return bytes;
}

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
