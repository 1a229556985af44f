#include "engine/database/database.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <limits>
#include <map>
#include <set>
#include <utility>

#include <fmt/core.h>

#include "engine/base/check.h"
#include "engine/base/gate.h"
#include "engine/base/log.h"
#include "engine/base/mutex.h"
#include "engine/database/completion.h"
#include "engine/database/disk_watch.h"
#include "engine/database/node_identity.h"
#include "engine/database/parked_log.h"
#include "engine/database/position_pins.h"
#include "engine/database/replay.h"
#include "engine/database/row_router.h"
#include "engine/database/schema_store.h"
#include "engine/model/names.h"
#include "engine/schema/schema_codec.h"
#include "engine/table/routed_rows.h"

namespace ficus {
namespace {

constexpr std::string_view kLockFile = "LOCK";
constexpr int64_t kHousekeepingNanos = 60 * kNanosPerSecond;
constexpr Catalog kCatalogs[] = {Catalog::kStream, Catalog::kMeasure, Catalog::kProperty,
                                 Catalog::kTrace};

using SharedPass = std::shared_ptr<Gate::Pass>;

GroupLayout LayoutOf(const GroupSchema& schema) {
  GroupLayout layout;
  if (!schema.resources.has_value()) return layout;
  layout.shard_count = schema.resources->shard_count;
  if (const auto& interval = schema.resources->segment_interval; interval.has_value()) {
    layout.segment_unit =
        interval->unit == IntervalUnit::kHour ? SegmentUnit::kHour : SegmentUnit::kDay;
    layout.segment_num = interval->num;
  }
  if (const auto& ttl = schema.resources->ttl; ttl.has_value()) layout.ttl_nanos = ttl->nanos();
  return layout;
}

GroupLayout SchemaGroupLayout() { return {}; }

// A group that is gone for readers and writers while its files still lie there.
struct ClosingStore {
  std::shared_ptr<GroupStore> store;
  PositionPins::Pin pin;  // of the batch that retired it
  std::string name;
};

struct PendingChange {
  Database::PrepareChange prepare;
  Database::ChangeDone done;
  bool deletes_group = false;
};

// One batch on its way from the log to the tables.
struct Commit {
  struct Target {
    std::shared_ptr<TsTable> table;
    Introduction introduction;
  };
  SharedPass pass;
  std::vector<Target> targets;
  std::function<void(PositionPins::Pin)> visible;
};

class DatabaseImpl final : public Database {
 public:
  DatabaseImpl(DatabaseEnvironment environment, DatabaseOptions options)
      : environment_(std::move(environment)),
        options_(std::move(options)),
        disk_(environment_.fs, environment_.log_fs,
              {.read_only_percent = options_.disk_read_only_percent,
               .ballast_bytes = options_.ballast_bytes}),
        opened_at_(environment_.clock.Now()),
        last_wall_(environment_.clock.Now()),
        last_monotonic_(environment_.clock.Monotonic()),
        housekeeping_at_(environment_.clock.Monotonic()) {}
  ~DatabaseImpl() override { Close(); }

  Result<> Start();

  void Write(std::vector<KeyedRows> rows, WriteDone done) override;
  std::shared_ptr<const SchemaSnapshot> Schema() const override { return registry_->Current(); }
  void ChangeSchema(PrepareChange prepare, ChangeDone done) override;
  void DeleteGroup(std::string group, GroupDeletion deletion, ChangeDone done) override;
  std::optional<DeletionTask> Task(std::string_view group) const override;
  Result<bool> HasRows(std::string_view group) override;
  std::shared_ptr<GroupStore> FindGroup(GroupId id) override;
  std::optional<ReadOnlyState> ReadOnly() const override;
  DatabaseStatus Status() override;
  uint64_t node_id() const override { return identity_.node_id; }
  UnixNanos opened_at() const override { return opened_at_; }
  void ConfirmClock() override;
  void FlushAll(std::function<void(Result<>)> done) override;
  void MergeAll(std::function<void(Result<>)> done) override;
  void RunRetention(std::function<void(Result<>)> done) override;
  void Close() override;

 private:
  SharedPass Enter() { return std::make_shared<Gate::Pass>(gate_.Enter()); }

  // Start, in this order.
  Result<> OpenLog();
  Result<> OpenGroups();
  Result<> OpenSchemaGroup(bool fresh);
  Result<> CheckLogCovers();
  Result<> Replay();
  Result<> LoadSchema();
  Result<> MakeOwnObjects();
  Result<> SettleIdentity();
  void ReportUnknownGroups();
  void SetReadOnly(const std::string& reason);

  GroupStore::Options StoreOptions(Catalog catalog, std::string name, GroupId id,
                                   GroupLayout layout);
  bool IsLive(SubjectId subject) const;
  std::vector<std::shared_ptr<GroupStore>> Stores() const;
  void EnsureStores();
  void EnsureStore(const SchemaObject& group);

  Result<> Submit(std::vector<Routed> rows, LogRecord record, Durability must,
                  std::function<void(PositionPins::Pin)> visible);
  void RunNextChange();
  void StartChange(PendingChange& change);
  Result<> CheckNames(const PendingChange& pending, const SchemaChange& change) const;
  void ApplyChange(const SchemaChange& change, const PositionPins::Pin& pin);
  void FinishChange(const PendingChange& pending, Result<SchemaChange> result);
  void RetireStore(GroupId id, const PositionPins::Pin& pin);
  void SetTask(const std::string& group, Deletion state, const std::string& message);

  void ScheduleWatch();
  void Watch();
  void TrimLog();
  void FlushForLog();
  void ProcessClosing();
  void CheckClock();
  void Housekeep();
  void ForEachTable(const std::function<void(TsTable&, std::function<void(Result<>)>)>& act,
                    std::function<void(Result<>)> done);

  // Constant after Start().
  const DatabaseEnvironment environment_;
  const DatabaseOptions options_;
  std::unique_ptr<FileLock> lock_;
  NodeIdentity identity_;
  bool identity_found_ = false;
  std::unique_ptr<Log> log_;
  std::unique_ptr<TableEnvironment> table_environment_;
  std::shared_ptr<GroupStore> schema_group_;
  std::unique_ptr<SchemaRegistry> registry_;
  GroupStore::Recorded recorded_;
  std::set<RetiredGroup> retired_;

  // Provide their own synchronisation.
  Gate gate_;
  PositionPins pins_;
  DiskWatch disk_;
  std::atomic<bool> schema_trusted_{false};
  std::atomic<uint64_t> parked_{0};
  std::shared_ptr<void> metrics_handle_;

  const UnixNanos opened_at_;

  mutable Mutex mutex_;
  std::map<GroupId, std::shared_ptr<GroupStore>> stores_ GUARDED_BY(mutex_);
  std::string read_only_reason_ GUARDED_BY(mutex_);
  std::deque<PendingChange> changes_ GUARDED_BY(mutex_);
  bool changing_ GUARDED_BY(mutex_) = false;
  bool closing_ GUARDED_BY(mutex_) = false;
  bool closed_ GUARDED_BY(mutex_) = false;
  std::map<std::string, DeletionTask, std::less<>> tasks_ GUARDED_BY(mutex_);
  std::vector<ClosingStore> closing_stores_ GUARDED_BY(mutex_);
  // Pins of batches that removed segments, until the segments' directories are gone.
  std::map<GroupId, std::vector<PositionPins::Pin>> removal_pins_ GUARDED_BY(mutex_);
  std::shared_ptr<Executor::Timer> watch_timer_ GUARDED_BY(mutex_);
  UnixNanos last_wall_ GUARDED_BY(mutex_);
  int64_t last_monotonic_ GUARDED_BY(mutex_);
  int64_t housekeeping_at_ GUARDED_BY(mutex_);
  bool clock_suspect_ GUARDED_BY(mutex_) = false;
};

// --- Starting

Result<> DatabaseImpl::Start() {
  ASSIGN_OR_RETURN(lock_, environment_.fs.Lock(kLockFile));
  RETURN_IF_ERROR(OpenLog());
  table_environment_ = std::make_unique<TableEnvironment>(
      TableEnvironment{environment_.fs, environment_.clock, environment_.random,
                       environment_.ledger, environment_.metrics, environment_.introduce_executor,
                       environment_.flush_executor, environment_.merge_executor, log_->id(),
                       [this](LogPosition position, std::function<void()> done) {
                         log_->SyncTo(position, std::move(done));
                       },
                       [this](const Error& error) { disk_.ReportNoSpace(error); }, [] {}});
  RETURN_IF_ERROR(OpenGroups());
  RETURN_IF_ERROR(CheckLogCovers());
  disk_.Start();
  RETURN_IF_ERROR(Replay());
  RETURN_IF_ERROR(LoadSchema());
  RETURN_IF_ERROR(log_->Start(recorded_.position, recorded_.scn));
  RETURN_IF_ERROR(SettleIdentity());
  EnsureStores();
  ReportUnknownGroups();
  RETURN_IF_ERROR(MakeOwnObjects());
  for (const Catalog catalog : kCatalogs) {
    const Result<> emptied = EmptyCatalogTrash(environment_.fs, catalog);
    if (!emptied.has_value()) LogWarn("database.trash", "{}", emptied.error().ToString());
  }
  ScheduleWatch();
  return Ok();
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
  if (!log.has_value()) return std::move(log).error();
  log_ = *std::move(log);
  if (identity_found_ && log_->id() != identity_.log && !options_.accept_log_loss) {
    return Error{ErrorCode::kFailedPrecondition,
                 fmt::format("the log has id {}, but this node wrote to log {}: it is foreign. If "
                             "the loss is accepted: ficusctl log accept-loss",
                             Hex16(log_->id()), Hex16(identity_.log))};
  }
  return Ok();
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
      Result<GroupIdentity> identity = ReadGroupIdentity(environment_.fs, catalog, name);
      if (!identity.has_value() && identity.error().code == ErrorCode::kNotFound) continue;
      if (!identity.has_value()) {
        if (identity.error().code == ErrorCode::kResourceExhausted) return identity.error();
        SetReadOnly(identity.error().ToString());
        continue;
      }
      ASSIGN_OR_RETURN(
          std::unique_ptr<GroupStore> store,
          GroupStore::Open(*table_environment_, StoreOptions(catalog, name, identity->id, {})));
      MutexLock lock(mutex_);
      stores_.emplace(identity->id, std::move(store));
    }
  }
  return OpenSchemaGroup(fresh);
}

Result<> DatabaseImpl::OpenSchemaGroup(bool fresh) {
  GroupStore::Options options = StoreOptions(Catalog::kProperty, std::string(kSchemaGroup),
                                             kSchemaGroupId, SchemaGroupLayout());
  Result<std::unique_ptr<GroupStore>> store = GroupStore::Open(*table_environment_, options);
  if (!store.has_value() && store.error().code == ErrorCode::kNotFound && fresh) {
    store = GroupStore::Create(*table_environment_, options);
  }
  if (!store.has_value()) return std::move(store).error().With("open the schema group");
  schema_group_ = *std::move(store);
  MutexLock lock(mutex_);
  stores_.emplace(kSchemaGroupId, schema_group_);
  return Ok();
}

Result<> DatabaseImpl::CheckLogCovers() {
  for (const auto& store : Stores()) {
    ASSIGN_OR_RETURN(const GroupStore::Recorded recorded, store->RecordedPositions());
    recorded_.position = std::max(recorded_.position, recorded.position);
    recorded_.scn = std::max(recorded_.scn, recorded.scn);
  }
  if (recorded_.position <= log_->opening().last || options_.accept_log_loss) return Ok();
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
                 [this](GroupId id) { return FindGroup(id).get(); }, environment_.run_until}));
  retired_ = outcome.retired_groups;
  ASSIGN_OR_RETURN(const uint64_t parked, CountParked(environment_.log_fs));
  parked_ = parked;
  // Groups whose deletion was under way are gone for good; their files follow.
  for (const RetiredGroup& group : retired_) {
    const std::shared_ptr<GroupStore> store = FindGroup(group.group);
    if (store == nullptr) continue;
    MutexLock lock(mutex_);
    stores_.erase(group.group);
    lock.Unlock();
    store->Shut();
    lock.Lock();
    closing_stores_.push_back({store, pins_.Take(log_->opening().first), store->name()});
  }
  // The same for segments whose removal was under way.
  for (const RemovedSegment& segment : outcome.removed_segments) {
    const std::shared_ptr<GroupStore> store = FindGroup(segment.group);
    if (store == nullptr) continue;
    const Result<> removed = store->RemoveSegment(segment.times, segment.incarnation);
    if (!removed.has_value()) continue;  // its files are gone already
    MutexLock lock(mutex_);
    removal_pins_[store->id()].push_back(pins_.Take(log_->opening().first));
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

Result<> DatabaseImpl::SettleIdentity() {
  if (identity_found_ && identity_.log == log_->id()) return Ok();
  {
    MutexLock lock(mutex_);
    if (!read_only_reason_.empty()) return Ok();
  }
  if (!identity_found_) {
    identity_.node_id = environment_.random.NextId();
    identity_.created_at = environment_.clock.Now();
  }
  identity_.log = log_->id();
  return WriteNodeIdentity(environment_.fs, environment_.random, identity_);
}

void DatabaseImpl::ReportUnknownGroups() {
  if (!schema_trusted_) return;
  const std::shared_ptr<const SchemaSnapshot> schema = registry_->Current();
  for (const auto& store : Stores()) {
    if (store->id() == kSchemaGroupId || schema->FindGroup(store->id()) != nullptr) continue;
    LogWarn("database.unknown_group",
            "directory of group {} has id {}, which no schema knows: it is left as it is",
            store->name(), Hex16(store->id()));
  }
}

Result<> DatabaseImpl::MakeOwnObjects() {
  if (ReadOnly().has_value()) return Ok();
  auto completion = std::make_shared<Completion>();
  auto outcome = std::make_shared<Result<SchemaChange>>(SchemaChange{});
  ChangeSchema(
      [this](const SchemaRegistry& registry) -> Result<SchemaChange> {
        return registry.PrepareOwnObjects(environment_.clock.Now(), environment_.random);
      },
      [completion, outcome](Result<SchemaChange> change) {
        *outcome = std::move(change);
        completion->Set();
      });
  completion->Wait(environment_.run_until);
  if (!outcome->has_value()) return outcome->error().With("make the node's own objects");
  return Ok();
}

void DatabaseImpl::SetReadOnly(const std::string& reason) {
  LogError("database.read_only", "the node takes no writes: {}", reason);
  MutexLock lock(mutex_);
  if (read_only_reason_.empty()) read_only_reason_ = reason;
}

std::optional<ReadOnlyState> DatabaseImpl::ReadOnly() const {
  {
    MutexLock lock(mutex_);
    if (!read_only_reason_.empty()) {
      return ReadOnlyState{ErrorCode::kReadOnly, read_only_reason_};
    }
  }
  if (std::optional<std::string> reason = disk_.Reason()) {
    return ReadOnlyState{ErrorCode::kNoSpace, *std::move(reason)};
  }
  return std::nullopt;
}

// --- Groups

std::vector<std::shared_ptr<GroupStore>> DatabaseImpl::Stores() const {
  std::vector<std::shared_ptr<GroupStore>> stores;
  MutexLock lock(mutex_);
  for (const auto& [id, store] : stores_) stores.push_back(store);
  return stores;
}

std::shared_ptr<GroupStore> DatabaseImpl::FindGroup(GroupId id) {
  MutexLock lock(mutex_);
  const auto found = stores_.find(id);
  return found == stores_.end() ? nullptr : found->second;
}

void DatabaseImpl::EnsureStores() {
  if (!schema_trusted_) return;
  for (const SchemaObject* group : registry_->Current()->Groups()) {
    if (FindGroup(group->group_id) == nullptr) EnsureStore(*group);
  }
}

void DatabaseImpl::EnsureStore(const SchemaObject& group) {
  GroupStore::Options options =
      StoreOptions(group.group().catalog, group.key.name, group.group_id, LayoutOf(group.group()));
  Result<std::unique_ptr<GroupStore>> store = GroupStore::Create(*table_environment_, options);
  if (!store.has_value()) {
    // Until the directory of an earlier group of this name is gone this is tried again by the
    // watch.
    LogWarn("database.group", "group {}: {}", group.key.name, store.error().ToString());
    if (store.error().code == ErrorCode::kNoSpace) disk_.ReportNoSpace(store.error());
    return;
  }
  MutexLock lock(mutex_);
  stores_.emplace(group.group_id, *std::move(store));
}

// --- Writing

Result<> DatabaseImpl::Submit(std::vector<Routed> rows, LogRecord record, Durability must,
                              std::function<void(PositionPins::Pin)> visible) {
  auto commit = std::make_shared<Commit>();
  commit->pass = Enter();
  if (!*commit->pass) return Error{ErrorCode::kUnavailable, "the database is closing"};
  commit->visible = std::move(visible);
  for (Routed& routed : rows) record.rows.push_back(std::move(routed.rows));
  std::string payload = EncodeLogRecord(record);
  if (payload.size() > kBatchBytesMax) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("a batch of {} bytes exceeds {}", payload.size(), kBatchBytesMax)};
  }
  // A table takes a position once, so rows of one table come together.
  for (size_t i = 0; i < rows.size(); ++i) {
    auto target = std::find_if(
        commit->targets.begin(), commit->targets.end(),
        [&](const Commit::Target& candidate) { return candidate.table == rows[i].table; });
    if (target == commit->targets.end()) {
      commit->targets.push_back({std::move(rows[i].table), {}});
      target = std::prev(commit->targets.end());
    }
    RoutedRows& routed = record.rows[i];
    RETURN_IF_ERROR(AddRows(target->introduction, std::move(routed.rows)));
    std::move(routed.entries.begin(), routed.entries.end(),
              std::back_inserter(target->introduction.entries));
  }
  for (Commit::Target& target : commit->targets) {
    size_t bytes = 0;
    for (const RowBatch& batch : target.introduction.rows) bytes += batch.MemoryBytes();
    ASSIGN_OR_RETURN(target.introduction.reservation,
                     environment_.ledger.Reserve(MemoryConsumer::kMemParts, bytes));
  }
  const Result<> appended =
      log_->Append(std::move(payload), must, [this, commit](LogPosition position, Scn scn) {
        const PositionPins::Pin pin = pins_.Take(position);
        // Its last copy goes when every table shows the rows.
        auto introduced = std::make_shared<Countdown>([commit, pin](const Result<>&) {
          // Moved out: the log may keep its callback, and with it `commit`, for a while.
          const auto tell = std::move(commit->visible);
          tell(pin);
        });
        for (Commit::Target& target : commit->targets) {
          target.introduction.position = position;
          target.introduction.scn = scn;
          target.table->Introduce(std::move(target.introduction), [introduced] {});
        }
      });
  if (!appended.has_value() && appended.error().code == ErrorCode::kNoSpace) {
    disk_.ReportNoSpace(appended.error());
  }
  return appended;
}

void DatabaseImpl::Write(std::vector<KeyedRows> rows, WriteDone done) {
  if (std::optional<ReadOnlyState> read_only = ReadOnly()) {
    done(Error{read_only->code, std::move(read_only->reason)}, {});
    return;
  }
  std::vector<Routed> routed;
  std::vector<RefusedRow> refused;
  for (KeyedRows& batch : rows) {
    const std::shared_ptr<GroupStore> store = FindGroup(batch.group);
    if (store == nullptr) {
      for (const uint32_t ordinal : batch.ordinals) {
        refused.push_back({ordinal, ErrorCode::kNotFound});
      }
      continue;
    }
    RouteRows(*store, std::move(batch), routed, refused);
  }
  for (const RefusedRow& row : refused) {
    if (row.code != ErrorCode::kNoSpace) continue;
    disk_.ReportNoSpace(Error{ErrorCode::kNoSpace, "a segment could not be made"});
    break;
  }
  if (routed.empty()) {
    done(Ok(), std::move(refused));
    return;
  }
  auto shared = std::make_shared<std::pair<WriteDone, std::vector<RefusedRow>>>(std::move(done),
                                                                                std::move(refused));
  const Result<> submitted = Submit(
      std::move(routed), {}, options_.log.durability,
      [shared](const PositionPins::Pin&) { shared->first(Ok(), std::move(shared->second)); });
  if (!submitted.has_value()) shared->first(submitted.error(), {});
}

// --- Changing the schema

void DatabaseImpl::ChangeSchema(PrepareChange prepare, ChangeDone done) {
  SharedPass pass = Enter();
  if (!*pass) {
    done(Error{ErrorCode::kUnavailable, "the database is closing"});
    return;
  }
  {
    MutexLock lock(mutex_);
    changes_.push_back({std::move(prepare), std::move(done), false});
  }
  environment_.background_executor.Post([this, pass] { RunNextChange(); });
}

void DatabaseImpl::DeleteGroup(std::string group, GroupDeletion deletion, ChangeDone done) {
  SharedPass pass = Enter();
  if (!*pass) {
    done(Error{ErrorCode::kUnavailable, "the database is closing"});
    return;
  }
  PrepareChange prepare = [this, group, deletion](const SchemaRegistry& registry) {
    return registry.PrepareDeleteGroup(group, deletion, environment_.clock.Now(),
                                       environment_.random);
  };
  {
    MutexLock lock(mutex_);
    changes_.push_back({std::move(prepare), std::move(done), true});
  }
  environment_.background_executor.Post([this, pass] { RunNextChange(); });
}

void DatabaseImpl::RunNextChange() {
  PendingChange pending;
  {
    MutexLock lock(mutex_);
    if (changing_ || changes_.empty()) return;
    changing_ = true;
    pending = std::move(changes_.front());
    changes_.pop_front();
  }
  StartChange(pending);
}

Result<> DatabaseImpl::CheckNames(const PendingChange& pending, const SchemaChange& change) const {
  MutexLock lock(mutex_);
  const auto is_pending = [&](const std::string& group) REQUIRES(mutex_) {
    const auto task = tasks_.find(group);
    return task != tasks_.end() && task->second.state == Deletion::kUnderWay;
  };
  for (const SchemaObject& object : change.objects) {
    const std::string& group =
        object.key.kind == SchemaKind::kGroup ? object.key.name : object.key.group;
    if (is_pending(group)) {
      return Error{ErrorCode::kFailedPrecondition,
                   fmt::format("group {} is pending deletion", group)};
    }
  }
  if (!pending.deletes_group) return Ok();
  for (const SchemaRemoval& removal : change.removals) {
    if (removal.key.kind == SchemaKind::kGroup && is_pending(removal.key.name)) {
      return Error{ErrorCode::kFailedPrecondition,
                   fmt::format("group {} is pending deletion", removal.key.name)};
    }
  }
  return Ok();
}

void DatabaseImpl::StartChange(PendingChange& pending) {
  auto shared = std::make_shared<PendingChange>(std::move(pending));
  if (std::optional<ReadOnlyState> read_only = ReadOnly()) {
    FinishChange(*shared, Error{read_only->code, std::move(read_only->reason)});
    return;
  }
  Result<SchemaChange> prepared = shared->prepare(*registry_);
  if (!prepared.has_value() || prepared->no_op()) {
    FinishChange(*shared, std::move(prepared));
    return;
  }
  if (const Result<> names = CheckNames(*shared, *prepared); !names.has_value()) {
    FinishChange(*shared, names.error());
    return;
  }
  LogRecord record;
  for (const GroupId id : prepared->retired_groups) {
    const SchemaObject* const group = registry_->Current()->FindGroup(id);
    CHECK(group != nullptr) << "group id " << id << " is retired but not live";
    record.retired_groups.push_back({group->group().catalog, id});
  }
  Result<std::vector<Routed>> routed = RouteSchemaChange(*schema_group_, *prepared);
  if (!routed.has_value()) {
    FinishChange(*shared, std::move(routed).error());
    return;
  }
  SharedPass pass = Enter();
  auto change = std::make_shared<SchemaChange>(*std::move(prepared));
  const Result<> submitted =
      Submit(*std::move(routed), std::move(record), Durability::kStrict,
             [this, pass, shared, change](const PositionPins::Pin& pin) {
               environment_.background_executor.Post([this, pass, shared, change, pin] {
                 ApplyChange(*change, pin);
                 FinishChange(*shared, std::move(*change));
               });
             });
  if (!submitted.has_value()) FinishChange(*shared, submitted.error());
}

void DatabaseImpl::ApplyChange(const SchemaChange& change, const PositionPins::Pin& pin) {
  registry_->Apply(change);
  for (const GroupId id : change.retired_groups) RetireStore(id, pin);
  for (const SchemaObject& object : change.objects) {
    if (object.key.kind != SchemaKind::kGroup) continue;
    const std::shared_ptr<GroupStore> store = FindGroup(object.group_id);
    if (store != nullptr) store->SetLayout(LayoutOf(object.group()));
  }
  ProcessClosing();
  EnsureStores();
}

void DatabaseImpl::FinishChange(const PendingChange& pending, Result<SchemaChange> result) {
  {
    MutexLock lock(mutex_);
    changing_ = false;
  }
  pending.done(std::move(result));
  SharedPass pass = Enter();
  if (!*pass) return;
  environment_.background_executor.Post([this, pass] { RunNextChange(); });
}

void DatabaseImpl::RetireStore(GroupId id, const PositionPins::Pin& pin) {
  std::shared_ptr<GroupStore> store = FindGroup(id);
  if (store == nullptr) return;
  SetTask(store->name(), Deletion::kUnderWay, {});
  store->Shut();
  MutexLock lock(mutex_);
  stores_.erase(id);
  closing_stores_.push_back({store, pin, store->name()});
}

void DatabaseImpl::SetTask(const std::string& group, Deletion state, const std::string& message) {
  MutexLock lock(mutex_);
  DeletionTask& task = tasks_[group];
  task.updated_at = environment_.clock.Now();
  if (task.created_at == 0 || (state == Deletion::kUnderWay && task.state != state)) {
    task.created_at = task.updated_at;
  }
  task.state = state;
  task.message = message;
}

std::optional<Database::DeletionTask> DatabaseImpl::Task(std::string_view group) const {
  MutexLock lock(mutex_);
  const auto found = tasks_.find(group);
  if (found == tasks_.end()) return std::nullopt;
  return found->second;
}

void DatabaseImpl::ProcessClosing() {
  std::vector<ClosingStore> ready;
  {
    MutexLock lock(mutex_);
    const auto is_ready = [](const ClosingStore& closing) {
      // No reader holds it, and its jobs have come to their end.
      return closing.store.use_count() == 1 && closing.store->IsDrained();
    };
    const auto split =
        std::stable_partition(closing_stores_.begin(), closing_stores_.end(),
                              [&](const auto& closing) { return !is_ready(closing); });
    std::move(split, closing_stores_.end(), std::back_inserter(ready));
    closing_stores_.erase(split, closing_stores_.end());
  }
  for (ClosingStore& closing : ready) {
    closing.store->Close();
    const Result<> moved = closing.store->MoveToTrash();
    if (moved.has_value()) {
      LogInfo("database.group_deleted", "group {} with id {} is deleted", closing.name,
              Hex16(closing.store->id()));
      SetTask(closing.name, Deletion::kDone, {});
      continue;
    }
    SetTask(closing.name, Deletion::kUnderWay, moved.error().ToString());
    MutexLock lock(mutex_);
    closing_stores_.push_back(std::move(closing));
  }
}

Result<bool> DatabaseImpl::HasRows(std::string_view group) {
  const SchemaObject* const object = registry_->Current()->FindGroup(group);
  if (object == nullptr) return Error{ErrorCode::kNotFound, "banyandb: resource not found"};
  const std::shared_ptr<GroupStore> store = FindGroup(object->group_id);
  if (store == nullptr) return false;
  for (const auto& segment : store->Segments(TimeRange::All())) {
    for (const ShardId shard : segment->ExistingShards()) {
      ASSIGN_OR_RETURN(const std::shared_ptr<TsTable> table, segment->Shard(shard));
      if (table->Current()->rows() > 0) return true;
    }
  }
  return false;
}

// --- Watching

void DatabaseImpl::ScheduleWatch() {
  SharedPass pass = Enter();
  if (!*pass) return;
  MutexLock lock(mutex_);
  if (closing_) return;
  watch_timer_ = environment_.background_executor.PostAfter(options_.watch_interval_nanos,
                                                            [this, pass] { Watch(); });
}

void DatabaseImpl::Watch() {
  disk_.Check();
  CheckClock();
  TrimLog();
  FlushForLog();
  ProcessClosing();
  EnsureStores();
  bool housekeep = false;
  {
    MutexLock lock(mutex_);
    housekeep = environment_.clock.Monotonic() - housekeeping_at_ >= kHousekeepingNanos;
    if (housekeep) housekeeping_at_ = environment_.clock.Monotonic();
  }
  if (housekeep) Housekeep();
  ScheduleWatch();
}

void DatabaseImpl::TrimLog() {
  // In this order: a batch leaves its pin only after its tables hold it, and what comes later lies
  // above `durable`.
  const LogPosition durable = log_->durable_position();
  LogPosition trim = durable.Next();
  if (const std::optional<LogPosition> pinned = pins_.Oldest()) trim = std::min(trim, *pinned);
  for (const auto& store : Stores()) {
    if (const std::optional<LogPosition> oldest = store->OldestUnflushed()) {
      trim = std::min(trim, *oldest);
    }
  }
  const Result<> trimmed = log_->Trim(trim);
  if (!trimmed.has_value()) LogWarn("log.trim", "{}", trimmed.error().ToString());
}

void DatabaseImpl::FlushForLog() {
  const std::vector<Log::FileSummary> files = log_->files();
  if (files.size() < 2) return;
  uint64_t bytes = 0;
  for (const Log::FileSummary& file : files) bytes += file.bytes;
  const bool too_old = environment_.clock.Now() - files.front().created > options_.log_age_nanos;
  if (bytes <= options_.log_bytes_max && !too_old) return;
  const LogPosition below = files[files.size() / 2].first;
  for (const auto& store : Stores()) {
    for (const auto& table : store->OpenTables()) {
      const std::optional<LogPosition> oldest = table->OldestUnflushed();
      if (oldest.has_value() && *oldest < below) table->Flush([](const Result<>&) {});
    }
  }
}

void DatabaseImpl::CheckClock() {
  const UnixNanos wall = environment_.clock.Now();
  const int64_t monotonic = environment_.clock.Monotonic();
  MutexLock lock(mutex_);
  const int64_t step = (wall - last_wall_) - (monotonic - last_monotonic_);
  last_wall_ = wall;
  last_monotonic_ = monotonic;
  if (clock_suspect_ || std::abs(step) <= options_.future_nanos_max) return;
  clock_suspect_ = true;
  LogError("clock.step",
           "the clock stepped by {} s: retention is suspended until the operator confirms it",
           step / kNanosPerSecond);
}

void DatabaseImpl::ConfirmClock() {
  MutexLock lock(mutex_);
  clock_suspect_ = false;
}

void DatabaseImpl::Housekeep() {
  RunRetention([](const Result<>& result) {
    if (!result.has_value()) LogWarn("retention", "{}", result.error().ToString());
  });
  for (const auto& store : Stores()) store->CloseIdle();
}

void DatabaseImpl::RunRetention(std::function<void(Result<>)> done) {
  {
    MutexLock lock(mutex_);
    if (clock_suspect_) {
      done(Error{ErrorCode::kFailedPrecondition, "the clock stepped and is not confirmed"});
      return;
    }
  }
  auto countdown = std::make_shared<Countdown>(std::move(done));
  for (const auto& store : Stores()) {
    LogRecord record;
    for (const auto& segment : store->Expired(environment_.clock.Now())) {
      record.removed_segments.push_back(
          {store->catalog(), store->id(), segment->times(), segment->incarnation()});
    }
    if (!record.removed_segments.empty()) {
      const std::vector<RemovedSegment> removed = record.removed_segments;
      SharedPass pass = Enter();
      countdown->Report(
          Submit({}, std::move(record), Durability::kStrict,
                 [this, pass, store, removed, countdown](const PositionPins::Pin& pin) {
                   for (const RemovedSegment& segment : removed) {
                     countdown->Report(store->RemoveSegment(segment.times, segment.incarnation));
                   }
                   MutexLock lock(mutex_);
                   removal_pins_[store->id()].push_back(pin);
                 }));
    }
    if (store->EmptyTrash() > 0) continue;
    MutexLock lock(mutex_);
    removal_pins_.erase(store->id());
  }
}

// --- Looking

DatabaseStatus DatabaseImpl::Status() {
  DatabaseStatus status;
  for (const auto& store : Stores()) {
    for (const auto& table : store->OpenTables()) {
      const std::shared_ptr<const Snapshot> snapshot = table->Current();
      status.parts += snapshot->parts.size();
      status.mem_parts += snapshot->mem_parts.size();
      status.rows += snapshot->rows();
      for (const SnapshotPart& part : snapshot->parts) {
        status.file_rows += part.part->info().rows;
      }
      status.file_bytes += snapshot->file_bytes();
      status.memory_bytes += snapshot->memory_bytes();
      status.damaged_files += snapshot->damaged.size();
      status.most_parts_per_shard = std::max(status.most_parts_per_shard, snapshot->parts.size());
    }
    status.damaged_files += store->DamagedSegments().size();
  }
  for (const Log::FileSummary& file : log_->files()) {
    ++status.log_files;
    status.log_bytes += file.bytes;
  }
  status.parked_records = parked_;
  return status;
}

void DatabaseImpl::ForEachTable(
    const std::function<void(TsTable&, std::function<void(Result<>)>)>& act,
    std::function<void(Result<>)> done) {
  auto countdown = std::make_shared<Countdown>(std::move(done));
  for (const auto& store : Stores()) {
    for (const auto& table : store->OpenTables()) {
      act(*table, [countdown, table](const Result<>& result) { countdown->Report(result); });
    }
  }
}

void DatabaseImpl::FlushAll(std::function<void(Result<>)> done) {
  ForEachTable([](TsTable& table, auto reported) { table.Flush(std::move(reported)); },
               std::move(done));
}

void DatabaseImpl::MergeAll(std::function<void(Result<>)> done) {
  ForEachTable([](TsTable& table, auto reported) { table.MergeAll(std::move(reported)); },
               std::move(done));
}

// --- Closing

void DatabaseImpl::Close() {
  std::shared_ptr<Executor::Timer> timer;
  {
    MutexLock lock(mutex_);
    if (closed_) return;
    closed_ = true;
    closing_ = true;
    timer = std::exchange(watch_timer_, nullptr);
  }
  if (timer != nullptr) timer->Cancel();
  timer.reset();
  gate_.Shut();
  // Changes that wait have no pass of their own any more: they are told.
  std::deque<PendingChange> changes;
  // Commits what was accepted; then the tables introduce it, and the last pass leaves.
  if (log_ != nullptr) log_->Close();
  if (environment_.run_until) environment_.run_until([this] { return gate_.empty(); });
  gate_.Close();
  std::vector<std::shared_ptr<GroupStore>> stores = Stores();
  {
    MutexLock lock(mutex_);
    for (const ClosingStore& closing : closing_stores_) stores.push_back(closing.store);
    changes = std::exchange(changes_, {});
  }
  for (const auto& store : stores) store->Shut();
  if (environment_.run_until) {
    environment_.run_until([&] {
      return std::all_of(stores.begin(), stores.end(),
                         [](const auto& store) { return store->IsDrained(); });
    });
  }
  for (const auto& store : stores) store->Close();
  for (const PendingChange& change : changes) {
    change.done(Error{ErrorCode::kUnavailable, "the database is closing"});
  }
}

}  // namespace

Result<std::unique_ptr<Database>> Database::Open(DatabaseEnvironment environment,
                                                 DatabaseOptions options) {
  auto database = std::make_unique<DatabaseImpl>(std::move(environment), std::move(options));
  RETURN_IF_ERROR(database->Start());
  return std::unique_ptr<Database>(std::move(database));
}

}  // namespace ficus
