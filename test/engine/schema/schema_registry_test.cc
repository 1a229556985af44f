#include "engine/schema/schema_registry.h"

#include <algorithm>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/schema/schema_rules.h"
#include "test/engine/base/death.h"
#include "test/engine/schema/objects.h"

namespace ficus {
namespace {

constexpr UnixNanos kNow = 1'700'000'000 * kNanosPerSecond;

// A registry whose changes are durable at once, and a clock that stands still.
struct Node {
  explicit Node(uint64_t seed = 1) : random(seed) {}

  SchemaRegistry registry;
  SeededRandom random;
  UnixNanos now = kNow;

  Result<SchemaChange> Create(SchemaObject proposal) {
    ASSIGN_OR_RETURN(auto change, registry.PrepareCreate(std::move(proposal), now, random));
    registry.Apply(change);
    return change;
  }
  Result<SchemaChange> Update(SchemaObject proposal) {
    ASSIGN_OR_RETURN(auto change, registry.PrepareUpdate(std::move(proposal), now));
    registry.Apply(change);
    return change;
  }
  Result<SchemaChange> Delete(const SchemaKey& key) {
    ASSIGN_OR_RETURN(auto change, registry.PrepareDelete(key, now));
    registry.Apply(change);
    return change;
  }
  Result<SchemaChange> DeleteGroup(std::string_view group,
                                   GroupDeletion deletion = GroupDeletion::kEverything) {
    ASSIGN_OR_RETURN(auto change, registry.PrepareDeleteGroup(group, deletion, now, random));
    registry.Apply(change);
    return change;
  }
  const SchemaObject* Find(const SchemaObject& like) {
    held.push_back(registry.Current());
    return held.back()->Find(like.key);
  }

  std::vector<std::shared_ptr<const SchemaSnapshot>> held;
};

MeasureSchema& Measure(SchemaObject& object) { return std::get<MeasureSchema>(object.view); }

std::vector<std::string> Names(const std::vector<const SchemaObject*>& objects) {
  std::vector<std::string> names;
  for (const SchemaObject* object : objects) names.push_back(object->key.name);
  return names;
}

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE("a created object has ids, times, a revision, and the client's bytes",
          "[schema][registry]") {
  Node node;
  REQUIRE(node.Create(ProposeGroup("g")));
  REQUIRE(node.Create(ProposeMeasure("g", "m")));
  const SchemaObject* group = node.Find(ProposeGroup("g"));
  const SchemaObject* measure = node.Find(ProposeMeasure("g", "m"));
  REQUIRE(group != nullptr);
  REQUIRE(measure != nullptr);
  REQUIRE(group->group_id != GroupId());
  REQUIRE(group->subject_id == SubjectId());
  REQUIRE(group->mod_revision == kNow);
  REQUIRE(measure->subject_id != SubjectId());
  REQUIRE(measure->mod_revision == kNow + 1);
  REQUIRE(measure->created_at == kNow);
  REQUIRE(measure->updated_at == kNow);
  REQUIRE(measure->payload == "measure m");
  REQUIRE(node.registry.Current()->FindGroup(group->group_id)->key == group->key);
  REQUIRE(node.registry.Current()->FindSubject(measure->subject_id)->key == measure->key);
  REQUIRE(node.registry.Current()->revision() == kNow + 1);
}

TEST_CASE("preparing a change changes nothing", "[schema][registry]") {
  Node node;
  REQUIRE(node.registry.PrepareCreate(ProposeGroup("g"), kNow, node.random));
  REQUIRE(node.registry.Current()->objects().empty());
}

TEST_CASE("a revision grows even when the clock stands still or goes back", "[schema][registry]") {
  Node node;
  REQUIRE(node.Create(ProposeGroup("a"))->revision == kNow);
  REQUIRE(node.Create(ProposeGroup("b"))->revision == kNow + 1);
  node.now = kNow - kNanosPerDay;
  REQUIRE(node.Create(ProposeGroup("c"))->revision == kNow + 2);
  REQUIRE(node.DeleteGroup("c")->revision == kNow + 3);
  node.now = kNow + kNanosPerDay;
  REQUIRE(node.Create(ProposeGroup("c"))->revision == kNow + kNanosPerDay);
}

TEST_CASE("creating what exists, or in a group that does not, has BanyanDB's answers",
          "[schema][registry]") {
  Node node;
  REQUIRE(node.Create(ProposeGroup("g")));
  REQUIRE(node.Create(ProposeMeasure("g", "m")));
  REQUIRE(node.Create(ProposeGroup("g")).error() ==
          Error{ErrorCode::kAlreadyExists, "banyandb: resource already exists"});
  REQUIRE(node.Create(ProposeMeasure("g", "m")).error() ==
          Error{ErrorCode::kAlreadyExists, "banyandb: resource already exists"});
  for (const SchemaObject& object : {ProposeMeasure("none", "m"), ProposeStream("none", "s"),
                                     ProposeTrace("none", "t"), ProposeProperty("none", "p")}) {
    REQUIRE(node.Create(object).error() ==
            Error{ErrorCode::kNotFound, "banyandb: resource not found"});
  }
  REQUIRE(node.Create(ProposeIndexRule("none", "r", {"layer"})));
  REQUIRE(node.Create(ProposeBinding("none", "b", "m", {"r"})));
  REQUIRE(node.Create(ProposeTopN("none", "n", "m")));
}

TEST_CASE("a group holds only subjects of its catalog", "[schema][registry]") {
  Node node;
  REQUIRE(node.Create(ProposeGroup("g")));
  REQUIRE(node.Create(ProposeStream("g", "s")).error().code == ErrorCode::kInvalidArgument);
  REQUIRE(node.Create(ProposeGroup("s", Catalog::kStream)));
  REQUIRE(node.Create(ProposeStream("s", "s")));
}

TEST_CASE("a measure group comes with its top-n result measure", "[schema][registry]") {
  Node node;
  const auto change = node.Create(ProposeGroup("g"));
  REQUIRE(change);
  REQUIRE(change->objects.size() == 2);
  REQUIRE(change->objects[0].key.kind == SchemaKind::kGroup);
  const SchemaObject* result =
      node.registry.Current()->Find(SchemaKind::kMeasure, "g", kTopNResultMeasure);
  REQUIRE(result != nullptr);
  REQUIRE(result->payload.empty());
  REQUIRE(result->subject_id != SubjectId());
  REQUIRE(result->measure().entity == Strings{"name", "direction", "group", "parameters"});
  REQUIRE(result->columns().size() == 1);
  REQUIRE(result->columns()[0].type == ColumnType::kBinary);

  REQUIRE(node.Create(ProposeGroup("s", Catalog::kStream))->objects.size() == 1);
  REQUIRE(node.Create(ProposeGroup("p", Catalog::kProperty))->objects.size() == 1);
}

TEST_CASE("an index rule without id gets one, and keeps it", "[schema][registry]") {
  Node node;
  const SchemaObject rule = ProposeIndexRule("g", "r", {"layer"});
  REQUIRE(node.Create(rule));
  REQUIRE(node.Find(rule)->index_rule().id == IndexRuleIdOf("g", "r"));
  SchemaObject changed = ProposeIndexRule("g", "r", {"layer", "count"});
  REQUIRE(node.Update(changed));
  REQUIRE(node.Find(rule)->index_rule().id == IndexRuleIdOf("g", "r"));
  REQUIRE(node.Update(ProposeIndexRule("g", "none", {"layer"})).error() ==
          Error{ErrorCode::kNotFound, "banyandb: resource not found"});

  SchemaObject chosen = ProposeIndexRule("g", "own", {"layer"});
  std::get<IndexRuleSchema>(chosen.view).id = 7;
  REQUIRE(node.Create(chosen));
  REQUIRE(node.Find(chosen)->index_rule().id == 7);
}

TEST_CASE("an update keeps ids and creation time and gets a new revision", "[schema][registry]") {
  Node node;
  REQUIRE(node.Create(ProposeGroup("g")));
  REQUIRE(node.Create(ProposeMeasure("g", "m")));
  const SchemaObject before = *node.Find(ProposeMeasure("g", "m"));
  node.now = kNow + kNanosPerHour;
  SchemaObject changed = ProposeMeasure("g", "m");
  changed.payload = "changed";
  const auto change = node.Update(changed);
  REQUIRE(change);
  REQUIRE(change->revision == node.now);
  const SchemaObject after = *node.Find(changed);
  REQUIRE(after.subject_id == before.subject_id);
  REQUIRE(after.created_at == kNow);
  REQUIRE(after.updated_at == node.now);
  REQUIRE(after.payload == "changed");
}

TEST_CASE("the same content again is no change and has the revision it had", "[schema][registry]") {
  Node node;
  REQUIRE(node.Create(ProposeGroup("g")));
  REQUIRE(node.Create(ProposeMeasure("g", "m")));
  REQUIRE(node.Create(ProposeIndexRule("g", "r", {"layer"})));
  REQUIRE(node.Create(ProposeBinding("g", "b", "m", {"r"})));
  REQUIRE(node.Create(ProposeTopN("g", "n", "m")));
  const auto snapshot = node.registry.Current();
  node.now += kNanosPerHour;
  for (const SchemaObject& object :
       {ProposeGroup("g"), ProposeMeasure("g", "m"), ProposeIndexRule("g", "r", {"layer"}),
        ProposeBinding("g", "b", "m", {"r"}), ProposeTopN("g", "n", "m")}) {
    const auto change = node.Update(object);
    REQUIRE(change);
    REQUIRE(change->no_op());
    REQUIRE(change->revision == snapshot->Find(object.key)->mod_revision);
  }
  REQUIRE(node.registry.Current() == snapshot);
}

TEST_CASE("updating what does not exist, or what must not change, has BanyanDB's answers",
          "[schema][registry]") {
  Node node;
  REQUIRE(node.Create(ProposeGroup("g")));
  REQUIRE(node.Create(ProposeMeasure("g", "m")));
  REQUIRE(node.Update(ProposeMeasure("g", "none")).error() ==
          Error{ErrorCode::kUnknown, "schema g/none not exist"});
  REQUIRE(node.Update(ProposeGroup("none")).error() ==
          Error{ErrorCode::kUnknown, "schema /none not exist"});
  SchemaObject changed = ProposeMeasure("g", "m");
  Measure(changed).interval = "1h";
  REQUIRE(node.Update(changed).error() ==
          Error{ErrorCode::kUnknown, "validation failed: interval is different: 1m != 1h"});
  SchemaObject malformed = ProposeMeasure("g", "m");
  Measure(malformed).entity.clear();
  REQUIRE(node.Update(malformed).error().message == "measure entity tag names is empty");
}

TEST_CASE("deleting tells what went, and nothing when there was nothing", "[schema][registry]") {
  Node node;
  REQUIRE(node.Create(ProposeGroup("g")));
  REQUIRE(node.Create(ProposeMeasure("g", "m")));
  const SchemaObject measure = *node.Find(ProposeMeasure("g", "m"));
  const auto change = node.Delete(measure.key);
  REQUIRE(change);
  REQUIRE(change->removals.size() == 1);
  REQUIRE(change->removals[0] == SchemaRemoval{measure.key, GroupId(), measure.subject_id});
  REQUIRE(node.Find(measure) == nullptr);
  REQUIRE(node.registry.Current()->FindSubject(measure.subject_id) == nullptr);

  const auto again = node.Delete(measure.key);
  REQUIRE(again);
  REQUIRE(again->no_op());
  REQUIRE(again->revision == 0);

  REQUIRE(node.Create(ProposeMeasure("g", "m")));
  REQUIRE(node.Find(measure)->subject_id != measure.subject_id);
}

TEST_CASE("deleting a group takes everything that names it", "[schema][registry]") {
  Node node;
  REQUIRE(node.Create(ProposeGroup("g")));
  REQUIRE(node.Create(ProposeGroup("other")));
  REQUIRE(node.Create(ProposeMeasure("g", "m")));
  REQUIRE(node.Create(ProposeIndexRule("g", "r", {"layer"})));
  REQUIRE(node.Create(ProposeBinding("g", "b", "m", {"r"})));
  REQUIRE(node.Create(ProposeTopN("g", "n", "m")));
  const GroupId id = node.Find(ProposeGroup("g"))->group_id;
  const auto change = node.DeleteGroup("g");
  REQUIRE(change);
  std::vector<std::string> gone;
  for (const SchemaRemoval& removal : change->removals) gone.push_back(removal.key.name);
  REQUIRE(gone == Strings{"g", "_top_n_result", "m", "r", "b", "n"});
  REQUIRE(change->retired_groups == std::vector{id});
  const auto left = node.registry.Current();
  REQUIRE(left->ListGroup("g").empty());
  REQUIRE(Names(left->Groups()) == Strings{"other"});

  REQUIRE(node.Create(ProposeGroup("g")));
  REQUIRE(node.Find(ProposeGroup("g"))->group_id != id);
}

TEST_CASE("deleting only the data gives the group a new id and keeps its schemas",
          "[schema][registry]") {
  Node node;
  REQUIRE(node.Create(ProposeGroup("g")));
  REQUIRE(node.Create(ProposeMeasure("g", "m")));
  const SchemaObject before = *node.Find(ProposeGroup("g"));
  const SubjectId subject = node.Find(ProposeMeasure("g", "m"))->subject_id;
  const auto change = node.DeleteGroup("g", GroupDeletion::kDataOnly);
  REQUIRE(change);
  REQUIRE(change->retired_groups == std::vector{before.group_id});
  const SchemaObject after = *node.Find(before);
  REQUIRE(after.group_id != before.group_id);
  REQUIRE(after.payload == before.payload);
  REQUIRE(after.created_at == before.created_at);
  REQUIRE(after.mod_revision > before.mod_revision);
  REQUIRE(node.registry.Current()->FindGroup(before.group_id) == nullptr);
  REQUIRE(node.Find(ProposeMeasure("g", "m"))->subject_id == subject);
}

TEST_CASE("the node's own group cannot be deleted, a missing one is not found",
          "[schema][registry]") {
  Node node;
  node.registry.Apply(node.registry.PrepareOwnObjects(kNow, node.random));
  REQUIRE(node.DeleteGroup("_deletion_task").error().code == ErrorCode::kPermissionDenied);
  REQUIRE(node.DeleteGroup("none").error() ==
          Error{ErrorCode::kNotFound, "banyandb: resource not found"});
}

TEST_CASE("the node's own objects are made once", "[schema][registry]") {
  Node node;
  const SchemaChange change = node.registry.PrepareOwnObjects(kNow, node.random);
  node.registry.Apply(change);
  const auto snapshot = node.registry.Current();
  REQUIRE(Names(snapshot->Groups()) == Strings{"_deletion_task"});
  REQUIRE(Names(snapshot->List(SchemaKind::kProperty, "_deletion_task")) ==
          Strings{"_deletion_task"});
  REQUIRE(node.registry.PrepareOwnObjects(kNow, node.random).no_op());
}

TEST_CASE("a restore replaces whole groups and keeps the ids of their rows",
          "[schema][registry][restore]") {
  Node source;
  REQUIRE(source.Create(ProposeGroup("g")));
  REQUIRE(source.Create(ProposeMeasure("g", "kept")));
  REQUIRE(source.Create(ProposeIndexRule("g", "r", {"layer"})));
  std::vector<SchemaObject> backup;
  for (const SchemaObject* object : source.registry.Current()->ListGroup("g")) {
    backup.push_back(*object);
  }

  Node node(2);
  node.now = kNow + kNanosPerDay;
  REQUIRE(node.Create(ProposeGroup("g")));
  REQUIRE(node.Create(ProposeMeasure("g", "later")));
  REQUIRE(node.Create(ProposeGroup("untouched")));
  const GroupId replaced = node.Find(ProposeGroup("g"))->group_id;
  const auto change = node.registry.PrepareRestore(backup, node.now, node.random);
  REQUIRE(change);
  REQUIRE(change->retired_groups == std::vector{replaced});
  REQUIRE(change->removals.size() == 1);
  REQUIRE(change->removals[0].key.name == "later");
  node.registry.Apply(*change);

  const auto after = node.registry.Current();
  REQUIRE(after->FindGroup("g")->group_id != replaced);
  REQUIRE(after->FindGroup("g")->group_id != source.Find(ProposeGroup("g"))->group_id);
  const SchemaObject* measure = after->Find(SchemaKind::kMeasure, "g", "kept");
  REQUIRE(measure != nullptr);
  REQUIRE(measure->subject_id == source.Find(ProposeMeasure("g", "kept"))->subject_id);
  REQUIRE(measure->columns() == source.Find(ProposeMeasure("g", "kept"))->columns());
  REQUIRE(measure->mod_revision == after->revision());
  REQUIRE(after->FindGroup("untouched") != nullptr);
}

TEST_CASE("a restore that would mix groups is refused", "[schema][registry][restore]") {
  Node node;
  REQUIRE(node.Create(ProposeGroup("a")));
  REQUIRE(node.Create(ProposeMeasure("a", "m")));
  const SchemaObject measure = *node.Find(ProposeMeasure("a", "m"));
  SECTION("an object without its group") {
    REQUIRE(node.registry.PrepareRestore({measure}, kNow, node.random).error().code ==
            ErrorCode::kInvalidArgument);
  }
  SECTION("a subject id that lives in another group") {
    SchemaObject stolen = measure;
    stolen.key.group = "b";
    REQUIRE(
        node.registry.PrepareRestore({ProposeGroup("b"), stolen}, kNow, node.random).error().code ==
        ErrorCode::kAlreadyExists);
  }
  SECTION("one object twice") {
    REQUIRE(node.registry.PrepareRestore({ProposeGroup("b"), ProposeGroup("b")}, kNow, node.random)
                .error()
                .code == ErrorCode::kInvalidArgument);
  }
  SECTION("a name that would leave the directory") {
    SchemaObject group = ProposeGroup("b");
    group.key.name = "..";
    REQUIRE(node.registry.PrepareRestore({group}, kNow, node.random).error().code ==
            ErrorCode::kInvalidArgument);
  }
}

TEST_CASE("a registry read from disk is as it was", "[schema][registry]") {
  Node node;
  REQUIRE(node.Create(ProposeGroup("g")));
  REQUIRE(node.Create(ProposeMeasure("g", "m")));
  REQUIRE(node.Delete(ProposeMeasure("g", "m").key));
  std::vector<SchemaObject> objects;
  for (const auto& object : node.registry.Current()->objects()) objects.push_back(*object);
  std::reverse(objects.begin(), objects.end());
  const int64_t revision = node.registry.Current()->revision();
  const auto reopened = SchemaRegistry::Create(objects, revision);
  REQUIRE(reopened);
  REQUIRE((*reopened)->Current()->revision() == revision);
  REQUIRE((*reopened)->Current()->objects().size() == node.registry.Current()->objects().size());
  REQUIRE(*(*reopened)->Current()->FindGroup("g") == *node.registry.Current()->FindGroup("g"));

  objects.push_back(objects.front());
  REQUIRE(SchemaRegistry::Create(objects, revision).error().code == ErrorCode::kCorruption);
}

TEST_CASE("two objects with one id are damage", "[schema][registry]") {
  SchemaObject a = ProposeGroup("a");
  SchemaObject b = ProposeGroup("b");
  a.group_id = b.group_id = GroupId(5);
  REQUIRE(SchemaRegistry::Create({a, b}, 1).error().code == ErrorCode::kCorruption);
  SchemaObject m = ProposeMeasure("a", "m");
  SchemaObject n = ProposeMeasure("a", "n");
  m.subject_id = n.subject_id = SubjectId(5);
  REQUIRE(SchemaRegistry::Create({m, n}, 1).error().code == ErrorCode::kCorruption);
}

TEST_CASE("an update keeps the columns of what it keeps", "[schema][registry]") {
  Node node;
  REQUIRE(node.Create(ProposeGroup("g")));
  REQUIRE(node.Create(ProposeMeasure("g", "m")));
  SchemaObject changed = ProposeMeasure("g", "m");
  Measure(changed).fields.erase(Measure(changed).fields.begin());
  REQUIRE(node.Update(changed));
  const SchemaObject after = *node.Find(changed);
  REQUIRE(after.columns().size() == 4);
  REQUIRE(after.columns()[2].dropped);
  REQUIRE(after.measure().fields[0].column == ColumnId(4));
}

TEST_CASE("a change against an older snapshot stops the process", "[schema][registry]") {
  Node node;
  const auto early = node.registry.PrepareCreate(ProposeGroup("a"), kNow, node.random);
  REQUIRE(early);
  REQUIRE(node.Create(ProposeGroup("b")));
  REQUIRE(RunInChild([&] { node.registry.Apply(*early); }).aborted);
}

}  // namespace ficus
