#include "engine/schema/schema_rules.h"

#include <functional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "test/engine/schema/objects.h"

namespace ficus {
namespace {

MeasureSchema& Measure(SchemaObject& object) { return std::get<MeasureSchema>(object.view); }
GroupSchema& Group(SchemaObject& object) { return std::get<GroupSchema>(object.view); }

struct BadProposal {
  SchemaObject object;
  std::function<void(SchemaObject&)> spoil;
  std::string text;
};

SchemaObject Rule() {
  SchemaObject object = ProposeIndexRule("g", "r", {"layer"});
  std::get<IndexRuleSchema>(object.view).id = 1;
  return object;
}

std::vector<BadProposal> BadProposals() {
  const SchemaObject group = ProposeGroup("g");
  const SchemaObject properties = ProposeGroup("p", Catalog::kProperty);
  const SchemaObject measure = ProposeMeasure("g", "m");
  const SchemaObject stream = ProposeStream("g", "s");
  const SchemaObject trace = ProposeTrace("g", "t");
  const SchemaObject property = ProposeProperty("g", "p");
  const SchemaObject binding = ProposeBinding("g", "b", "m", {"r"});
  const SchemaObject top_n = ProposeTopN("g", "n", "m");
  using O = SchemaObject&;
  const auto stream_of = [](O o) -> StreamSchema& { return std::get<StreamSchema>(o.view); };
  const auto trace_of = [](O o) -> TraceSchema& { return std::get<TraceSchema>(o.view); };
  const auto property_of = [](O o) -> PropertySchema& { return std::get<PropertySchema>(o.view); };
  const auto rule_of = [](O o) -> IndexRuleSchema& { return std::get<IndexRuleSchema>(o.view); };
  const auto binding_of = [](O o) -> IndexRuleBindingSchema& {
    return std::get<IndexRuleBindingSchema>(o.view);
  };
  const auto top_n_of = [](O o) -> TopNAggregationSchema& {
    return std::get<TopNAggregationSchema>(o.view);
  };
  return {
      {group, [](O o) { o.key.name.clear(); }, "metadata.name is required"},
      {group, [](O o) { Group(o).catalog = kCatalogUnspecified; }, "catalog is unspecified"},
      {group, [](O o) { Group(o).catalog = Catalog{9}; }, "catalog is unspecified"},
      {group, [](O o) { Group(o).resources.reset(); }, "group resourceOpts is nil"},
      {group, [](O o) { Group(o).resources->shard_count = 0; }, "group shardNum is invalid"},
      {group, [](O o) { Group(o).resources->segment_interval.reset(); },
       "group segmentInterval is nil"},
      {group, [](O o) { Group(o).resources->segment_interval->num = 0; },
       "group segmentInterval num is invalid"},
      {group, [](O o) { Group(o).resources->segment_interval->unit = IntervalUnit::kUnspecified; },
       "group segmentInterval unit is unspecified"},
      {group, [](O o) { Group(o).resources->ttl.reset(); }, "group ttl is nil"},
      {group, [](O o) { Group(o).resources->ttl->num = 0; }, "group ttl num is invalid"},
      {group, [](O o) { Group(o).resources->ttl->unit = IntervalUnit::kUnspecified; },
       "group ttl unit is unspecified"},
      {properties, [](O o) { Group(o).resources.reset(); }, "resourceOpts is nil"},
      {properties, [](O o) { Group(o).resources->shard_count = 0; }, "shardNum is invalid"},
      {properties, [](O o) { Group(o).resources->segment_interval.emplace(); },
       "segmentInterval should be nil"},
      {properties, [](O o) { Group(o).resources->ttl.emplace(); }, "ttl should be nil"},

      {measure, [](O o) { o.key.name.clear(); }, "measure name is empty"},
      {measure, [](O o) { o.key.group.clear(); }, "measure group is empty"},
      {measure, [](O o) { Measure(o).families.clear(); }, "measure tag families is empty"},
      {measure, [](O o) { Measure(o).entity.clear(); }, "measure entity tag names is empty"},
      {measure, [](O o) { Measure(o).fields[1].name.clear(); }, "field name is empty"},
      {measure, [](O o) { Measure(o).fields[1].type = FieldType::kUnspecified; },
       "field type is unspecified"},
      {measure, [](O o) { Measure(o).fields[1].type = FieldType{5}; }, "field type is unspecified"},
      {measure, [](O o) { Measure(o).fields[1].compression = 0; },
       "compression method is unspecified"},
      {measure, [](O o) { Measure(o).index_mode = true; },
       "index mode is enabled, but fields are not empty"},
      {measure, [](O o) { Measure(o).interval = "1x"; },
       "interval is malformed: time: unknown unit \"x\" in duration \"1x\""},
      {measure, [](O o) { Measure(o).families[0].name.clear(); }, "tag family name is empty"},
      {measure, [](O o) { Measure(o).families[0].tags[1].name.clear(); }, "tag name is empty"},
      {measure, [](O o) { Measure(o).families[0].tags[1].type = TagType::kUnspecified; },
       "tag type is unspecified"},
      {measure, [](O o) { Measure(o).families[0].tags[1].type = TagType{7}; },
       "tag type is unspecified"},
      {measure, [](O o) { Measure(o).families[0].tags[1].name = "a#b"; },
       "tag name \"a#b\" must not contain reserved character \"#\""},
      {measure, [](O o) { Measure(o).families[0].tags[1].name = "id"; },
       "tag name \"id\" is duplicated in tag family \"default\""},
      {measure,
       [](O o) {
         Measure(o).families.push_back({"other", {{"id", TagType::kInt, kNoColumn}}});
       },
       "tag name \"id\" is duplicated in tag families \"default\" and \"other\": tag names must be "
       "unique across all tag families"},

      {stream, [](O o) { o.key.name.clear(); }, "stream name is empty"},
      {stream, [](O o) { o.key.group.clear(); }, "stream group is empty"},
      {stream, [=](O o) { stream_of(o).families.clear(); }, "stream tag families is empty"},
      {stream, [=](O o) { stream_of(o).entity.clear(); }, "stream entity tag names is empty"},

      {trace, [=](O o) { trace_of(o).tags.clear(); }, "trace tags is empty"},
      {trace, [=](O o) { trace_of(o).trace_id_tag.clear(); }, "trace_id_tag_name is empty"},
      {trace, [=](O o) { trace_of(o).span_id_tag.clear(); }, "span_id_tag_name is empty"},
      {trace, [=](O o) { trace_of(o).timestamp_tag.clear(); }, "timestamp_tag_name is empty"},
      {trace, [=](O o) { trace_of(o).tags[3].name.clear(); }, "trace tag name is empty"},
      {trace, [=](O o) { trace_of(o).tags[3].type = TagType::kUnspecified; },
       "trace tag type is unspecified"},
      {trace, [=](O o) { trace_of(o).tags[3].type = TagType{255}; },
       "trace tag type is unspecified"},
      {property, [=](O o) { property_of(o).tags[0].name = "#"; },
       "tag name \"#\" must not contain reserved character \"#\""},

      {Rule(), [](O o) { o.key.name.clear(); }, "indexRule name is empty"},
      {Rule(), [](O o) { o.key.group.clear(); }, "indexRule group is empty"},
      {Rule(), [=](O o) { rule_of(o).id = 0; }, "indexRule id is invalid"},
      {Rule(), [=](O o) { rule_of(o).tags.clear(); }, "indexRule tags is empty"},
      {Rule(), [=](O o) { rule_of(o).type = IndexType::kUnspecified; },
       "indexRule type is unspecified"},
      {Rule(), [=](O o) { rule_of(o).type = IndexType{4}; }, "indexRule type is unspecified"},

      {binding, [](O o) { o.key.name.clear(); }, "indexRuleBinding name is empty"},
      {binding, [](O o) { o.key.group.clear(); }, "indexRuleBinding group is empty"},
      {binding, [=](O o) { binding_of(o).subject.clear(); },
       "indexRuleBinding subject name is empty"},
      {binding, [=](O o) { binding_of(o).subject_catalog = kCatalogUnspecified; },
       "indexRuleBinding subject catalog is unspecified"},
      {binding, [=](O o) { binding_of(o).rules.clear(); }, "indexRuleBinding rules is empty"},

      {top_n, [](O o) { o.key.name.clear(); }, "topNAggregation name is empty"},
      {top_n, [](O o) { o.key.group.clear(); }, "topNAggregation group is empty"},
      {top_n, [=](O o) { top_n_of(o).source_measure.clear(); },
       "topNAggregation sourceMeasure name is empty"},
      {top_n, [=](O o) { top_n_of(o).source_group.clear(); },
       "topNAggregation sourceMeasure group is empty"},
      {top_n, [=](O o) { top_n_of(o).counters_number = 0; },
       "topNAggregation countersNumber is invalid"},
      {top_n, [=](O o) { top_n_of(o).field_name.clear(); }, "topNAggregation fieldName is empty"},
  };
}

struct BadUpdate {
  std::function<void(SchemaObject&)> change;
  std::string text;
};

}  // namespace

TEST_CASE("every proposal of the tests is accepted as it is", "[schema][rules]") {
  for (const BadProposal& bad : BadProposals()) {
    CAPTURE(bad.text);
    REQUIRE(CheckSchemaProposal(bad.object));
  }
}

TEST_CASE("a bad proposal is answered with BanyanDB's text", "[schema][rules]") {
  for (const BadProposal& bad : BadProposals()) {
    SchemaObject object = bad.object;
    bad.spoil(object);
    const auto result = CheckSchemaProposal(object);
    REQUIRE_FALSE(result);
    REQUIRE(result.error() == Error{ErrorCode::kUnknown, bad.text});
  }
}

TEST_CASE("a name that cannot be part of a path is refused", "[schema][rules]") {
  for (const std::string name : {"..", "a/b", "a b", "-a", "\xff"}) {
    CAPTURE(name);
    for (const SchemaKind kind : kSchemaKinds) {
      const bool is_group = kind == SchemaKind::kGroup;
      const auto result = CheckSchemaNames({kind, is_group ? "" : "g", name});
      REQUIRE_FALSE(result);
      REQUIRE(result.error().code == ErrorCode::kInvalidArgument);
      if (is_group) continue;
      REQUIRE_FALSE(CheckSchemaNames({kind, name, "m"}));
    }
  }
  REQUIRE_FALSE(CheckSchemaNames({SchemaKind::kGroup, "", "_schema"}));
  REQUIRE_FALSE(CheckSchemaNames({SchemaKind::kMeasure, "_schema", "m"}));
}

TEST_CASE("two fields or families of one name are refused", "[schema][rules]") {
  SchemaObject fields = ProposeMeasure("g", "m");
  Measure(fields).fields[1].name = "value";
  REQUIRE_FALSE(CheckSchemaProposal(fields));
  SchemaObject families = ProposeMeasure("g", "m");
  Measure(families).families.push_back({"default", {{"x", TagType::kInt, kNoColumn}}});
  REQUIRE_FALSE(CheckSchemaProposal(families));
}

TEST_CASE("what a measure must keep is refused with BanyanDB's text", "[schema][rules]") {
  const std::vector<BadUpdate> updates = {
      {[](SchemaObject& o) { Measure(o).interval = "1h"; }, "interval is different: 1m != 1h"},
      {[](SchemaObject& o) {
         Measure(o).entity = {"id", "layer"};
       },
       "entity is different: tag_names:\"id\" != tag_names:\"id\" tag_names:\"layer\""},
      {[](SchemaObject& o) {
         Measure(o).fields.clear();
         Measure(o).index_mode = true;
       },
       "index mode is different: false != true"},
      {[](SchemaObject& o) { Measure(o).families[0].name = "renamed"; },
       "cannot delete tag family default: it contains entity tag id"},
      {[](SchemaObject& o) {
         Measure(o).families[0].tags.erase(Measure(o).families[0].tags.begin());
       },
       "cannot delete entity tag id in tag family default"},
      {[](SchemaObject& o) { Measure(o).fields[0].type = FieldType::kFloat; },
       "field value is different: name:\"value\" field_type:2 encoding_method:1 "
       "compression_method:1 != name:\"value\" field_type:4 encoding_method:1 "
       "compression_method:1"},
      {[](SchemaObject& o) { Measure(o).fields[0].encoding = 0; },
       "field value is different: name:\"value\" field_type:2 encoding_method:1 "
       "compression_method:1 != name:\"value\" field_type:2 encoding_method:0 "
       "compression_method:1"},
  };
  const SchemaObject before = ProposeMeasure("g", "m");
  for (const BadUpdate& update : updates) {
    SchemaObject after = before;
    update.change(after);
    const auto result = CheckSchemaUpdate(before, after);
    REQUIRE_FALSE(result);
    REQUIRE(result.error() == Error{ErrorCode::kUnknown, "validation failed: " + update.text});
  }
}

TEST_CASE("what a measure may change is accepted", "[schema][rules]") {
  const SchemaObject before = ProposeMeasure("g", "m");
  SchemaObject after = before;
  Measure(after).fields.erase(Measure(after).fields.begin());
  Measure(after).fields.push_back({"added", FieldType::kString, 0, 1, kNoColumn});
  Measure(after).families[0].tags[1].type = TagType::kInt;
  Measure(after).families[0].tags.pop_back();
  Measure(after).families.push_back({"more", {{"extra", TagType::kIntArray, kNoColumn}}});
  Measure(after).sharding_key = {"id"};
  REQUIRE(CheckSchemaUpdate(before, after));
}

TEST_CASE("a tag that the entity named in vain cannot appear later", "[schema][rules]") {
  SchemaObject before = ProposeMeasure("g", "m");
  Measure(before).entity = {"id", "ghost"};
  REQUIRE(CheckSchemaProposal(before));
  SchemaObject after = before;
  Measure(after).families[0].tags.push_back({"ghost", TagType::kString, kNoColumn});
  const auto result = CheckSchemaUpdate(before, after);
  REQUIRE_FALSE(result);
  REQUIRE(result.error().message == "validation failed: cannot add entity tag ghost");
}

TEST_CASE("a stream keeps its entity, a trace its reserved tags, a group its catalog",
          "[schema][rules]") {
  const SchemaObject stream = ProposeStream("g", "s");
  SchemaObject other_stream = stream;
  std::get<StreamSchema>(other_stream.view).entity = {"state"};
  REQUIRE_FALSE(CheckSchemaUpdate(stream, other_stream));

  const SchemaObject trace = ProposeTrace("g", "t");
  SchemaObject other_trace = trace;
  auto& tags = std::get<TraceSchema>(other_trace.view).tags;
  tags.erase(tags.begin() + 1);
  const auto result = CheckSchemaUpdate(trace, other_trace);
  REQUIRE_FALSE(result);
  REQUIRE(result.error().message == "validation failed: cannot delete reserved tag span_id");

  const SchemaObject group = ProposeGroup("g");
  REQUIRE_FALSE(CheckSchemaUpdate(group, ProposeGroup("g", Catalog::kStream)));
  SchemaObject resized = group;
  Group(resized).resources->shard_count = 9;
  REQUIRE(CheckSchemaUpdate(group, resized));
}

TEST_CASE("an index rule's id is the CRC-32 of group and name", "[schema][rules]") {
  // The check value of the CRC catalogue for "123456789".
  REQUIRE(IndexRuleIdOf("1234", "56789") == 0xCBF43926);
}

}  // namespace ficus
