#include "engine/query/entity_view.h"

#include <catch2/catch.hpp>

#include "engine/model/entity.h"

namespace ficus {
namespace {

std::string Key(const std::vector<TagValue>& entity) {
  return *EncodeSeriesKey("a|measure", entity);
}

TEST_CASE("a key is split into its values, delimiters inside them included", "[query]") {
  const std::vector<TagValue> entity = {std::string("a|b\\"), int64_t{0x7c5c}, Null{}, Binary{"|"}};
  const std::string key = Key(entity);
  EntityView view;
  REQUIRE(view.Assign(key).has_value());
  REQUIRE(view.size() == 4);
  for (size_t i = 0; i < entity.size(); ++i) {
    REQUIRE(view.encoded(i) == *EncodeEntityValue(entity[i]));
    REQUIRE(*view.Decode(i) == entity[i]);
    REQUIRE(view.IsNull(i) == (i == 2));
  }
}

TEST_CASE("an empty string is another value than null and is read as null", "[query]") {
  const std::string key = Key({std::string(), Null{}, int64_t{0}});
  EntityView view;
  REQUIRE(view.Assign(key).has_value());
  REQUIRE(view.encoded(0) != view.encoded(1));
  REQUIRE(view.IsNull(0));
  REQUIRE(view.IsNull(1));
  REQUIRE(!view.IsNull(2));
  REQUIRE(*view.Decode(0) == TagValue(Null{}));
}

TEST_CASE("a key is put together from encoded values", "[query]") {
  const std::string one = *EncodeEntityValue(std::string("x|"));
  const std::string two = *EncodeEntityValue(int64_t{-9});
  REQUIRE(*SeriesKeyOf("a|measure", {one, two}) == Key({std::string("x|"), int64_t{-9}}));
  REQUIRE(*SeriesKeyOf("a|measure", {}) == Key({}));
}

TEST_CASE("what is no key is corruption, wherever it is cut", "[query]") {
  const std::string key = Key({std::string("ab"), int64_t{5}});
  EntityView view;
  size_t accepted = 0;
  for (size_t length = 0; length < key.size(); ++length) {
    const Result<> assigned = view.Assign(std::string_view(key).substr(0, length));
    if (assigned.has_value()) {
      ++accepted;
    } else {
      REQUIRE(assigned.error().code == ErrorCode::kCorruption);
    }
  }
  REQUIRE(accepted == 2);  // after the subject, after the first value
  REQUIRE(!EncodeEntityValue(std::vector<int64_t>{1}).has_value());
}

}  // namespace
}  // namespace ficus
