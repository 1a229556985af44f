#include "engine/model/tag_value.h"

#include <cstdio>
#include <utility>

#include "engine/base/bytes.h"
#include "engine/base/check.h"

namespace ficus {
namespace {

// Index in TagValue's variant for each column type; 0 is Null.
size_t AlternativeOf(ColumnType type) {
  switch (type) {
    case ColumnType::kInt64:
      return 2;
    case ColumnType::kFloat64:
      return 3;
    case ColumnType::kString:
      return 1;
    case ColumnType::kBinary:
      return 4;
    case ColumnType::kStringArray:
      return 5;
    case ColumnType::kInt64Array:
      return 6;
    case ColumnType::kTimestamp:
      return 7;
  }
  return 0;
}
static_assert(std::is_same_v<std::variant_alternative_t<1, TagValue>, std::string>);
static_assert(std::is_same_v<std::variant_alternative_t<2, TagValue>, int64_t>);
static_assert(std::is_same_v<std::variant_alternative_t<3, TagValue>, double>);
static_assert(std::is_same_v<std::variant_alternative_t<4, TagValue>, Binary>);
static_assert(std::is_same_v<std::variant_alternative_t<5, TagValue>, std::vector<std::string>>);
static_assert(std::is_same_v<std::variant_alternative_t<6, TagValue>, std::vector<int64_t>>);
static_assert(std::is_same_v<std::variant_alternative_t<7, TagValue>, Timestamp>);

struct CellAppender {
  ColumnValues& column;

  void operator()(const Null&) const { column.AppendNull(); }
  void operator()(const std::string& value) const { column.AppendCell(value); }
  void operator()(int64_t value) const { column.AppendWord(static_cast<uint64_t>(value)); }
  void operator()(double value) const { column.AppendWord(std::bit_cast<uint64_t>(value)); }
  void operator()(const Binary& value) const { column.AppendCell(value.bytes); }
  void operator()(const std::vector<std::string>& values) const {
    column.AppendCell(EncodeStringArray(values));
  }
  void operator()(const std::vector<int64_t>& values) const {
    column.AppendCell(EncodeInt64Array(values));
  }
  void operator()(const Timestamp& value) const {
    column.AppendWord(static_cast<uint64_t>(value.nanos));
  }
};

std::string Quoted(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted.push_back('\\');
      quoted.push_back(c);
    } else if (byte < 0x20 || byte == 0x7f) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\x%02x", byte);
      quoted += escaped;
    } else {
      quoted.push_back(c);
    }
  }
  quoted.push_back('"');
  return quoted;
}

// The shortest text that reads back as the same double.
std::string ShortestText(double value) {
  char text[32];
  for (int digits = 15; digits <= 17; ++digits) {
    std::snprintf(text, sizeof text, "%.*g", digits, value);
    if (std::strtod(text, nullptr) == value) break;
  }
  return text;
}

struct Describer {
  template <typename T>
  std::string List(const std::vector<T>& values) const {
    std::string text = "[";
    for (const T& value : values) {
      if (text.size() > 1) text += ", ";
      text += (*this)(value);
    }
    return text + "]";
  }

  std::string operator()(const Null&) const { return "null"; }
  std::string operator()(const std::string& value) const { return Quoted(value); }
  std::string operator()(int64_t value) const { return std::to_string(value); }
  std::string operator()(double value) const { return ShortestText(value); }
  std::string operator()(const Binary& value) const {
    return "binary of " + std::to_string(value.bytes.size()) + " bytes";
  }
  std::string operator()(const std::vector<std::string>& values) const { return List(values); }
  std::string operator()(const std::vector<int64_t>& values) const { return List(values); }
  std::string operator()(const Timestamp& value) const {
    return "timestamp " + std::to_string(value.nanos);
  }
};

}  // namespace

bool Fits(const TagValue& value, ColumnType type) {
  return value.index() == 0 || value.index() == AlternativeOf(type);
}

void AppendValue(ColumnValues& column, const TagValue& value) {
  if (Fits(value, column.type())) {
    std::visit(CellAppender{column}, value);
  } else {
    column.AppendNull();
  }
}

TagValue ValueAt(const ColumnValues& column, size_t row) {
  if (column.IsNull(row)) return Null{};
  switch (column.type()) {
    case ColumnType::kInt64:
      return column.int64(row);
    case ColumnType::kFloat64:
      return column.float64(row);
    case ColumnType::kTimestamp:
      return Timestamp{column.int64(row)};
    case ColumnType::kString:
      return std::string(column.cell(row));
    case ColumnType::kBinary:
      return Binary{std::string(column.cell(row))};
    case ColumnType::kStringArray: {
      std::vector<std::string> values;
      CHECK(DecodeStringArray(column.cell(row), values)) << "row " << row;
      return values;
    }
    case ColumnType::kInt64Array: {
      std::vector<int64_t> values;
      CHECK(DecodeInt64Array(column.cell(row), values)) << "row " << row;
      return values;
    }
  }
  return Null{};
}

std::string EncodeStringArray(const std::vector<std::string>& values) {
  std::string cell;
  for (const std::string& value : values) PutLengthPrefixed(cell, value);
  return cell;
}

std::string EncodeInt64Array(const std::vector<int64_t>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(int64_t)};
}

bool DecodeStringArray(std::string_view cell, std::vector<std::string>& values) {
  values.clear();
  ByteReader reader(cell);
  while (!reader.AtEnd()) {
    std::string_view value;
    if (!reader.ReadLengthPrefixed(value)) return false;
    values.emplace_back(value);
  }
  return true;
}

bool DecodeInt64Array(std::string_view cell, std::vector<int64_t>& values) {
  values.clear();
  if (cell.size() % sizeof(int64_t) != 0) return false;
  values.resize(cell.size() / sizeof(int64_t));
  if (!cell.empty()) std::memcpy(values.data(), cell.data(), cell.size());
  return true;
}

std::string ToText(const TagValue& value) { return std::visit(Describer{}, value); }

}  // namespace ficus
