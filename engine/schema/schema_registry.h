// The rules of creating, changing and deleting schema objects, and the snapshot in force.
//
// A change has three steps. Prepare... looks at the current snapshot, checks the proposal and
// assigns ids and a revision; it changes nothing. The database makes the result durable as rows of
// the group `_schema` (schema_codec.h). Apply publishes it.
//
// What a message must carry at all (sub-messages and lists that the protocol requires) is checked
// where messages are read. Here ErrorCode::kUnknown means: BanyanDB answers this text with gRPC's
// code UNKNOWN, and clients may compare it.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/mutex.h"
#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/schema/schema_object.h"
#include "engine/schema/schema_snapshot.h"

namespace ficus {

struct SchemaRemoval {
  SchemaKey key;
  GroupId group_id;      // of the removed group
  SubjectId subject_id;  // of the removed subject
  friend bool operator==(const SchemaRemoval&, const SchemaRemoval&) = default;
};

// What a request comes to. Objects and removals together are one atomic change.
struct SchemaChange {
  std::vector<SchemaObject> objects;    // created or replaced, complete; the requested one first
  std::vector<SchemaRemoval> removals;  // a group first
  // Group ids that stop being live: of deleted groups and of groups whose data went.
  std::vector<GroupId> retired_groups;
  // The revision of every object and removal. For a no-op the revision that the object has already;
  // 0 when there is nothing, as after deleting what is missing.
  int64_t revision = 0;
  int64_t base_revision = 0;  // of the snapshot that the change was prepared against

  bool no_op() const { return objects.empty() && removals.empty(); }
};

enum class GroupDeletion : uint8_t {
  kEverything,  // the group and all objects that name it
  kDataOnly,    // the group gets a new id; the schemas stay
};

// Current(): any thread. Changes: one at a time, from Prepare to Apply under the caller's lock.
class SchemaRegistry {
 public:
  SchemaRegistry();
  // `objects` and `revision` as read from disk. Errors of SchemaSnapshot::Make.
  static Result<std::unique_ptr<SchemaRegistry>> Create(std::vector<SchemaObject> objects,
                                                        int64_t revision);

  std::shared_ptr<const SchemaSnapshot> Current() const;

  // `proposal` carries key, payload and view; everything else is assigned here. The revision is
  // max(last + 1, now). With a measure group comes its measure `_top_n_result`.
  // kAlreadyExists, kNotFound (a subject's group), kInvalidArgument (names), kUnknown (texts).
  Result<SchemaChange> PrepareCreate(SchemaObject proposal, UnixNanos now,
                                     RandomSource& random) const;
  // The same content again is a no-op. Ids, creation time and columns are kept; new tags and fields
  // get new columns, and those that are gone stay as dropped ones.
  // kUnknown: missing, or "validation failed: ..." for what must not change.
  Result<SchemaChange> PrepareUpdate(SchemaObject proposal, UnixNanos now) const;
  // Not for groups (CHECKed). A missing object is a no-op.
  Result<SchemaChange> PrepareDelete(const SchemaKey& key, UnixNanos now) const;
  // `removals` is what a dry run lists. kNotFound; kPermissionDenied for the node's own group.
  // Whether the group holds rows is the caller's question.
  Result<SchemaChange> PrepareDeleteGroup(std::string_view group, GroupDeletion deletion,
                                          UnixNanos now, RandomSource& random) const;
  // The objects a node has from its first start on (group `_deletion_task` and its property
  // schema), as far as they are missing.
  SchemaChange PrepareOwnObjects(UnixNanos now, RandomSource& random) const;
  // Replaces the groups named by `objects` by these objects, as a restore of single groups does:
  // subject and column ids stay those of the backup (its rows carry them), each group gets a new
  // id, all get one new revision, and what the group has beyond them goes.
  // kInvalidArgument: an object of a group that is not among them; kAlreadyExists: a subject id
  // that lives in another group.
  Result<SchemaChange> PrepareRestore(std::vector<SchemaObject> objects, UnixNanos now,
                                      RandomSource& random) const;

  // Publishes a change that is durable. CHECKs that it was prepared against the current snapshot.
  void Apply(const SchemaChange& change);

 private:
  mutable Mutex mutex_;  // held for the copy of the pointer only
  std::shared_ptr<const SchemaSnapshot> current_ GUARDED_BY(mutex_);
};

}  // namespace ficus
