#include "engine/schema/schema_registry.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include "engine/base/check.h"
#include "engine/schema/column_assignment.h"
#include "engine/schema/own_objects.h"
#include "engine/schema/schema_rules.h"

namespace ficus {
namespace {

using SnapshotPtr = std::shared_ptr<const SchemaSnapshot>;

Error NotFound() { return {ErrorCode::kNotFound, "banyandb: resource not found"}; }
Error AlreadyExists() { return {ErrorCode::kAlreadyExists, "banyandb: resource already exists"}; }

// Begins a change against `base`: its revision never repeats and never falls behind the clock.
SchemaChange NewChange(const SchemaSnapshot& base, UnixNanos now) {
  SchemaChange change;
  change.base_revision = base.revision();
  change.revision = std::max(base.revision() + 1, now);
  return change;
}

SchemaChange NoOp(const SchemaSnapshot& base, int64_t revision) {
  SchemaChange change;
  change.base_revision = base.revision();
  change.revision = revision;
  return change;
}

void FillRuleId(SchemaObject& object, uint32_t id) {
  auto* rule = std::get_if<IndexRuleSchema>(&object.view);
  if (rule != nullptr && rule->id == 0) rule->id = id;
}

// Ids, columns, times and revision of an object that is new.
Result<SchemaObject> Completed(SchemaObject object, UnixNanos now, int64_t revision,
                               RandomSource& random) {
  object.group_id = GroupId(object.key.kind == SchemaKind::kGroup ? random.NextId() : 0);
  object.subject_id = SubjectId(IsSubject(object.key.kind) ? random.NextId() : 0);
  object.created_at = now;
  object.updated_at = now;
  object.mod_revision = revision;
  RETURN_IF_ERROR(AssignColumns(nullptr, object));
  return object;
}

// For objects of the node's own making.
void AddOwn(SchemaChange& change, SchemaObject object, UnixNanos now, RandomSource& random) {
  auto completed = Completed(std::move(object), now, change.revision, random);
  change.objects.push_back(std::move(completed).value());
}

// A subject lives in a group of its own catalog.
Result<> CheckHome(const SchemaSnapshot& base, const SchemaKey& key) {
  if (!IsSubject(key.kind)) return Ok();
  const SchemaObject* group = base.FindGroup(key.group);
  if (group == nullptr) return NotFound();
  const Catalog catalog = group->group().catalog;
  if (catalog == CatalogOf(key.kind)) return Ok();
  return Error{ErrorCode::kInvalidArgument,
               "group " + key.group + " is of catalog " + std::string(CatalogName(catalog)) +
                   " and cannot hold a " + std::string(SchemaKindName(key.kind))};
}

SchemaRemoval RemovalOf(const SchemaObject& object) {
  return {object.key, object.group_id, object.subject_id};
}

const std::string& GroupNameOf(const SchemaKey& key) {
  return key.kind == SchemaKind::kGroup ? key.name : key.group;
}

// The groups among `objects`; every other object belongs to one of them.
Result<std::set<std::string>> RestoredGroups(const std::vector<SchemaObject>& objects) {
  std::set<std::string> groups;
  for (const SchemaObject& object : objects) {
    RETURN_IF_ERROR(CheckSchemaNames(object.key));
    if (!ViewFits(object.key.kind, object.view)) {
      return Error{ErrorCode::kInvalidArgument, "a view of another kind"};
    }
    if (object.key.kind == SchemaKind::kGroup) groups.insert(object.key.name);
  }
  for (const SchemaObject& object : objects) {
    if (groups.count(GroupNameOf(object.key)) == 0) {
      return Error{ErrorCode::kInvalidArgument, std::string(SchemaKindName(object.key.kind)) + " " +
                                                    object.key.group + "/" + object.key.name +
                                                    " without its group"};
    }
  }
  return groups;
}

// No object twice, and no subject id that lives elsewhere.
Result<> CheckRestored(const SchemaSnapshot& base, const std::vector<SchemaObject>& objects,
                       const std::set<std::string>& groups) {
  std::set<SchemaKey> keys;
  std::set<SubjectId> subjects;
  for (const SchemaObject& object : objects) {
    if (!keys.insert(object.key).second) {
      return Error{ErrorCode::kInvalidArgument, "an object is there twice"};
    }
    if (!IsSubject(object.key.kind)) continue;
    const SchemaObject* owner = base.FindSubject(object.subject_id);
    const bool lives_elsewhere = owner != nullptr && groups.count(owner->key.group) == 0;
    if (lives_elsewhere || !subjects.insert(object.subject_id).second) {
      return Error{ErrorCode::kAlreadyExists, "subject id " + Hex16(object.subject_id) + " of " +
                                                  object.key.group + "/" + object.key.name +
                                                  " belongs to another subject"};
    }
  }
  return Ok();
}

}  // namespace

SchemaRegistry::SchemaRegistry() : current_(std::make_shared<const SchemaSnapshot>()) {}

Result<std::unique_ptr<SchemaRegistry>> SchemaRegistry::Create(std::vector<SchemaObject> objects,
                                                               int64_t revision) {
  std::vector<SchemaSnapshot::ObjectPtr> shared;
  shared.reserve(objects.size());
  for (SchemaObject& object : objects) {
    shared.push_back(std::make_shared<const SchemaObject>(std::move(object)));
  }
  ASSIGN_OR_RETURN(auto snapshot, SchemaSnapshot::Make(std::move(shared), revision));
  auto registry = std::make_unique<SchemaRegistry>();
  {
    MutexLock lock(registry->mutex_);
    registry->current_ = std::move(snapshot);
  }
  return registry;
}

std::shared_ptr<const SchemaSnapshot> SchemaRegistry::Current() const {
  MutexLock lock(mutex_);
  return current_;
}

Result<SchemaChange> SchemaRegistry::PrepareCreate(SchemaObject proposal, UnixNanos now,
                                                   RandomSource& random) const {
  CHECK(ViewFits(proposal.key.kind, proposal.view)) << SchemaKindName(proposal.key.kind);
  const SnapshotPtr base = Current();
  FillRuleId(proposal, IndexRuleIdOf(proposal.key.group, proposal.key.name));
  RETURN_IF_ERROR(CheckSchemaProposal(proposal));
  RETURN_IF_ERROR(CheckHome(*base, proposal.key));
  if (base->Find(proposal.key) != nullptr) return AlreadyExists();

  SchemaChange change = NewChange(*base, now);
  ASSIGN_OR_RETURN(auto object, Completed(std::move(proposal), now, change.revision, random));
  const bool is_measure_group =
      object.key.kind == SchemaKind::kGroup && object.group().catalog == Catalog::kMeasure;
  const std::string name = object.key.name;
  change.objects.push_back(std::move(object));
  if (is_measure_group && base->Find(SchemaKind::kMeasure, name, kTopNResultMeasure) == nullptr) {
    AddOwn(change, TopNResultMeasure(name), now, random);
  }
  return change;
}

Result<SchemaChange> SchemaRegistry::PrepareUpdate(SchemaObject proposal, UnixNanos now) const {
  CHECK(ViewFits(proposal.key.kind, proposal.view)) << SchemaKindName(proposal.key.kind);
  const SnapshotPtr base = Current();
  const SchemaObject* before = base->Find(proposal.key);
  if (before != nullptr && proposal.key.kind == SchemaKind::kIndexRule) {
    FillRuleId(proposal, before->index_rule().id);
  }
  // An index rule without an id is looked up for it first; what is missing then answers like Get.
  if (before == nullptr && proposal.key.kind == SchemaKind::kIndexRule &&
      std::get<IndexRuleSchema>(proposal.view).id == 0) {
    RETURN_IF_ERROR(CheckSchemaNames(proposal.key));
    return NotFound();
  }
  RETURN_IF_ERROR(CheckSchemaProposal(proposal));
  if (before == nullptr) {
    return Error{ErrorCode::kUnknown,
                 "schema " + proposal.key.group + "/" + proposal.key.name + " not exist"};
  }
  RETURN_IF_ERROR(CheckSchemaUpdate(*before, proposal));

  SchemaObject after = std::move(proposal);
  RETURN_IF_ERROR(AssignColumns(before, after));
  if (after.payload == before->payload && after.view == before->view) {
    return NoOp(*base, before->mod_revision);
  }
  SchemaChange change = NewChange(*base, now);
  after.group_id = before->group_id;
  after.subject_id = before->subject_id;
  after.created_at = before->created_at;
  after.updated_at = now;
  after.mod_revision = change.revision;
  change.objects.push_back(std::move(after));
  return change;
}

Result<SchemaChange> SchemaRegistry::PrepareDelete(const SchemaKey& key, UnixNanos now) const {
  CHECK(key.kind != SchemaKind::kGroup);
  const SnapshotPtr base = Current();
  const SchemaObject* object = base->Find(key);
  if (object == nullptr) return NoOp(*base, 0);
  SchemaChange change = NewChange(*base, now);
  change.removals.push_back(RemovalOf(*object));
  return change;
}

Result<SchemaChange> SchemaRegistry::PrepareDeleteGroup(std::string_view group,
                                                        GroupDeletion deletion, UnixNanos now,
                                                        RandomSource& random) const {
  const SnapshotPtr base = Current();
  if (group == kDeletionTaskGroup) {
    return Error{ErrorCode::kPermissionDenied,
                 "group " + std::string(group) + " is kept by the node itself"};
  }
  const SchemaObject* object = base->FindGroup(group);
  if (object == nullptr) return NotFound();

  SchemaChange change = NewChange(*base, now);
  change.retired_groups.push_back(object->group_id);
  if (deletion == GroupDeletion::kDataOnly) {
    SchemaObject emptied = *object;
    emptied.group_id = GroupId(random.NextId());
    emptied.mod_revision = change.revision;
    change.objects.push_back(std::move(emptied));
    return change;
  }
  for (const SchemaObject* member : base->ListGroup(group)) {
    change.removals.push_back(RemovalOf(*member));
  }
  return change;
}

SchemaChange SchemaRegistry::PrepareOwnObjects(UnixNanos now, RandomSource& random) const {
  const SnapshotPtr base = Current();
  SchemaChange change = NewChange(*base, now);
  for (SchemaObject& object : std::vector{DeletionTaskGroup(), DeletionTaskProperty()}) {
    if (base->Find(object.key) == nullptr) AddOwn(change, std::move(object), now, random);
  }
  return change.no_op() ? NoOp(*base, 0) : change;
}

Result<SchemaChange> SchemaRegistry::PrepareRestore(std::vector<SchemaObject> objects,
                                                    UnixNanos now, RandomSource& random) const {
  const SnapshotPtr base = Current();
  ASSIGN_OR_RETURN(const auto groups, RestoredGroups(objects));
  RETURN_IF_ERROR(CheckRestored(*base, objects, groups));
  if (objects.empty()) return NoOp(*base, 0);

  SchemaChange change = NewChange(*base, now);
  std::set<SchemaKey> restored;
  for (SchemaObject& object : objects) {
    restored.insert(object.key);
    if (object.key.kind == SchemaKind::kGroup) object.group_id = GroupId(random.NextId());
    object.mod_revision = change.revision;
  }
  for (const std::string& group : groups) {
    if (const SchemaObject* replaced = base->FindGroup(group)) {
      change.retired_groups.push_back(replaced->group_id);
    }
    for (const SchemaObject* member : base->ListGroup(group)) {
      if (restored.count(member->key) == 0) change.removals.push_back(RemovalOf(*member));
    }
  }
  change.objects = std::move(objects);
  return change;
}

void SchemaRegistry::Apply(const SchemaChange& change) {
  if (change.no_op()) return;
  const SnapshotPtr base = Current();
  CHECK(change.base_revision == base->revision())
      << "change against revision " << change.base_revision << ", current is " << base->revision();
  std::vector<SchemaKey> removed;
  for (const SchemaRemoval& removal : change.removals) removed.push_back(removal.key);
  std::vector<SchemaSnapshot::ObjectPtr> put;
  for (const SchemaObject& object : change.objects) {
    put.push_back(std::make_shared<const SchemaObject>(object));
  }
  SnapshotPtr next = SchemaSnapshot::Changed(*base, removed, std::move(put), change.revision);
  MutexLock lock(mutex_);
  current_ = std::move(next);
}

}  // namespace ficus
