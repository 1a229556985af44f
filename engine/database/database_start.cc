#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "engine/base/log.h"
#include "engine/base/planted_bug.h"
#include "engine/database/completion.h"
#include "engine/database/database_impl.h"
#include "engine/database/parked_log.h"
#include "engine/database/parked_rows.h"
#include "engine/database/replay.h"
#include "engine/database/schema_store.h"
#include "engine/model/names.h"
#include "engine/schema/schema_codec.h"

namespace ficus {
namespace {

constexpr std::string_view kLockFile = "LOCK";
constexpr size_t kSnapshotSyncThreads = 15;
constexpr Catalog kCatalogs[] = {Catalog::kStream, Catalog::kMeasure, Catalog::kProperty,
                                 Catalog::kTrace};

}  // namespace

Result<> DatabaseImpl::Start() {
  ASSIGN_OR_RETURN(lock_, environment_.fs.Lock(kLockFile));
  RETURN_IF_ERROR(CheckStop());
  ASSIGN_OR_RETURN(restore_,
                   RestoreStart::Begin({environment_.fs, environment_.log_fs, environment_.clock,
                                        environment_.random, options_.stop}));
  RETURN_IF_ERROR(OpenLog());
  MakeTableEnvironment();
  RETURN_IF_ERROR(OpenGroups());
  RETURN_IF_ERROR(CheckLogCovers());
  disk_.Start();
  RETURN_IF_ERROR(Replay());
  RETURN_IF_ERROR(LoadSchema());
  MakeSchemaChanges();
  // What follows is short, and changes more than what a replay brings again.
  RETURN_IF_ERROR(CheckStop());
  RETURN_IF_ERROR(log_->Start(recorded_.position, recorded_.scn));
  RETURN_IF_ERROR(SettleIdentity());
  RETURN_IF_ERROR(ImportRestored());
  MakeSnapshotTaker();
  EnsureStores();
  RETURN_IF_ERROR(ApplyParked());
  ReportUnknownGroups();
  RETURN_IF_ERROR(MakeOwnObjects());
  for (const Catalog catalog : kCatalogs) {
    const Result<> emptied = EmptyCatalogTrash(environment_.fs, catalog);
    if (!emptied.has_value()) LogWarn("database.trash", "{}", emptied.error().ToString());
  }
  if (restore_ != nullptr) RETURN_IF_ERROR(restore_->Finish());
  restore_.reset();
  ScheduleWatch();
  return Ok();
}

Result<> DatabaseImpl::CheckStop() const {
  if (!options_.stop.stop_requested()) return Ok();
  return Error{ErrorCode::kCancelled, "the start was stopped"};
}

Result<> DatabaseImpl::OpenLog() {
  Result<std::optional<NodeIdentity>> identity = ReadNodeIdentity(environment_.fs);
  if (!identity.has_value()) {
    if (identity.error().code != ErrorCode::kCorruption) return identity.error();
    SetReadOnly(identity.error().ToString());
  } else if (identity->has_value()) {
    identity_ = **identity;
    identity_found_ = true;
  }
  LogOptions options = options_.log;
  options.stop = options_.stop;
  options.accept_damage = options.accept_damage || options_.accept_log_loss;
  options.create_if_missing =
      options_.accept_log_loss || (!identity_found_ && ReadOnly() == std::nullopt);
  Result<std::unique_ptr<Log>> log =
      Log::Open({environment_.log_fs, environment_.clock, environment_.random,
                 environment_.log_executor, environment_.metrics},
                options);
  if (!log.has_value() && log.error().code == ErrorCode::kNotFound) {
    return Error{ErrorCode::kFailedPrecondition,
                 fmt::format("the log is missing ({}): rows that were acknowledged may be gone. If "
                             "that is known and accepted: ficusctl log accept-loss",
                             log.error().message)};
  }
  if (!log.has_value() && log.error().code == ErrorCode::kCorruption) {
    return Error{ErrorCode::kFailedPrecondition,
                 fmt::format("the log is damaged ({}): rows that were acknowledged behind the "
                             "damage are gone. If that is known and accepted: ficusctl log "
                             "accept-loss",
                             log.error().message)};
  }
  if (!log.has_value()) return std::move(log).error();
  log_ = *std::move(log);
  return CheckLogId();
}

Result<> DatabaseImpl::CheckLogId() const {
  if (!identity_found_ || log_->id() == identity_.log || options_.accept_log_loss) return Ok();
  return Error{ErrorCode::kFailedPrecondition,
               fmt::format("the log has id {}, but this node wrote to log {}: it is foreign. If "
                           "the loss is accepted: ficusctl log accept-loss",
                           Hex16(log_->id()), Hex16(identity_.log))};
}

void DatabaseImpl::MakeTableEnvironment() {
  table_environment_ = std::make_unique<TableEnvironment>(
      TableEnvironment{environment_.fs, environment_.clock, environment_.random,
                       environment_.ledger, environment_.metrics, environment_.introduce_executor,
                       environment_.flush_executor, environment_.merge_executor, log_->id(),
                       [this](LogPosition position, std::function<void()> done) {
                         log_->SyncTo(position, std::move(done));
                       },
                       [this](const Error& error) { disk_.ReportNoSpace(error); }, [] {}, &seal_,
                       [this] { return disk_.MergeRoom(); }});
}

GroupStore::Options DatabaseImpl::StoreOptions(Catalog catalog, std::string name, GroupId id,
                                               GroupLayout layout) {
  GroupStore::Options options;
  options.catalog = catalog;
  options.name = std::move(name);
  options.id = id;
  options.layout = layout;
  options.table = options_.table;
  options.table.is_live = [this](SubjectId subject) { return IsLive(subject); };
  options.idle_nanos = options_.segment_idle_nanos;
  return options;
}

bool DatabaseImpl::IsLive(SubjectId subject) const {
  // Before the schema is read whole, nothing is known to be dead.
  if (!schema_trusted_.load(std::memory_order_acquire)) return true;
  if (SchemaKindOf(subject).has_value()) return true;
  return registry_->Current()->FindSubject(subject) != nullptr;
}

Result<> DatabaseImpl::OpenGroups() {
  bool fresh = !identity_found_;
  for (const Catalog catalog : kCatalogs) {
    ASSIGN_OR_RETURN(const std::vector<std::string> names,
                     ListGroupDirectories(environment_.fs, catalog));
    for (const std::string& name : names) {
      if (catalog == Catalog::kProperty && name == kSchemaGroup) continue;
      fresh = false;
      RETURN_IF_ERROR(CheckStop());
      RETURN_IF_ERROR(OpenGroup(catalog, name));
    }
  }
  return OpenSchemaGroup(fresh);
}

Result<> DatabaseImpl::OpenGroup(Catalog catalog, const std::string& name) {
  Result<GroupIdentity> identity = ReadGroupIdentity(environment_.fs, catalog, name);
  if (!identity.has_value() && identity.error().code == ErrorCode::kNotFound) return Ok();
  if (!identity.has_value()) {
    if (identity.error().code == ErrorCode::kResourceExhausted) return identity.error();
    if (!IsReplaced(catalog, name)) SetReadOnly(identity.error().ToString());
    return Ok();
  }
  Result<std::unique_ptr<GroupStore>> store =
      GroupStore::Open(*table_environment_, StoreOptions(catalog, name, identity->id, {}));
  if (!store.has_value()) {
    if (!IsReplaced(catalog, name)) return std::move(store).error();
    LogWarn("restore.replaced", "{} cannot be opened and is replaced as it is: {}", name,
            store.error().ToString());
    return Ok();
  }
  groups_.Add(*std::move(store));
  return Ok();
}

Result<> DatabaseImpl::OpenSchemaGroup(bool fresh) {
  GroupStore::Options options =
      StoreOptions(Catalog::kProperty, std::string(kSchemaGroup), kSchemaGroupId, {});
  Result<std::unique_ptr<GroupStore>> store = GroupStore::Open(*table_environment_, options);
  if (!store.has_value() && store.error().code == ErrorCode::kNotFound && fresh) {
    store = GroupStore::Create(*table_environment_, options);
  }
  if (!store.has_value()) return std::move(store).error().With("open the schema group");
  schema_group_ = *std::move(store);
  groups_.Add(schema_group_);
  Result<> opened = OpenSchemaTable(*schema_group_);
  if (!opened.has_value()) return std::move(opened).error().With("open the schema");
  return Ok();
}

void DatabaseImpl::RaiseRecorded(const GroupStore::Recorded& recorded) {
  recorded_.position = std::max(recorded_.position, recorded.position);
  recorded_.scn = std::max(recorded_.scn, recorded.scn);
}

Result<> DatabaseImpl::CheckLogCovers() {
  for (const auto& store : groups_.All()) {
    RETURN_IF_ERROR(CheckStop());
    ASSIGN_OR_RETURN(const GroupStore::Recorded recorded, store->RecordedPositions());
    RaiseRecorded(recorded);
  }
  if (recorded_.position <= log_->opening().last || options_.accept_log_loss) {
    if (restore_ != nullptr) RaiseRecorded(restore_->recorded());
    return Ok();
  }
  return Error{
      ErrorCode::kFailedPrecondition,
      fmt::format("the log ends at batch {}, but batch {} was in it: its end is gone. If the loss "
                  "is accepted: ficusctl log accept-loss",
                  log_->opening().last.value(), recorded_.position.value())};
}

Result<> DatabaseImpl::Replay() {
  const int64_t started = environment_.clock.Monotonic();
  ASSIGN_OR_RETURN(
      const ReplayOutcome outcome,
      ReplayLog({*log_, environment_.log_fs, environment_.random, environment_.ledger,
                 [this](GroupId id) { return FindGroup(id).get(); },
                 [this](std::function<void(Result<>)> done) { FlushAll(std::move(done)); },
                 environment_.run_until, options_.stop}));
  ASSIGN_OR_RETURN(const uint64_t parked, CountParked(environment_.log_fs));
  parked_ = parked;
  // Groups whose deletion was under way are gone for good; their files follow.
  for (const RetiredGroup& group : outcome.retired_groups) {
    const std::shared_ptr<GroupStore> store = FindGroup(group.group);
    if (store == nullptr || IsReplaced(store->catalog(), store->name())) continue;
    groups_.Retire(group.group, pins_.Take(log_->opening().first));
  }
  // The same for segments whose removal was under way.
  for (const RemovedSegment& segment : outcome.removed_segments) {
    const std::shared_ptr<GroupStore> store = FindGroup(segment.group);
    if (store == nullptr) continue;
    const Result<> removed = store->RemoveSegment(segment.times, segment.incarnation);
    if (!removed.has_value()) continue;  // its files are gone already
    groups_.HoldRemoval(store->id(), pins_.Take(log_->opening().first));
  }
  LogInfo("log.replayed",
          "{} batches: {} rows introduced, {} flushed before, {} of groups or segments that are "
          "gone, {} batches parked, {:.3f} s",
          outcome.batches, outcome.rows, outcome.rows_flushed, outcome.rows_gone,
          outcome.batches_parked,
          static_cast<double>(environment_.clock.Monotonic() - started) / kNanosPerSecond);
  return Ok();
}

Result<> DatabaseImpl::LoadSchema() {
  Result<StoredSchema> stored = ReadStoredSchema(*schema_group_, environment_.ledger);
  // What may pass is tried again by the next start: clients should not be told meanwhile that there
  // are no groups.
  if (!stored.has_value() && stored.error().code != ErrorCode::kCorruption) {
    return std::move(stored).error().With("read the schema");
  }
  if (!stored.has_value()) {
    SetReadOnly(stored.error().With("read the schema").ToString());
    registry_ = std::make_unique<SchemaRegistry>();
    return Ok();
  }
  ASSIGN_OR_RETURN(registry_, SchemaRegistry::Create(std::move(stored->objects), stored->revision));
  schema_trusted_.store(true, std::memory_order_release);
  for (const SchemaObject* group : registry_->Current()->Groups()) {
    const std::shared_ptr<GroupStore> store = FindGroup(group->group_id);
    if (store != nullptr) store->SetLayout(LayoutOf(group->group()));
  }
  return Ok();
}

void DatabaseImpl::MakeSchemaChanges() {
  changes_ = std::make_unique<SchemaChanges>(SchemaChanges::Environment{
      environment_.background_executor, gate_, *registry_, *schema_group_, groups_,
      [this] { return ReadOnly(); },
      [this](std::vector<Routed> rows, LogRecord record,
             std::function<void(PositionPins::Pin)> visible) {
        const Durability durability = IsPlanted(PlantedBug::kSchemaChangeNotSynced)
                                          ? Durability::kRelaxed
                                          : Durability::kStrict;
        return Submit(std::move(rows), std::move(record), durability, std::move(visible));
      },
      [this](const SchemaChange& change, const PositionPins::Pin& pin) {
        ApplyChange(change, pin);
      },
      removals_});
}

void DatabaseImpl::MakeSnapshotTaker() {
  const Result<> cleared = snapshots_.RemoveUnfinished();
  if (!cleared.has_value()) LogWarn("snapshot.unfinished", "{}", cleared.error().ToString());
  taker_ = std::make_unique<SnapshotTaker>(SnapshotTaker::Environment{
      environment_.fs, environment_.clock, environment_.metrics, environment_.background_executor,
      gate_, seal_, snapshots_, *changes_, removals_,
      [this](std::function<void(LogPosition, Scn)> done) { return Mark(std::move(done)); },
      [this] { return GroupsForSnapshot(); }, identity_.node_id, log_->id(), options_.snapshots,
      environment_.run_until ? 0 : kSnapshotSyncThreads});
}

Result<> DatabaseImpl::SettleIdentity() {
  if (identity_found_ && identity_.log == log_->id()) return Ok();
  {
    MutexLock lock(mutex_);
    if (!read_only_reason_.empty()) return Ok();
  }
  if (!identity_found_) {
    const uint64_t restored = restore_ == nullptr ? 0 : restore_->journal().node_id;
    identity_.node_id = restored == 0 ? environment_.random.NextId() : restored;
    identity_.created_at = environment_.clock.Now();
  }
  identity_.log = log_->id();
  return WriteNodeIdentity(environment_.fs, environment_.random, identity_);
}

Result<> DatabaseImpl::ApplyParked() {
  if (ReadOnly().has_value()) return Ok();
  ASSIGN_OR_RETURN(
      const ParkedRowsOutcome outcome,
      ApplyParkedRows({environment_.log_fs, [this](GroupId id) { return FindGroup(id).get(); },
                       [this](std::vector<Routed> rows, std::function<void()> visible) {
                         return Submit(std::move(rows), {}, Durability::kStrict,
                                       [visible = std::move(visible)](const PositionPins::Pin&) {
                                         visible();
                                       });
                       },
                       environment_.run_until}));
  parked_ = outcome.batches_kept;
  return Ok();
}

void DatabaseImpl::ReportUnknownGroups() {
  if (!schema_trusted_) return;
  const std::shared_ptr<const SchemaSnapshot> schema = registry_->Current();
  for (const auto& store : groups_.All()) {
    if (store->id() == kSchemaGroupId || schema->FindGroup(store->id()) != nullptr) continue;
    LogWarn("database.unknown_group",
            "directory of group {} has id {}, which no schema knows: it is left as it is",
            store->name(), Hex16(store->id()));
  }
}

Result<> DatabaseImpl::MakeOwnObjects() {
  if (ReadOnly().has_value()) return Ok();
  const Result<> made = ChangeAndWait([this](const SchemaRegistry& registry) {
    return Result<SchemaChange>(
        registry.PrepareOwnObjects(environment_.clock.Now(), environment_.random));
  });
  if (!made.has_value()) return made.error().With("make the node's own objects");
  return Ok();
}

Result<> DatabaseImpl::ChangeAndWait(PrepareChange prepare) {
  auto completion = std::make_shared<Completion>();
  auto outcome = std::make_shared<Result<SchemaChange>>(SchemaChange{});
  ChangeSchema(std::move(prepare), [completion, outcome](Result<SchemaChange> change) {
    *outcome = std::move(change);
    completion->Set();
  });
  completion->Wait(environment_.run_until);
  RETURN_IF_ERROR(*outcome);
  return Ok();
}

Result<std::unique_ptr<Database>> Database::Open(DatabaseEnvironment environment,
                                                 DatabaseOptions options) {
  auto database = std::make_unique<DatabaseImpl>(environment, options);
  const Result<> started = database->Start();
  if (!started.has_value()) {
    // Nothing is wrong with a restore whose start was stopped.
    if (started.error().code == ErrorCode::kCancelled) return started.error();
    ASSIGN_OR_RETURN(const bool undone, database->UndoRestore(started.error()));
    if (!undone) return started.error();
    // The old tree is back; the lock goes with the one that failed.
    database.reset();
    database = std::make_unique<DatabaseImpl>(std::move(environment), std::move(options));
    RETURN_IF_ERROR(database->Start());
  }
  return std::unique_ptr<Database>(std::move(database));
}

}  // namespace ficus
