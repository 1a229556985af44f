#include "engine/query/encoded_terms.h"

#include <algorithm>
#include <string>

#include <catch2/catch.hpp>

#include "engine/query/entity_view.h"

namespace ficus {
namespace {

EncodedTerms Make(const TagValue& literal) {
  const PlanLimits limits;
  PlanBudget budget(limits);
  return EncodedTerms::Make(literal, budget).value();
}

TEST_CASE("terms are encoded as in a series key, ascending and distinct", "[query]") {
  const EncodedTerms texts = Make(std::vector<std::string>{"b", "a|\\", "", "b"});
  REQUIRE(texts.all().size() == 3);
  REQUIRE(std::is_sorted(texts.all().begin(), texts.all().end()));
  for (const char* text : {"b", "a|\\", ""}) {
    REQUIRE(texts.Contains(*EncodeEntityValue(std::string(text))));
  }
  REQUIRE(!texts.Contains(*EncodeEntityValue(std::string("a"))));

  const EncodedTerms numbers = Make(std::vector<int64_t>{7, -1, 7, int64_t{0x7c5c7c5c7c5c7c5c}});
  REQUIRE(numbers.all().size() == 3);
  REQUIRE(std::is_sorted(numbers.all().begin(), numbers.all().end()));
  REQUIRE(numbers.Contains(*EncodeEntityValue(int64_t{-1})));
  REQUIRE(numbers.Contains(*EncodeEntityValue(int64_t{0x7c5c7c5c7c5c7c5c})));
  REQUIRE(!numbers.Contains(*EncodeEntityValue(std::string("7"))));
}

TEST_CASE("a scalar is one term, null and what no entity can hold none", "[query]") {
  REQUIRE(Make(std::string("a")).all().size() == 1);
  REQUIRE(Make(int64_t{1}).all().size() == 1);
  REQUIRE(Make(Binary{"a"}).all().size() == 1);
  REQUIRE(Make(Null{}).all().empty());
  REQUIRE(Make(0.5).all().empty());
  REQUIRE(Make(Timestamp{1}).all().empty());
}

TEST_CASE("terms outlive a move", "[query]") {
  EncodedTerms from = Make(std::string("a"));
  const EncodedTerms to = std::move(from);
  REQUIRE(to.all().front() == *EncodeEntityValue(std::string("a")));
}

TEST_CASE("memory for terms is asked for before it is taken", "[query]") {
  MemoryLedger ledger(size_t{1} << 20);
  {
    PlanLimits limits;
    limits.ledger = &ledger;
    PlanBudget budget(limits);
    REQUIRE(EncodedTerms::Make(std::vector<int64_t>(1000, 5), budget).has_value());
    REQUIRE(ledger.used_bytes() > 0);
    std::vector<int64_t> many;
    for (int64_t i = 0; i < 40'000; ++i) many.push_back(i);
    REQUIRE(EncodedTerms::Make(many, budget).error().code == ErrorCode::kResourceExhausted);
    REQUIRE(EncodedTerms::Make(std::vector<std::string>(1 << 16, "a"), budget).error().code ==
            ErrorCode::kResourceExhausted);
  }
  REQUIRE(ledger.used_bytes() == 0);
}

TEST_CASE("a query that is cancelled encodes no further", "[query]") {
  size_t asked = 0;
  PlanLimits limits;
  limits.check_goes_on = [&]() -> Result<> {
    if (++asked == 2) return Error{ErrorCode::kCancelled, "gone"};
    return Ok();
  };
  PlanBudget budget(limits);
  const std::vector<std::string> many(3 * kTermsPerCheck, "a");
  REQUIRE(EncodedTerms::Make(many, budget).error().code == ErrorCode::kCancelled);
  REQUIRE(asked == 2);
}

}  // namespace
}  // namespace ficus
