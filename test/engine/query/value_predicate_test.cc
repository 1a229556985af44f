#include "engine/query/value_predicate.h"

#include <limits>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/random.h"
#include "test/support/seed.h"

namespace ficus {
namespace {

using Op = ConditionOp;
using Texts = std::vector<std::string>;
using Numbers = std::vector<int64_t>;

bool Holds(const TagValue& value, Op op, const TagValue& literal) {
  return ValuePredicate(op, literal).Matches(value);
}

const TagValue kA = std::string("a");
const TagValue kB = std::string("b");
const TagValue kOne = int64_t{1};
const TagValue kTwo = int64_t{2};
const TagValue kNull = Null{};

TEST_CASE("scalars are equal, or compare by number and by bytes", "[query]") {
  REQUIRE(Holds(kA, Op::kEq, kA));
  REQUIRE(!Holds(kA, Op::kEq, kB));
  REQUIRE(Holds(kA, Op::kNe, kB));
  REQUIRE(Holds(kA, Op::kLt, kB));
  REQUIRE(Holds(kB, Op::kGe, kB));
  REQUIRE(!Holds(kB, Op::kGt, kB));
  REQUIRE(Holds(std::string("\xff"), Op::kGt, std::string("a")));
  REQUIRE(Holds(int64_t{-5}, Op::kLt, kOne));
  REQUIRE(Holds(kTwo, Op::kLe, kTwo));
  REQUIRE(Holds(Binary{"x"}, Op::kEq, Binary{"x"}));
  REQUIRE(Holds(std::string(), Op::kEq, std::string()));
}

TEST_CASE("values of another kind are never equal and never compare", "[query]") {
  REQUIRE(!Holds(kOne, Op::kEq, std::string("1")));
  REQUIRE(Holds(kOne, Op::kNe, std::string("1")));
  REQUIRE(!Holds(kOne, Op::kLt, std::string("2")));
  REQUIRE(!Holds(kA, Op::kEq, Binary{"a"}));
  REQUIRE(Holds(kA, Op::kNotIn, Numbers{1, 2}));
}

TEST_CASE("null matches only what is negated", "[query]") {
  for (const Op op : {Op::kEq, Op::kLt, Op::kGt, Op::kLe, Op::kGe}) REQUIRE(!Holds(kNull, op, kA));
  REQUIRE(!Holds(kNull, Op::kIn, Texts{"a"}));
  REQUIRE(!Holds(kNull, Op::kHaving, kA));
  REQUIRE(Holds(kNull, Op::kNe, kA));
  REQUIRE(Holds(kNull, Op::kNotIn, Texts{"a"}));
  REQUIRE(Holds(kNull, Op::kNotHaving, kA));
}

TEST_CASE("a list holds one of its values, having holds all", "[query]") {
  REQUIRE(Holds(kA, Op::kIn, Texts{"b", "a", "a"}));
  REQUIRE(!Holds(kA, Op::kIn, Texts{}));
  REQUIRE(Holds(kA, Op::kNotIn, Texts{}));
  REQUIRE(Holds(Texts{"x", "y", "z"}, Op::kHaving, Texts{"z", "x"}));
  REQUIRE(!Holds(Texts{"x", "y"}, Op::kHaving, Texts{"z", "x"}));
  REQUIRE(Holds(Texts{"x", "y"}, Op::kNotHaving, Texts{"z", "x"}));
  REQUIRE(Holds(Numbers{1, 2, 3}, Op::kHaving, kTwo));
  REQUIRE(Holds(kA, Op::kHaving, Texts{"a", "a"}));
  REQUIRE(!Holds(kA, Op::kHaving, Texts{"a", "b"}));
  REQUIRE(!Holds(Texts{"x"}, Op::kHaving, Texts{}));
  REQUIRE(Holds(Texts{"x"}, Op::kNotHaving, Texts{}));
}

TEST_CASE("each element of an array is a value of its own", "[query]") {
  REQUIRE(Holds(Texts{"x", "a"}, Op::kEq, kA));
  REQUIRE(!Holds(Texts{"x", "a"}, Op::kNe, kA));
  REQUIRE(Holds(Numbers{9, 1}, Op::kLt, kTwo));
  REQUIRE(!Holds(Numbers{}, Op::kEq, kOne));
}

// The columns' way and the values' way are two pieces of code.
TEST_CASE("rows of a column match as their values do", "[query]") {
  const uint64_t seed = TestSeed(7);
  CAPTURE(seed);
  SeededRandom random(seed);
  const auto below = [&](size_t bound) { return static_cast<size_t>(random.Next() % bound); };
  const auto text = [&] { return std::string(below(3), static_cast<char>('a' + below(2))); };
  const auto number = [&] { return static_cast<int64_t>(below(5)) - 2; };
  const auto value = [&](ColumnType type) -> TagValue {
    if (below(4) == 0) return Null{};
    switch (type) {
      case ColumnType::kInt64:
        return number();
      case ColumnType::kString:
        return text();
      case ColumnType::kBinary:
        return Binary{text()};
      case ColumnType::kStringArray: {
        Texts texts(below(3));
        for (auto& one : texts) one = text();
        return texts;
      }
      case ColumnType::kInt64Array: {
        Numbers numbers(below(3));
        for (auto& one : numbers) one = number();
        return numbers;
      }
      default:
        return static_cast<double>(number());
    }
  };
  const std::vector<ColumnType> types = {ColumnType::kInt64,       ColumnType::kFloat64,
                                         ColumnType::kString,      ColumnType::kBinary,
                                         ColumnType::kStringArray, ColumnType::kInt64Array};
  for (int round = 0; round < 2000; ++round) {
    const ColumnType type = types[below(types.size())];
    ColumnValues column(ColumnId(1), type);
    std::vector<TagValue> values(1 + below(70));
    const bool nulls = below(2) == 0;
    for (TagValue& one : values) {
      do {
        one = value(type);
      } while (!nulls && std::holds_alternative<Null>(one));
      AppendValue(column, one);
    }
    const Op op = static_cast<Op>(1 + below(10));
    const bool list = op == Op::kIn || op == Op::kNotIn || op == Op::kHaving;
    TagValue literal =
        value(list ? (below(2) == 0 ? ColumnType::kStringArray : ColumnType::kInt64Array)
                   : types[below(4)]);
    if (!list && (std::holds_alternative<Null>(literal) || literal.index() == 3)) literal = kOne;
    const ValuePredicate predicate(op, literal);
    const size_t begin = below(values.size());
    std::vector<uint8_t> matches(values.size() - begin, 7);
    predicate.MatchRows(column, begin, values.size(), matches.data());
    for (size_t row = begin; row < values.size(); ++row) {
      CAPTURE(static_cast<int>(op), ToText(literal), ToText(values[row]));
      REQUIRE(matches[row - begin] == (predicate.Matches(values[row]) ? 1 : 0));
    }
  }
}

}  // namespace
}  // namespace ficus
