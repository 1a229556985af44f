#include "engine/query/criteria_text.h"

#include <catch2/catch.hpp>

namespace ficus {
namespace {

TEST_CASE("a condition reads as in the protocol's text form", "[query]") {
  REQUIRE(ToText(Condition{"service", ConditionOp::kEq, std::string("a\"b")}) ==
          R"(name:"service" op:BINARY_OP_EQ value:{str:{value:"a\"b"}})");
  REQUIRE(ToText(Condition{"n", ConditionOp::kIn, std::vector<int64_t>{1, -2}}) ==
          R"(name:"n" op:BINARY_OP_IN value:{int_array:{value:1 value:-2}})");
  REQUIRE(ToText(Condition{"n", ConditionOp::kNotHaving, Null{}}) ==
          R"(name:"n" op:BINARY_OP_NOT_HAVING value:{null:NULL_VALUE})");
  REQUIRE(ToText(Condition{"n", ConditionOp(77), std::nullopt}) ==
          R"(name:"n" op:BINARY_OP_UNSPECIFIED)");
}

TEST_CASE("a tree reads as in the protocol's text form", "[query]") {
  Criteria criteria;
  criteria.expression.emplace();
  criteria.expression->op = LogicalOp::kOr;
  criteria.expression->right = std::make_unique<Criteria>();
  criteria.expression->right->condition = Condition{"a", ConditionOp::kLt, int64_t{3}};
  REQUIRE(
      ToText(criteria) ==
      R"(le:{op:LOGICAL_OP_OR right:{condition:{name:"a" op:BINARY_OP_LT value:{int:{value:3}}}}})");
  REQUIRE(ToText(Criteria()).empty());
}

TEST_CASE("a text does not grow with what a client sent", "[query]") {
  Criteria criteria;
  criteria.condition = Condition{"a", ConditionOp::kEq, std::string(1 << 20, 'x')};
  REQUIRE(ToText(criteria).size() < 10'000);
  criteria.condition->value = std::vector<std::string>(100'000, "xyz");
  REQUIRE(ToText(criteria).size() < 10'000);
  criteria.condition->value = std::vector<int64_t>(100'000, 123);
  REQUIRE(ToText(criteria).size() < 10'000);
}

}  // namespace
}  // namespace ficus
