// All schema objects at one moment. Immutable: any thread, no lock.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "engine/model/ids.h"
#include "engine/schema/schema_object.h"

namespace ficus {

// Pointers handed out live as long as the snapshot.
class SchemaSnapshot {
 public:
  using ObjectPtr = std::shared_ptr<const SchemaObject>;

  // An empty registry.
  SchemaSnapshot() = default;
  // `objects` in any order; `revision` is at least that of each of them (CHECKed). kCorruption: two
  // objects with one key, one group id or one subject id; an object whose view is of another kind.
  static Result<std::shared_ptr<const SchemaSnapshot>> Make(std::vector<ObjectPtr> objects,
                                                            int64_t revision);

  // `base` without `removed` and with `put` created or replaced (both CHECKed to be consistent).
  static std::shared_ptr<const SchemaSnapshot> Changed(const SchemaSnapshot& base,
                                                       const std::vector<SchemaKey>& removed,
                                                       std::vector<ObjectPtr> put,
                                                       int64_t revision);

  // Null when there is none. For a group, `group` is empty.
  const SchemaObject* Find(SchemaKind kind, std::string_view group, std::string_view name) const;
  const SchemaObject* Find(const SchemaKey& key) const {
    return Find(key.kind, key.group, key.name);
  }
  const SchemaObject* FindGroup(std::string_view name) const {
    return Find(SchemaKind::kGroup, {}, name);
  }
  const SchemaObject* FindGroup(GroupId id) const;
  const SchemaObject* FindSubject(SubjectId id) const;
  // The same as a pointer that keeps the object alive by itself.
  ObjectPtr Share(const SchemaObject& object) const;

  // Ordered by name.
  std::vector<const SchemaObject*> Groups() const;
  std::vector<const SchemaObject*> List(SchemaKind kind, std::string_view group) const;
  // Everything that names `group`, the group itself first, then by kind and name.
  std::vector<const SchemaObject*> ListGroup(std::string_view group) const;
  // By kind, group, name.
  const std::vector<ObjectPtr>& objects() const { return objects_; }

  // The rules in force for a stream, measure or trace at `now`: those of its group that some
  // binding of its group names for it, ordered by name, each once. A binding holds from begin_at to
  // expire_at, both included; the catalog it names is not compared; a rule that does not exist is
  // left out until it does.
  std::vector<const SchemaObject*> IndexRules(const SchemaObject& subject, UnixNanos now) const;
  // The tags of those rules, ascending, each once. Which of them the subject has is not asked.
  std::vector<std::string> IndexedTags(const SchemaObject& subject, UnixNanos now) const;

  // The highest revision ever given, that of a deletion included.
  int64_t revision() const { return revision_; }

 private:
  void Insert(ObjectPtr object);
  void Erase(const SchemaKey& key);

  std::vector<ObjectPtr> objects_;                                   // by key
  std::vector<std::pair<GroupId, const SchemaObject*>> groups_;      // by id
  std::vector<std::pair<SubjectId, const SchemaObject*>> subjects_;  // by id
  int64_t revision_ = 0;
};

}  // namespace ficus
