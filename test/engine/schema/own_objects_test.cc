#include "engine/schema/own_objects.h"

#include <catch2/catch.hpp>

#include "engine/schema/schema_rules.h"

namespace ficus {

TEST_CASE("the node's own objects obey the rules for everybody's", "[schema][own]") {
  for (const SchemaObject& object :
       {TopNResultMeasure("g"), DeletionTaskGroup(), DeletionTaskProperty()}) {
    CAPTURE(object.key.name);
    REQUIRE(CheckSchemaProposal(object));
    REQUIRE(object.payload.empty());
    REQUIRE(ViewFits(object.key.kind, object.view));
  }
}

TEST_CASE("the node's own objects have the names and shapes that clients know", "[schema][own]") {
  const SchemaObject top_n = TopNResultMeasure("g");
  REQUIRE(top_n.key == SchemaKey{SchemaKind::kMeasure, "g", "_top_n_result"});
  REQUIRE(top_n.measure().families.size() == 1);
  REQUIRE(top_n.measure().families[0].name == "_topN");
  REQUIRE(top_n.measure().families[0].tags.size() == 4);
  REQUIRE(top_n.measure().families[0].tags[1].type == TagType::kInt);
  REQUIRE(top_n.measure().fields.size() == 1);
  REQUIRE(top_n.measure().fields[0].name == "value");
  REQUIRE(top_n.measure().fields[0].type == FieldType::kBinary);

  const SchemaObject group = DeletionTaskGroup();
  REQUIRE(group.key == SchemaKey{SchemaKind::kGroup, "", "_deletion_task"});
  REQUIRE(group.group().catalog == Catalog::kProperty);
  REQUIRE(group.group().resources->shard_count == 1);

  const SchemaObject property = DeletionTaskProperty();
  REQUIRE(property.key == SchemaKey{SchemaKind::kProperty, "_deletion_task", "_deletion_task"});
  REQUIRE(property.property().tags.size() == 1);
  REQUIRE(property.property().tags[0].name == "task_data");
  REQUIRE(property.property().tags[0].type == TagType::kBinary);
}

}  // namespace ficus
