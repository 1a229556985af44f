#include "engine/query/compiled_criteria.h"

#include <catch2/catch.hpp>

#include "engine/model/entity.h"
#include "test/engine/query/query_harness.h"

namespace ficus {
namespace {

using Op = ConditionOp;
using Texts = std::vector<std::string>;

// Entity (e, f), both with an index rule too; column slots 0 (c) and 1 (d).
CompiledCriteria Compile(const std::unique_ptr<Criteria>& criteria) {
  const TagResolver resolve = [](const std::string& tag) {
    TagResolution resolution;
    resolution.indexed = true;
    if (tag == "e") resolution.source = {ValueSource::Kind::kEntity, 0};
    if (tag == "f") resolution.source = {ValueSource::Kind::kEntity, 1};
    if (tag == "c") resolution.source = {ValueSource::Kind::kColumn, 0};
    if (tag == "d") resolution.source = {ValueSource::Kind::kColumn, 1};
    return resolution;
  };
  const PlanLimits limits;
  PlanBudget budget(limits);
  Result<CompiledCriteria> compiled = CompiledCriteria::Compile(*criteria, 2, resolve, budget);
  REQUIRE(compiled.has_value());
  return *std::move(compiled);
}

struct Entity {
  Entity(TagValue e, TagValue f) : key(*EncodeSeriesKey("m", {std::move(e), std::move(f)})) {
    REQUIRE(view.Assign(key).has_value());
  }
  std::string key;
  EntityView view;
};

SeriesVerdict Judge(const CompiledCriteria& criteria, TagValue e, TagValue f) {
  const Entity entity(std::move(e), std::move(f));
  return *criteria.Judge(entity.view);
}

std::vector<size_t> BoundSizes(const CompiledCriteria& criteria) {
  std::vector<size_t> sizes;  // 99: open
  for (const auto& bound : criteria.bounds())
    sizes.push_back(bound.has_value() ? bound->size() : 99);
  return sizes;
}

const TagValue kA = std::string("a");
const TagValue kB = std::string("b");

TEST_CASE("a series is judged by what its entity alone decides", "[query]") {
  const auto criteria = Compile(
      And(Where("e", Op::kEq, kA), Or(Where("f", Op::kEq, kB), Where("c", Op::kEq, int64_t{1}))));
  REQUIRE(criteria.NeedsEntity());
  REQUIRE(Judge(criteria, kB, kB) == SeriesVerdict::kNone);
  REQUIRE(Judge(criteria, kA, kB) == SeriesVerdict::kAll);
  REQUIRE(Judge(criteria, kA, kA) == SeriesVerdict::kSome);
  REQUIRE(!Compile(Where("c", Op::kEq, kA)).NeedsEntity());
}

TEST_CASE("an entity of another size is corruption", "[query]") {
  const auto criteria = Compile(Where("e", Op::kEq, kA));
  const std::string key = *EncodeSeriesKey("m", {kA});
  EntityView view;
  REQUIRE(view.Assign(key).has_value());
  REQUIRE(criteria.Judge(view).error().code == ErrorCode::kCorruption);
}

TEST_CASE("bounds are the entities that criteria leave possible", "[query]") {
  using Sizes = std::vector<size_t>;
  REQUIRE(BoundSizes(Compile(And(Where("e", Op::kEq, kA), Where("f", Op::kIn, Texts{"x", "y"})))) ==
          Sizes{1, 2});
  REQUIRE(BoundSizes(Compile(And(Where("e", Op::kEq, kA), Where("e", Op::kEq, kB)))) ==
          Sizes{0, 99});
  REQUIRE(BoundSizes(Compile(Or(Where("e", Op::kEq, kA), Where("e", Op::kEq, kB)))) ==
          Sizes{2, 99});
  REQUIRE(BoundSizes(Compile(Or(Where("e", Op::kEq, kA), Where("f", Op::kEq, kB)))) ==
          Sizes{99, 99});
  REQUIRE(BoundSizes(Compile(Or(Where("e", Op::kEq, kA), Where("c", Op::kEq, kB)))) ==
          Sizes{99, 99});
  REQUIRE(BoundSizes(Compile(Where("e", Op::kNe, kA))) == Sizes{99, 99});
  // A union of pairs is bounded by their product; Judge tells the pairs that were not asked for.
  const auto pairs = Compile(Or(And(Where("e", Op::kEq, kA), Where("f", Op::kEq, kA)),
                                And(Where("e", Op::kEq, kB), Where("f", Op::kEq, kB))));
  REQUIRE(BoundSizes(pairs) == Sizes{2, 2});
  REQUIRE(Judge(pairs, kA, kA) == SeriesVerdict::kAll);
  REQUIRE(Judge(pairs, kA, kB) == SeriesVerdict::kNone);
}

TEST_CASE("an empty string of an entity is another series than null", "[query]") {
  const auto empty = Compile(Where("e", Op::kEq, std::string()));
  REQUIRE(Judge(empty, std::string(), kA) == SeriesVerdict::kAll);
  REQUIRE(Judge(empty, Null{}, kA) == SeriesVerdict::kNone);
}

TEST_CASE("entity tags with an index rule take every operator", "[query]") {
  REQUIRE(Judge(Compile(Where("e", Op::kGt, kA)), kB, kA) == SeriesVerdict::kAll);
  REQUIRE(Judge(Compile(Where("e", Op::kGt, kA)), kA, kA) == SeriesVerdict::kNone);
  REQUIRE(Judge(Compile(Where("e", Op::kNe, kA)), Null{}, kA) == SeriesVerdict::kAll);
  REQUIRE(Judge(Compile(Where("e", Op::kNotIn, Texts{"a"})), kA, kA) == SeriesVerdict::kNone);
  REQUIRE(Judge(Compile(Where("e", Op::kHaving, Texts{"a", "a"})), kA, kA) == SeriesVerdict::kAll);
  REQUIRE(Judge(Compile(Where("e", Op::kHaving, Texts{"a", "b"})), kA, kA) == SeriesVerdict::kNone);
  REQUIRE(Judge(Compile(Where("e", Op::kLt, int64_t{5})), int64_t{-5}, kA) == SeriesVerdict::kAll);
}

TEST_CASE("rows match by column, entity and missing columns together", "[query]") {
  const auto criteria = Compile(
      Or(And(Where("e", Op::kEq, kA), Where("c", Op::kGe, int64_t{2})), Where("d", Op::kNe, kB)));
  ColumnValues c(ColumnId(1), ColumnType::kInt64);
  ColumnValues d(ColumnId(2), ColumnType::kString);
  for (const int64_t value : {1, 2, 3, 4}) AppendValue(c, value);
  for (const TagValue& value : {kB, kB, TagValue(Null{}), kA}) AppendValue(d, value);
  const std::vector<const ColumnValues*> both = {&c, &d};
  const std::vector<const ColumnValues*> only_d = {nullptr, &d};
  const Entity a(kA, kA);
  const Entity b(kB, kA);
  std::vector<uint8_t> matches;
  REQUIRE(criteria.MatchRows(&a.view, both, 0, 4, matches).has_value());
  REQUIRE(matches == std::vector<uint8_t>{0, 1, 1, 1});
  REQUIRE(criteria.MatchRows(&b.view, both, 0, 4, matches).has_value());
  REQUIRE(matches == std::vector<uint8_t>{0, 0, 1, 1});
  REQUIRE(criteria.MatchRows(&a.view, only_d, 1, 3, matches).has_value());
  REQUIRE(matches == std::vector<uint8_t>{0, 1});
}

TEST_CASE("slots are renumbered throughout the tree", "[query]") {
  auto criteria = Compile(And(Where("c", Op::kEq, kA), Where("d", Op::kEq, kB)));
  criteria.RenumberSlots({1, 0});
  ColumnValues c(ColumnId(1), ColumnType::kString);
  ColumnValues d(ColumnId(2), ColumnType::kString);
  AppendValue(c, kA);
  AppendValue(d, kB);
  const std::vector<const ColumnValues*> columns = {&d, &c};
  std::vector<uint8_t> matches;
  REQUIRE(criteria.MatchRows(nullptr, columns, 0, 1, matches).has_value());
  REQUIRE(matches == std::vector<uint8_t>{1});
}

}  // namespace
}  // namespace ficus
