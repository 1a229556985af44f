#include "engine/database/restore_start.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/core.h>

#include "engine/base/log.h"
#include "engine/database/node_identity.h"
#include "engine/database/restore_moves.h"
#include "engine/database/restore_tree.h"
#include "engine/io/publish.h"
#include "engine/model/names.h"
#include "engine/schema/own_objects.h"
#include "engine/segment/identity.h"
#include "engine/wal/log_reader.h"

namespace ficus {
namespace {

// A tool holds the lock for as long as it writes or removes the journal.
constexpr int kLockTries = 40;  // of a quarter of a second each
constexpr Catalog kCatalogs[] = {Catalog::kStream, Catalog::kMeasure, Catalog::kProperty,
                                 Catalog::kTrace};

std::string DataFolder(Catalog catalog) { return JoinPath(CatalogName(catalog), "data"); }

std::string GroupFolder(Catalog catalog, std::string_view name) {
  return JoinPath(DataFolder(catalog), name);
}

// The open journal, under the lock; no lock where there is none.
struct LockedJournal {
  std::unique_ptr<FileLock> lock;
  RestoreJournal journal;
};
Result<std::optional<LockedJournal>> ReadOpenJournal(FileSystem& fs) {
  for (int tries = 1;; ++tries) {
    ASSIGN_OR_RETURN(const std::optional<RestoreJournal> seen, ReadRestoreJournal(fs));
    if (!seen.has_value() || !IsOpen(seen->state)) return std::optional<LockedJournal>();
    Result<std::unique_ptr<FileLock>> lock = fs.Lock(kRestoreLockFile);
    if (!lock.has_value()) {
      const bool busy = lock.error().code == ErrorCode::kUnavailable;
      if (!busy || tries == kLockTries) return std::move(lock).error().With("restore");
      continue;
    }
    ASSIGN_OR_RETURN(std::optional<RestoreJournal> journal, ReadRestoreJournal(fs));
    if (!journal.has_value() || !IsOpen(journal->state)) return std::optional<LockedJournal>();
    return std::optional<LockedJournal>(LockedJournal{*std::move(lock), *std::move(journal)});
  }
}

// What an earlier log of the node has given away, as far as it can be read.
Result<GroupStore::Recorded> HighestOfLog(FileSystem& log_fs, const std::stop_token& stop) {
  const Result<std::unique_ptr<LogReader>> reader =
      LogReader::Open(log_fs, {.file_class = FileClass::kRecovery, .stop = stop});
  if (!reader.has_value()) {
    if (reader.error().code == ErrorCode::kNotFound) return GroupStore::Recorded{};
    return reader.error();
  }
  const LogReport& report = (*reader)->report();
  return GroupStore::Recorded{std::max(report.highest, report.last), report.scn};
}

// Ids of a damaged identity are lost with it.
uint64_t NodeIdOf(FileSystem& fs) {
  const Result<std::optional<NodeIdentity>> identity = ReadNodeIdentity(fs);
  if (identity.has_value() && identity->has_value()) return (*identity)->node_id;
  return 0;
}

SchemaChange NewChange(const SchemaSnapshot& base, UnixNanos now) {
  SchemaChange change;
  change.base_revision = base.revision();
  change.revision = std::max(base.revision() + 1, now);
  return change;
}

}  // namespace

Result<std::unique_ptr<RestoreStart>> RestoreStart::Begin(Environment environment) {
  ASSIGN_OR_RETURN(std::optional<LockedJournal> found, ReadOpenJournal(environment.fs));
  if (!found.has_value()) return std::unique_ptr<RestoreStart>();
  auto start = std::unique_ptr<RestoreStart>(
      new RestoreStart(environment, std::move(found->lock), std::move(found->journal)));
  const RestoreJournal& journal = start->journal_;
  LogInfo("restore.start", "restore {} of {} {} is {}", Hex16(journal.id), journal.source,
          journal.timedir, RestoreStateName(journal.state));
  if (journal.state == RestoreState::kMovingBack) {
    RETURN_IF_ERROR(start->MoveBack());
    return std::unique_ptr<RestoreStart>();
  }
  start->RaiseRecorded({journal.backup_position, journal.backup_scn});
  start->RaiseRecorded(HighestRecorded(environment.fs, StagedFolder(journal.id)));
  if (!start->whole_node()) return start;
  const Result<> begun = start->Exchange();
  if (begun.has_value()) return start;
  if (begun.error().code == ErrorCode::kCancelled) return begun.error();
  RETURN_IF_ERROR(start->Undo(begun.error()));
  return std::unique_ptr<RestoreStart>();
}

Result<> RestoreStart::Save(RestoreState state) {
  RestoreJournal next = journal_;
  next.state = state;
  RETURN_IF_ERROR(WriteRestoreJournal(environment_.fs, environment_.random, next));
  // Not before: an undo goes by what the journal on the disk may say.
  journal_.state = state;
  return Ok();
}

void RestoreStart::RaiseRecorded(const GroupStore::Recorded& recorded) {
  journal_.position = std::max(journal_.position, recorded.position);
  journal_.scn = std::max(journal_.scn, recorded.scn);
}

// --- The whole node

Result<> RestoreStart::Exchange() {
  if (journal_.state == RestoreState::kReady) RETURN_IF_ERROR(BeginExchange());
  if (journal_.state == RestoreState::kOpening) return Ok();
  RETURN_IF_ERROR(MoveWholeNodeIn(environment_.fs, environment_.log_fs, journal_));
  return Save(RestoreState::kOpening);
}

Result<> RestoreStart::CheckStaged() const {
  FileSystem& fs = environment_.fs;
  const std::string staged = StagedFolder(journal_.id);
  for (const RestoredGroup& group : journal_.groups) {
    const std::string file =
        JoinPath(JoinPath(staged, GroupFolder(group.catalog, group.name)), kGroupIdentityFile);
    Result<std::string> bytes = ReadWholeFile(fs, file, kIdentityBytesMax, FileClass::kRecovery);
    if (!bytes.has_value()) return std::move(bytes).error().With("staged files");
    ASSIGN_OR_RETURN(const GroupIdentity identity, DecodeGroupIdentity(*bytes));
    if (identity.id == group.id) continue;
    return Error{ErrorCode::kCorruption,
                 fmt::format("{}: it is of group id {}", file, Hex16(identity.id))};
  }
  if (!whole_node()) return Ok();
  const std::string schema = JoinPath(staged, GroupFolder(Catalog::kProperty, kSchemaGroup));
  ASSIGN_OR_RETURN(const bool has_schema, PathExists(fs, schema));
  if (has_schema) return Ok();
  return Error{ErrorCode::kFailedPrecondition, "the backup holds no schema"};
}

Result<> RestoreStart::BeginExchange() {
  FileSystem& fs = environment_.fs;
  RETURN_IF_ERROR(CheckStaged());
  for (const Catalog catalog : kCatalogs) {
    RaiseRecorded(HighestRecorded(fs, DataFolder(catalog)));
  }
  ASSIGN_OR_RETURN(const GroupStore::Recorded log,
                   HighestOfLog(environment_.log_fs, environment_.stop));
  RaiseRecorded(log);
  journal_.node_id = NodeIdOf(fs);
  ASSIGN_OR_RETURN(journal_.aside, ListReplaced(fs));
  ASSIGN_OR_RETURN(journal_.log_aside, ListReplacedLog(environment_.log_fs));
  if (journal_.aside.empty()) journal_.node_id = journal_.backup_node_id;
  const std::string data = DataFolder(Catalog::kProperty);
  RETURN_IF_ERROR(
      RaiseSchemaNumbers(fs, environment_.random, JoinPath(StagedFolder(journal_.id), data), data));
  return Save(RestoreState::kMovingIn);
}

Result<> RestoreStart::MoveBack() {
  RETURN_IF_ERROR(MoveWholeNodeBack(environment_.fs, environment_.log_fs, journal_));
  LogError("restore.failed", "restore {} is undone, the old tree is in place: {}",
           Hex16(journal_.id), journal_.reason);
  RETURN_IF_ERROR(FailMarkers());
  journal_.ended_at = environment_.clock.Now();
  return Save(RestoreState::kFailed);
}

Result<> RestoreStart::Undo(const Error& why) {
  journal_.reason = why.ToString();
  const bool moved =
      journal_.state == RestoreState::kMovingIn || journal_.state == RestoreState::kOpening;
  if (moved) {
    RETURN_IF_ERROR(Save(RestoreState::kMovingBack));
    return MoveBack();
  }
  LogError("restore.failed", "restore {} is given up, the old tree is in place: {}",
           Hex16(journal_.id), journal_.reason);
  RETURN_IF_ERROR(FailMarkers());
  journal_.ended_at = environment_.clock.Now();
  return Save(RestoreState::kFailed);
}

// --- Importing

const RestoredGroup* RestoreStart::Find(std::string_view name) const {
  const auto found = std::find_if(journal_.groups.begin(), journal_.groups.end(),
                                  [&](const auto& group) { return group.name == name; });
  return found == journal_.groups.end() ? nullptr : &*found;
}

bool RestoreStart::Replaces(Catalog catalog, std::string_view name) const {
  if (whole_node() || name == kSchemaGroup || name == kDeletionTaskGroup) return false;
  const auto& whole = journal_.whole_catalogs;
  return std::find(whole.begin(), whole.end(), catalog) != whole.end() || Find(name) != nullptr;
}

bool RestoreStart::IsCommitted(const SchemaSnapshot& schema) const {
  for (const RestoredGroup& group : journal_.groups) {
    if (schema.FindGroup(group.id) == nullptr) return false;
  }
  for (const SchemaObject* group : schema.Groups()) {
    if (!Replaces(group->group().catalog, group->key.name)) continue;
    if (Find(group->key.name) == nullptr) return false;
  }
  return true;
}

Result<SchemaChange> RestoreStart::Prepare(const SchemaRegistry& registry) const {
  return whole_node() ? PrepareIds(registry) : PrepareGroups(registry);
}

Result<SchemaChange> RestoreStart::PrepareIds(const SchemaRegistry& registry) const {
  const std::shared_ptr<const SchemaSnapshot> base = registry.Current();
  SchemaChange change = NewChange(*base, environment_.clock.Now());
  for (const RestoredGroup& group : journal_.groups) {
    const SchemaObject* const object = base->FindGroup(group.name);
    if (object == nullptr || object->group().catalog != group.catalog) {
      // Its deletion was under way when the backup was made.
      continue;
    }
    if (object->group_id != group.backup_id && object->group_id != group.id) {
      return Error{ErrorCode::kCorruption,
                   fmt::format("group {} has id {} in the backup's schema and {} in its files",
                               group.name, Hex16(object->group_id), Hex16(group.backup_id))};
    }
    change.objects.push_back(*object);
    change.objects.back().group_id = group.id;
    change.objects.back().mod_revision = change.revision;
  }
  return change;
}

Result<SchemaChange> RestoreStart::PrepareGroups(const SchemaRegistry& registry) const {
  const std::shared_ptr<const SchemaSnapshot> base = registry.Current();
  ASSIGN_OR_RETURN(
      SchemaChange change,
      registry.PrepareRestore(journal_.objects, environment_.clock.Now(), environment_.random));
  if (change.no_op()) change = NewChange(*base, environment_.clock.Now());
  for (SchemaObject& object : change.objects) {
    if (object.key.kind != SchemaKind::kGroup) continue;
    const RestoredGroup* const group = Find(object.key.name);
    if (group == nullptr || group->catalog != object.group().catalog) {
      return Error{ErrorCode::kCorruption,
                   fmt::format("restore journal: no files for group {}", object.key.name)};
    }
    object.group_id = group->id;
  }
  // Of a catalog that is restored as a whole: what the backup does not know.
  for (const SchemaObject* group : base->Groups()) {
    const Catalog catalog = group->group().catalog;
    if (!Replaces(catalog, group->key.name) || Find(group->key.name) != nullptr) continue;
    change.retired_groups.push_back(group->group_id);
    change.removals.push_back({group->key, group->group_id, group->subject_id});
    for (const SchemaObject* member : base->ListGroup(group->key.name)) {
      if (member->key == group->key) continue;
      change.removals.push_back({member->key, member->group_id, member->subject_id});
    }
  }
  return change;
}

Result<> RestoreStart::MoveGroupAside(Catalog catalog, const std::string& name) {
  const std::string folder = GroupFolder(catalog, name);
  const Result<GroupIdentity> identity = ReadGroupIdentity(environment_.fs, catalog, name);
  const RestoredGroup* const restored = Find(name);
  if (identity.has_value() && restored != nullptr && identity->id == restored->id) return Ok();
  return MoveDurably(environment_.fs, folder, JoinPath(AsideFolder(journal_.id), folder));
}

Result<> RestoreStart::MoveGroupIn(const RestoredGroup& group) {
  const std::string folder = GroupFolder(group.catalog, group.name);
  return MoveDurably(environment_.fs, JoinPath(StagedFolder(journal_.id), folder), folder);
}

// --- The end

Result<> RestoreStart::Finish() {
  RETURN_IF_ERROR(DropMarkers());
  journal_.ended_at = environment_.clock.Now();
  RETURN_IF_ERROR(Save(RestoreState::kDone));
  LogInfo("restore.done",
          "restore {} of {} {} is done; what it replaced is kept until ficusctl restore discard",
          Hex16(journal_.id), journal_.source, journal_.timedir);
  return Ok();
}

Result<> RestoreStart::DropMarkers() {
  for (const std::string& marker : journal_.markers) {
    const Result<> removed = environment_.fs.Remove(marker);
    if (!removed.has_value() && removed.error().code != ErrorCode::kNotFound) return removed;
    if (removed.has_value()) RETURN_IF_ERROR(environment_.fs.SyncDirectory(ParentPath(marker)));
  }
  return Ok();
}

Result<> RestoreStart::FailMarkers() {
  for (const std::string& marker : journal_.markers) {
    ASSIGN_OR_RETURN(const bool exists, PathExists(environment_.fs, marker));
    if (!exists) continue;
    RETURN_IF_ERROR(environment_.fs.Rename(marker, marker + ".failed"));
    RETURN_IF_ERROR(environment_.fs.SyncDirectory(ParentPath(marker)));
  }
  return Ok();
}

}  // namespace ficus
