// What a start of the node does about a restore that waits: the whole node's trees are exchanged
// before anything is read; groups are imported once the log is replayed.
//
// The tree is the old one or the new one, for everything together. Whole node: from the exchange on
// (journalled, repeated after a crash) to Finish(), which comes before the first client, nothing is
// acknowledged, so that a start that fails may undo it all. Groups: the batch that imports their
// schema and retires the ids they replace is the commit; before it the start may go on without,
// behind it the directories follow, now or at the next start.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/database/restore_journal.h"
#include "engine/io/file_system.h"
#include "engine/schema/schema_registry.h"
#include "engine/segment/group_store.h"

namespace ficus {

// One thread: the one that opens the database, which holds the root's lock.
class RestoreStart {
 public:
  struct Environment {
    FileSystem& fs;
    FileSystem& log_fs;
    Clock& clock;
    RandomSource& random;
    std::stop_token stop = {};
  };

  // Null when no restore waits. A restore that is found half undone is undone to its end, and one
  // whose exchange fails is undone, too; then the old tree is in place. kCorruption: the journal is
  // damaged, and the tree may be a mix. kUnavailable: a tool is busy below `restore`.
  // kCancelled: `stop`, before anything has moved; nothing is undone.
  static Result<std::unique_ptr<RestoreStart>> Begin(Environment environment);

  const RestoreJournal& journal() const { return journal_; }
  bool whole_node() const { return journal_.whole_node; }
  // The log goes on above these.
  GroupStore::Recorded recorded() const { return {journal_.position, journal_.scn}; }

  // A restore of groups takes the place of this group. Names of groups are one space for all
  // catalogs.
  bool Replaces(Catalog catalog, std::string_view name) const;
  // The schema in `schema` is that of the restored tree.
  bool IsCommitted(const SchemaSnapshot& schema) const;
  // Everything that the journal promises lies staged. kCorruption names what does not.
  Result<> CheckStaged() const;
  // The change that makes the restored groups those of the schema. Whole node: they get their new
  // ids. Groups: their objects are imported, what they replace is removed, its ids are retired.
  Result<SchemaChange> Prepare(const SchemaRegistry& registry) const;

  // Groups, behind the commit: moves whatever lies in the place of a group aside, unless a restored
  // group does. Nobody has it open.
  Result<> MoveGroupAside(Catalog catalog, const std::string& name);
  // Brings a staged group to its place.
  Result<> MoveGroupIn(const RestoredGroup& group);

  // The journal says done; markers are gone.
  Result<> Finish();
  // Whole node, before Finish(), or groups, before the commit: the old tree is back in its place,
  // the journal says failed and why. Nothing has anything of the tree or the log open.
  Result<> Undo(const Error& why);

 private:
  RestoreStart(Environment environment, std::unique_ptr<FileLock> lock, RestoreJournal journal)
      : environment_(std::move(environment)),
        lock_(std::move(lock)),
        journal_(std::move(journal)) {}

  Result<> Save(RestoreState state);
  // kReady to kOpening.
  Result<> Exchange();
  Result<> BeginExchange();
  void RaiseRecorded(const GroupStore::Recorded& recorded);
  Result<> MoveBack();
  Result<SchemaChange> PrepareIds(const SchemaRegistry& registry) const;
  Result<SchemaChange> PrepareGroups(const SchemaRegistry& registry) const;
  const RestoredGroup* Find(std::string_view name) const;
  Result<> DropMarkers();
  Result<> FailMarkers();

  const Environment environment_;
  std::unique_ptr<FileLock> lock_;
  RestoreJournal journal_;
};

}  // namespace ficus
