// One value of a tag or a field, outside of columns.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/model/column.h"

namespace ficus {

struct Null {
  friend bool operator==(const Null&, const Null&) = default;
};
struct Binary {
  std::string bytes;
  friend bool operator==(const Binary&, const Binary&) = default;
};
struct Timestamp {
  int64_t nanos = 0;
  friend bool operator==(const Timestamp&, const Timestamp&) = default;
};

// double compares by value here; columns compare by bits.
using TagValue = std::variant<Null, std::string, int64_t, double, Binary, std::vector<std::string>,
                              std::vector<int64_t>, Timestamp>;

// True when a column of `type` can hold `value`; null fits everywhere.
bool Fits(const TagValue& value, ColumnType type);

// Appends `value`, or null when it does not fit.
void AppendValue(ColumnValues& column, const TagValue& value);
// The value of a row. kStringArray and kInt64Array cells that break their form (checked when
// decoded from a disk) are CHECKed.
TagValue ValueAt(const ColumnValues& column, size_t row);

// The cell forms of arrays.
std::string EncodeStringArray(const std::vector<std::string>& values);
std::string EncodeInt64Array(const std::vector<int64_t>& values);
// False when the bytes are not such a cell.
bool DecodeStringArray(std::string_view cell, std::vector<std::string>& values);
bool DecodeInt64Array(std::string_view cell, std::vector<int64_t>& values);

// For error messages and plans: strings quoted, binary as its length.
std::string ToText(const TagValue& value);

}  // namespace ficus
