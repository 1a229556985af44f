#include "server/ingest/row_layout.h"

#include <string>
#include <vector>

#include <banyandb/measure/v1/write.pb.h>
#include <catch2/catch.hpp>

#include "engine/schema/column_assignment.h"
#include "server/ingest/wire_walker.h"
#include "test/engine/schema/objects.h"

namespace ficus {
namespace {

SchemaObject Measure() {
  SchemaObject object = ProposeMeasure("g", "m");
  std::get<MeasureSchema>(object.view).sharding_key = {"count", "id"};
  REQUIRE(AssignColumns(nullptr, object));
  return object;
}

// The spec of a message with these families and fields.
SpecNames Spec(const std::vector<SpecNames::Family>& families,
               const std::vector<std::string>& fields) {
  banyandb::measure::v1::WriteRequest request;
  for (const auto& family : families) {
    auto& spec = *request.mutable_data_point_spec()->add_tag_family_spec();
    spec.set_name(family.name);
    for (const auto& tag : family.tags) spec.add_tag_names(tag);
  }
  for (const auto& field : fields) request.mutable_data_point_spec()->add_field_names(field);
  const std::string bytes = request.SerializeAsString();
  WriteRequestView view;
  REQUIRE(ParseWriteRequest(bytes, view));
  const SpecNames names(view);
  REQUIRE(names.Equals(view));
  return names;
}

}  // namespace

TEST_CASE("without a spec the positions are those of the schema", "[ingest][layout]") {
  const RowLayout layout = RowLayout::Make(Measure(), nullptr);
  REQUIRE(layout.families_max == 1);
  REQUIRE(layout.slots.size() == 4);
  REQUIRE(layout.slots[0].tag.family == 0);
  REQUIRE(layout.slots[0].tag.tag == 1);
  REQUIRE(layout.slots[0].type == ColumnType::kString);
  REQUIRE(layout.slots[1].tag.tag == 2);
  REQUIRE_FALSE(layout.slots[1].is_field);
  REQUIRE(layout.slots[2].is_field);
  REQUIRE(layout.slots[2].field == 0);
  REQUIRE(layout.slots[3].field == 1);
  REQUIRE(layout.slots[3].type == ColumnType::kFloat64);
  REQUIRE(layout.entity.size() == 1);
  REQUIRE(layout.entity[0].tag == 0);
  REQUIRE(layout.sharding.size() == 2);
  REQUIRE(layout.sharding[0].tag == 2);
  REQUIRE(layout.sharding[1].tag == 0);
}

TEST_CASE("with a spec the positions are those of its names", "[ingest][layout]") {
  const SpecNames spec =
      Spec({{"other", {"layer"}}, {"default", {"count", "x", "layer"}}}, {"rate", "y"});
  const RowLayout layout = RowLayout::Make(Measure(), &spec);
  REQUIRE(layout.families_max == 2);
  REQUIRE(layout.slots[0].tag.family == 1);
  REQUIRE(layout.slots[0].tag.tag == 2);
  REQUIRE(layout.slots[1].tag.tag == 0);
  REQUIRE(layout.slots[2].field == kNowhere);
  REQUIRE(layout.slots[3].field == 0);
  REQUIRE(layout.entity.size() == 1);
  REQUIRE(layout.entity[0].family == kNowhere);
}

TEST_CASE("specs are equal when every name is", "[ingest][layout]") {
  const SpecNames spec = Spec({{"default", {"a", "b"}}}, {"f"});
  REQUIRE(spec == Spec({{"default", {"a", "b"}}}, {"f"}));
  for (const SpecNames& other :
       {Spec({{"default", {"a"}}}, {"f"}), Spec({{"default", {"b", "a"}}}, {"f"}),
        Spec({{"default", {"a"}}, {"default", {"b"}}}, {"f"}), Spec({{"x", {"a", "b"}}}, {"f"}),
        Spec({{"default", {"a", "b"}}}, {"g"}), Spec({{"default", {"a", "b"}}}, {})}) {
    REQUIRE_FALSE(spec == other);
  }
}

}  // namespace ficus
