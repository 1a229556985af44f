#include "engine/schema/schema_snapshot.h"

#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "test/engine/schema/objects.h"

namespace ficus {
namespace {

using Strings = std::vector<std::string>;

std::shared_ptr<const SchemaSnapshot> Snapshot(std::vector<SchemaObject> objects) {
  std::vector<SchemaSnapshot::ObjectPtr> shared;
  uint64_t id = 0;
  for (SchemaObject& object : objects) {
    if (object.key.kind == SchemaKind::kGroup) object.group_id = GroupId(++id);
    if (IsSubject(object.key.kind)) object.subject_id = SubjectId(++id);
    shared.push_back(std::make_shared<const SchemaObject>(std::move(object)));
  }
  return SchemaSnapshot::Make(std::move(shared), 0).value();
}

Strings Names(const std::vector<const SchemaObject*>& objects) {
  Strings names;
  for (const SchemaObject* object : objects) names.push_back(object->key.name);
  return names;
}

}  // namespace

TEST_CASE("objects are found by kind, group and name", "[schema][snapshot]") {
  const auto snapshot =
      Snapshot({ProposeMeasure("b", "m"), ProposeGroup("a"), ProposeMeasure("a", "n"),
                ProposeMeasure("a", "m"), ProposeIndexRule("a", "m", {"layer"})});
  REQUIRE(snapshot->Find(SchemaKind::kMeasure, "a", "m")->key.kind == SchemaKind::kMeasure);
  REQUIRE(snapshot->Find(SchemaKind::kIndexRule, "a", "m")->key.kind == SchemaKind::kIndexRule);
  REQUIRE(snapshot->Find(SchemaKind::kMeasure, "a", "x") == nullptr);
  REQUIRE(snapshot->Find(SchemaKind::kStream, "a", "m") == nullptr);
  REQUIRE(snapshot->FindGroup("a") != nullptr);
  REQUIRE(snapshot->FindGroup("b") == nullptr);
  REQUIRE(Names(snapshot->List(SchemaKind::kMeasure, "a")) == Strings{"m", "n"});
  REQUIRE(Names(snapshot->List(SchemaKind::kMeasure, "none")).empty());
  REQUIRE(Names(snapshot->ListGroup("a")) == Strings{"a", "m", "n", "m"});
  const SchemaObject* found = snapshot->Find(SchemaKind::kMeasure, "b", "m");
  REQUIRE(snapshot->Share(*found).get() == found);
  REQUIRE(SchemaSnapshot().Find(SchemaKind::kGroup, "", "a") == nullptr);
}

TEST_CASE("the rules of a subject come from the bindings that name it, while they hold",
          "[schema][snapshot][index]") {
  const SchemaObject measure = ProposeMeasure("g", "m");
  const auto snapshot = Snapshot({
      measure,
      ProposeIndexRule("g", "by_layer", {"layer"}),
      ProposeIndexRule("g", "by_both", {"count", "layer"}),
      ProposeIndexRule("g", "unbound", {"x"}),
      ProposeIndexRule("elsewhere", "foreign", {"y"}),
      ProposeBinding("g", "first", "m", {"by_layer", "missing", "foreign"}, 100, 200),
      ProposeBinding("g", "second", "m", {"by_both", "by_layer"}, 150, 300),
      ProposeBinding("g", "other", "another", {"unbound"}),
      ProposeBinding("elsewhere", "far", "m", {"foreign"}),
  });
  const auto rules_at = [&](UnixNanos now) { return Names(snapshot->IndexRules(measure, now)); };
  REQUIRE(rules_at(99).empty());
  REQUIRE(rules_at(100) == Strings{"by_layer"});
  REQUIRE(rules_at(149) == Strings{"by_layer"});
  REQUIRE(rules_at(200) == Strings{"by_both", "by_layer"});
  REQUIRE(rules_at(300) == Strings{"by_both", "by_layer"});
  REQUIRE(rules_at(301).empty());
  REQUIRE(snapshot->IndexedTags(measure, 100) == Strings{"layer"});
  REQUIRE(snapshot->IndexedTags(measure, 200) == Strings{"count", "layer"});
}

TEST_CASE("the catalog that a binding names is not compared", "[schema][snapshot][index]") {
  SchemaObject binding = ProposeBinding("g", "b", "m", {"r"});
  std::get<IndexRuleBindingSchema>(binding.view).subject_catalog = Catalog::kStream;
  const SchemaObject measure = ProposeMeasure("g", "m");
  const auto snapshot = Snapshot({measure, binding, ProposeIndexRule("g", "r", {"layer"})});
  REQUIRE(snapshot->IndexedTags(measure, 1) == Strings{"layer"});
}

TEST_CASE("a changed snapshot leaves the one before it alone", "[schema][snapshot]") {
  const auto before = Snapshot({ProposeGroup("a"), ProposeMeasure("a", "m")});
  auto replaced = std::make_shared<SchemaObject>(*before->FindGroup("a"));
  replaced->group_id = GroupId(77);
  auto added = std::make_shared<SchemaObject>(ProposeMeasure("a", "n"));
  added->subject_id = SubjectId(78);
  const auto after = SchemaSnapshot::Changed(
      *before, {before->Find(SchemaKind::kMeasure, "a", "m")->key}, {replaced, added}, 5);
  REQUIRE(after->revision() == 5);
  REQUIRE(after->FindGroup(GroupId(77)) != nullptr);
  REQUIRE(after->FindGroup(GroupId(1)) == nullptr);
  REQUIRE(after->FindSubject(SubjectId(78)) != nullptr);
  REQUIRE(after->FindSubject(SubjectId(2)) == nullptr);
  REQUIRE(Names(after->List(SchemaKind::kMeasure, "a")) == Strings{"n"});
  REQUIRE(before->FindGroup(GroupId(1)) != nullptr);
  REQUIRE(Names(before->List(SchemaKind::kMeasure, "a")) == Strings{"m"});
}

}  // namespace ficus
