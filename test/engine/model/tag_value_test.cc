#include "engine/model/tag_value.h"

#include <limits>

#include <catch2/catch.hpp>

namespace ficus {
namespace {

std::vector<std::pair<TagValue, ColumnType>> Samples() {
  return {
      {std::string("a"), ColumnType::kString},
      {std::string(), ColumnType::kString},
      {int64_t{-7}, ColumnType::kInt64},
      {2.5, ColumnType::kFloat64},
      {Binary{std::string("\0\xff", 2)}, ColumnType::kBinary},
      {std::vector<std::string>{"a", "", std::string(300, 'b')}, ColumnType::kStringArray},
      {std::vector<std::string>{}, ColumnType::kStringArray},
      {std::vector<int64_t>{1, -1, std::numeric_limits<int64_t>::min()}, ColumnType::kInt64Array},
      {std::vector<int64_t>{}, ColumnType::kInt64Array},
      {Timestamp{1'600'000'000'000'000'000}, ColumnType::kTimestamp},
  };
}

}  // namespace

TEST_CASE("a value goes through a column of its type unchanged", "[model]") {
  for (const auto& [value, type] : Samples()) {
    CAPTURE(ToText(value));
    REQUIRE(Fits(value, type));
    ColumnValues column(ColumnId(1), type);
    AppendValue(column, value);
    AppendValue(column, Null{});
    REQUIRE(column.rows() == 2);
    REQUIRE(ValueAt(column, 0) == value);
    REQUIRE(ValueAt(column, 1) == TagValue(Null{}));
  }
}

TEST_CASE("a value that does not fit a column becomes null", "[model]") {
  for (const auto& [value, own_type] : Samples()) {
    for (uint8_t raw = 1; IsKnownColumnType(raw); ++raw) {
      const auto type = static_cast<ColumnType>(raw);
      if (type == own_type) continue;
      REQUIRE_FALSE(Fits(value, type));
      ColumnValues column(ColumnId(1), type);
      AppendValue(column, value);
      REQUIRE(column.rows() == 1);
      REQUIRE(column.IsNull(0));
    }
  }
  REQUIRE(Fits(Null{}, ColumnType::kString));
}

TEST_CASE("bytes that are no array cell are refused", "[model]") {
  std::vector<std::string> strings;
  REQUIRE_FALSE(DecodeStringArray(std::string_view("\x05"
                                                   "abc"),
                                  strings));
  REQUIRE_FALSE(DecodeStringArray("\x80", strings));
  REQUIRE_FALSE(DecodeStringArray("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", strings));
  REQUIRE(DecodeStringArray("", strings));
  REQUIRE(strings.empty());

  std::vector<int64_t> ints;
  REQUIRE_FALSE(DecodeInt64Array("1234567", ints));
  REQUIRE_FALSE(DecodeInt64Array("123456789", ints));
  REQUIRE(DecodeInt64Array(std::string_view("\x01\0\0\0\0\0\0\0", 8), ints));
  REQUIRE(ints == std::vector<int64_t>{1});
}

TEST_CASE("values read well in messages", "[model]") {
  REQUIRE(ToText(Null{}) == "null");
  REQUIRE(ToText(std::string("a\"b\\\n")) == R"("a\"b\\\x0a")");
  REQUIRE(ToText(int64_t{-7}) == "-7");
  REQUIRE(ToText(0.1) == "0.1");
  REQUIRE(ToText(1.0 / 3) == "0.3333333333333333");
  REQUIRE(ToText(Binary{"abc"}) == "binary of 3 bytes");
  REQUIRE(ToText(std::vector<std::string>{"a", "b"}) == R"(["a", "b"])");
  REQUIRE(ToText(std::vector<int64_t>{1, 2}) == "[1, 2]");
  REQUIRE(ToText(Timestamp{5}) == "timestamp 5");
}

}  // namespace ficus
