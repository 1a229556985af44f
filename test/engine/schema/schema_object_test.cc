#include "engine/schema/schema_object.h"

#include <limits>

#include <catch2/catch.hpp>

#include "test/engine/schema/objects.h"

namespace ficus {

TEST_CASE("every kind has a name of its own, a view, and its own place in a catalog",
          "[schema][object]") {
  const std::vector<SchemaObject> objects = {ProposeGroup("g"),
                                             ProposeStream("g", "s"),
                                             ProposeMeasure("g", "m"),
                                             ProposeTrace("g", "t"),
                                             ProposeProperty("g", "p"),
                                             ProposeIndexRule("g", "r", {"x"}),
                                             ProposeBinding("g", "b", "m", {"r"}),
                                             ProposeTopN("g", "n", "m")};
  REQUIRE(objects.size() == kSchemaKinds.size());
  for (size_t i = 0; i < objects.size(); ++i) {
    REQUIRE(objects[i].key.kind == kSchemaKinds[i]);
    for (size_t j = 0; j < objects.size(); ++j) {
      REQUIRE(ViewFits(objects[i].key.kind, objects[j].view) == (i == j));
      REQUIRE((SchemaKindName(kSchemaKinds[i]) == SchemaKindName(kSchemaKinds[j])) == (i == j));
    }
  }
  REQUIRE(CatalogOf(SchemaKind::kStream) == Catalog::kStream);
  REQUIRE(CatalogOf(SchemaKind::kMeasure) == Catalog::kMeasure);
  REQUIRE(CatalogOf(SchemaKind::kTrace) == Catalog::kTrace);
  REQUIRE(CatalogOf(SchemaKind::kProperty) == Catalog::kProperty);
  REQUIRE_FALSE(IsSubject(SchemaKind::kGroup));
  REQUIRE_FALSE(IsSubject(SchemaKind::kIndexRule));
}

TEST_CASE("an interval rule in nanoseconds stops at the largest number", "[schema][object]") {
  REQUIRE(IntervalRule{IntervalUnit::kHour, 2}.nanos() == 2 * kNanosPerHour);
  REQUIRE(IntervalRule{IntervalUnit::kDay, 7}.nanos() == 7 * kNanosPerDay);
  REQUIRE(IntervalRule{IntervalUnit::kDay, UINT32_MAX}.nanos() ==
          std::numeric_limits<int64_t>::max());
}

TEST_CASE("tags and fields live in columns of their type", "[schema][object]") {
  REQUIRE(ColumnTypeOf(TagType::kString) == ColumnType::kString);
  REQUIRE(ColumnTypeOf(TagType::kInt) == ColumnType::kInt64);
  REQUIRE(ColumnTypeOf(TagType::kStringArray) == ColumnType::kStringArray);
  REQUIRE(ColumnTypeOf(TagType::kIntArray) == ColumnType::kInt64Array);
  REQUIRE(ColumnTypeOf(TagType::kBinary) == ColumnType::kBinary);
  REQUIRE(ColumnTypeOf(TagType::kTimestamp) == ColumnType::kTimestamp);
  REQUIRE(ColumnTypeOf(FieldType::kString) == ColumnType::kString);
  REQUIRE(ColumnTypeOf(FieldType::kInt) == ColumnType::kInt64);
  REQUIRE(ColumnTypeOf(FieldType::kBinary) == ColumnType::kBinary);
  REQUIRE(ColumnTypeOf(FieldType::kFloat) == ColumnType::kFloat64);
}

TEST_CASE("a series key has the tags of the entity that the measure has", "[schema]") {
  MeasureSchema measure;
  measure.families = {{"a", {{"x", TagType::kString, kNoColumn}}},
                      {"b", {{"y", TagType::kInt, kNoColumn}}}};
  measure.entity = {"missing", "y", "x"};
  REQUIRE(KeyTags(measure) == std::vector<std::string_view>{"y", "x"});
}

}  // namespace ficus
