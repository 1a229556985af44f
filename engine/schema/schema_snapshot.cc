#include "engine/schema/schema_snapshot.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "engine/base/check.h"

namespace ficus {
namespace {

using ObjectPtr = SchemaSnapshot::ObjectPtr;

struct KeyView {
  SchemaKind kind;
  std::string_view group;
  std::string_view name;
};

KeyView ViewOf(const SchemaKey& key) { return {key.kind, key.group, key.name}; }

bool Less(const KeyView& a, const KeyView& b) {
  return std::tie(a.kind, a.group, a.name) < std::tie(b.kind, b.group, b.name);
}

// The first object whose key is not less than `key`.
template <typename Objects>
auto LowerBound(Objects& objects, const KeyView& key) {
  return std::lower_bound(
      objects.begin(), objects.end(), key,
      [](const ObjectPtr& object, const KeyView& k) { return Less(ViewOf(object->key), k); });
}

template <typename Entries, typename IdType>
auto LowerBoundId(Entries& entries, IdType id) {
  return std::lower_bound(entries.begin(), entries.end(), id,
                          [](const auto& entry, IdType wanted) { return entry.first < wanted; });
}

template <typename IdType>
const SchemaObject* FindById(const std::vector<std::pair<IdType, const SchemaObject*>>& entries,
                             IdType id) {
  const auto found = LowerBoundId(entries, id);
  return found != entries.end() && found->first == id ? found->second : nullptr;
}

template <typename IdType>
void InsertId(std::vector<std::pair<IdType, const SchemaObject*>>& entries, IdType id,
              const SchemaObject* object) {
  const auto place = LowerBoundId(entries, id);
  CHECK(place == entries.end() || place->first != id) << "id " << Hex16(id) << " twice";
  entries.insert(place, {id, object});
}

template <typename IdType>
void EraseId(std::vector<std::pair<IdType, const SchemaObject*>>& entries, IdType id) {
  const auto found = LowerBoundId(entries, id);
  CHECK(found != entries.end() && found->first == id) << "id " << Hex16(id) << " missing";
  entries.erase(found);
}

std::string NameOf(const SchemaKey& key) {
  return std::string(SchemaKindName(key.kind)) + " " + key.group + "/" + key.name;
}

// Sorts by id and reports an id that two objects have.
template <typename IdType>
Result<> SortIds(std::vector<std::pair<IdType, const SchemaObject*>>& entries) {
  std::sort(entries.begin(), entries.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  const auto twice =
      std::adjacent_find(entries.begin(), entries.end(),
                         [](const auto& a, const auto& b) { return a.first == b.first; });
  if (twice == entries.end()) return Ok();
  return Error{ErrorCode::kCorruption, "id " + Hex16(twice->first) + " of " +
                                           NameOf(twice->second->key) + " and " +
                                           NameOf(std::next(twice)->second->key)};
}

}  // namespace

Result<std::shared_ptr<const SchemaSnapshot>> SchemaSnapshot::Make(std::vector<ObjectPtr> objects,
                                                                   int64_t revision) {
  auto snapshot = std::make_shared<SchemaSnapshot>();
  snapshot->revision_ = revision;
  std::sort(objects.begin(), objects.end(), [](const ObjectPtr& a, const ObjectPtr& b) {
    return Less(ViewOf(a->key), ViewOf(b->key));
  });
  for (size_t i = 0; i < objects.size(); ++i) {
    const SchemaObject& object = *objects[i];
    CHECK(object.mod_revision <= revision) << NameOf(object.key);
    if (!ViewFits(object.key.kind, object.view)) {
      return Error{ErrorCode::kCorruption, NameOf(object.key) + " has a view of another kind"};
    }
    if (i > 0 && objects[i - 1]->key == object.key) {
      return Error{ErrorCode::kCorruption, NameOf(object.key) + " is there twice"};
    }
    if (object.key.kind == SchemaKind::kGroup) {
      snapshot->groups_.emplace_back(object.group_id, &object);
    } else if (IsSubject(object.key.kind)) {
      snapshot->subjects_.emplace_back(object.subject_id, &object);
    }
  }
  RETURN_IF_ERROR(SortIds(snapshot->groups_));
  RETURN_IF_ERROR(SortIds(snapshot->subjects_));
  snapshot->objects_ = std::move(objects);
  return std::shared_ptr<const SchemaSnapshot>(std::move(snapshot));
}

std::shared_ptr<const SchemaSnapshot> SchemaSnapshot::Changed(const SchemaSnapshot& base,
                                                              const std::vector<SchemaKey>& removed,
                                                              std::vector<ObjectPtr> put,
                                                              int64_t revision) {
  CHECK(revision > base.revision_);
  auto snapshot = std::make_shared<SchemaSnapshot>(base);
  snapshot->revision_ = revision;
  // What is replaced gives up its ids before anything takes one.
  for (const ObjectPtr& object : put) {
    if (base.Find(object->key) != nullptr) snapshot->Erase(object->key);
  }
  for (const SchemaKey& key : removed) snapshot->Erase(key);
  for (ObjectPtr& object : put) snapshot->Insert(std::move(object));
  return snapshot;
}

void SchemaSnapshot::Insert(ObjectPtr object) {
  CHECK(ViewFits(object->key.kind, object->view)) << NameOf(object->key);
  const auto place = LowerBound(objects_, ViewOf(object->key));
  CHECK(place == objects_.end() || (*place)->key != object->key) << NameOf(object->key);
  if (object->key.kind == SchemaKind::kGroup) {
    InsertId(groups_, object->group_id, object.get());
  } else if (IsSubject(object->key.kind)) {
    InsertId(subjects_, object->subject_id, object.get());
  }
  objects_.insert(place, std::move(object));
}

void SchemaSnapshot::Erase(const SchemaKey& key) {
  const auto found = LowerBound(objects_, ViewOf(key));
  CHECK(found != objects_.end() && (*found)->key == key) << NameOf(key);
  if (key.kind == SchemaKind::kGroup) {
    EraseId(groups_, (*found)->group_id);
  } else if (IsSubject(key.kind)) {
    EraseId(subjects_, (*found)->subject_id);
  }
  objects_.erase(found);
}

const SchemaObject* SchemaSnapshot::Find(SchemaKind kind, std::string_view group,
                                         std::string_view name) const {
  const auto found = LowerBound(objects_, KeyView{kind, group, name});
  if (found == objects_.end()) return nullptr;
  const SchemaKey& key = (*found)->key;
  return key.kind == kind && key.group == group && key.name == name ? found->get() : nullptr;
}

const SchemaObject* SchemaSnapshot::FindGroup(GroupId id) const { return FindById(groups_, id); }

const SchemaObject* SchemaSnapshot::FindSubject(SubjectId id) const {
  return FindById(subjects_, id);
}

SchemaSnapshot::ObjectPtr SchemaSnapshot::Share(const SchemaObject& object) const {
  const auto found = LowerBound(objects_, ViewOf(object.key));
  CHECK(found != objects_.end() && found->get() == &object) << NameOf(object.key);
  return *found;
}

std::vector<const SchemaObject*> SchemaSnapshot::Groups() const {
  return List(SchemaKind::kGroup, {});
}

std::vector<const SchemaObject*> SchemaSnapshot::List(SchemaKind kind,
                                                      std::string_view group) const {
  std::vector<const SchemaObject*> list;
  for (auto next = LowerBound(objects_, KeyView{kind, group, {}}); next != objects_.end(); ++next) {
    const SchemaKey& key = (*next)->key;
    if (key.kind != kind || key.group != group) break;
    list.push_back(next->get());
  }
  return list;
}

std::vector<const SchemaObject*> SchemaSnapshot::ListGroup(std::string_view group) const {
  std::vector<const SchemaObject*> list;
  if (const SchemaObject* object = FindGroup(group)) list.push_back(object);
  for (const SchemaKind kind : kSchemaKinds) {
    if (kind == SchemaKind::kGroup) continue;
    const auto members = List(kind, group);
    list.insert(list.end(), members.begin(), members.end());
  }
  return list;
}

std::vector<const SchemaObject*> SchemaSnapshot::IndexRules(const SchemaObject& subject,
                                                            UnixNanos now) const {
  std::vector<const SchemaObject*> rules;
  for (const SchemaObject* object : List(SchemaKind::kIndexRuleBinding, subject.key.group)) {
    const IndexRuleBindingSchema& binding = object->binding();
    if (binding.subject != subject.key.name) continue;
    if (now < binding.begin_at || now > binding.expire_at) continue;
    for (const std::string& name : binding.rules) {
      const SchemaObject* rule = Find(SchemaKind::kIndexRule, subject.key.group, name);
      if (rule != nullptr) rules.push_back(rule);
    }
  }
  std::sort(rules.begin(), rules.end(),
            [](const SchemaObject* a, const SchemaObject* b) { return a->key.name < b->key.name; });
  rules.erase(std::unique(rules.begin(), rules.end()), rules.end());
  return rules;
}

std::vector<std::string> SchemaSnapshot::IndexedTags(const SchemaObject& subject,
                                                     UnixNanos now) const {
  std::vector<std::string> tags;
  for (const SchemaObject* rule : IndexRules(subject, now)) {
    const auto& names = rule->index_rule().tags;
    tags.insert(tags.end(), names.begin(), names.end());
  }
  std::sort(tags.begin(), tags.end());
  tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
  return tags;
}

}  // namespace ficus
