#include "engine/database/database.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "engine/base/log.h"
#include "engine/base/planted_bug.h"
#include "engine/database/completion.h"
#include "engine/database/database_impl.h"
#include "engine/model/names.h"
#include "engine/schema/schema_codec.h"

namespace ficus {
namespace {

constexpr int64_t kHousekeepingNanos = 60 * kNanosPerSecond;

// One batch on its way from the log to the tables.
struct Commit {
  struct Target {
    std::shared_ptr<TsTable> table;
    Introduction introduction;
  };
  std::shared_ptr<Gate::Pass> pass;
  std::vector<Target> targets;
  std::function<void(PositionPins::Pin)> visible;
};

}  // namespace

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

DatabaseImpl::DatabaseImpl(DatabaseEnvironment environment, DatabaseOptions options)
    : environment_(std::move(environment)),
      options_(std::move(options)),
      opened_at_(environment_.clock.Now()),
      disk_(environment_.fs, environment_.log_fs,
            {.read_only_percent = options_.disk_read_only_percent,
             .ballast_bytes = options_.ballast_bytes}),
      clock_watch_(environment_.clock, options_.future_nanos_max),
      groups_(environment_.clock),
      removals_(environment_.background_executor, gate_),
      snapshots_(environment_.fs, environment_.random),
      row_memory_(environment_.clock, environment_.ledger, groups_),
      trimmer_(environment_.clock, groups_, pins_,
               {options_.log_bytes_max, options_.log_age_nanos}),
      housekeeping_at_(environment_.clock.Monotonic()) {}

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

void DatabaseImpl::EnsureStores() {
  if (!schema_trusted_ || importing_) return;
  for (const SchemaObject* group : registry_->Current()->Groups()) {
    if (FindGroup(group->group_id) == nullptr) EnsureStore(*group);
  }
}

void DatabaseImpl::EnsureStore(const SchemaObject& group) {
  GroupStore::Options options =
      StoreOptions(group.group().catalog, group.key.name, group.group_id, LayoutOf(group.group()));
  Result<std::unique_ptr<GroupStore>> store = GroupStore::Create(*table_environment_, options);
  if (!store.has_value()) {
    // Until the directory of an earlier group of this name is gone this is tried again by
    // Tidy().
    LogWarn("database.group", "group {}: {}", group.key.name, store.error().ToString());
    if (store.error().code == ErrorCode::kNoSpace) disk_.ReportNoSpace(store.error());
    return;
  }
  groups_.Add(*std::move(store));
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
    ASSIGN_OR_RETURN(target.introduction.reservation,
                     row_memory_.Reserve(target.introduction.MemoryBytes()));
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
        if (IsPlanted(PlantedBug::kRowsAcknowledgedEarly) && !commit->targets.empty()) {
          commit->visible(pin);
          commit->visible = [](const PositionPins::Pin&) {};
        }
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
  changes_->Push(std::move(prepare), std::move(done));
}

void DatabaseImpl::DeleteGroup(std::string group, GroupDeletion deletion, AllowChange allow,
                               ChangeDone done) {
  changes_->PushDeletion(
      [this, group = std::move(group), deletion](const SchemaRegistry& registry) {
        return registry.PrepareDeleteGroup(group, deletion, environment_.clock.Now(),
                                           environment_.random);
      },
      std::move(allow), std::move(done));
}

void DatabaseImpl::ApplyChange(const SchemaChange& change, const PositionPins::Pin& pin) {
  registry_->Apply(change);
  for (const GroupId id : change.retired_groups) groups_.Retire(id, pin);
  for (const SchemaObject& object : change.objects) {
    if (object.key.kind != SchemaKind::kGroup) continue;
    const std::shared_ptr<GroupStore> store = FindGroup(object.group_id);
    if (store != nullptr) store->SetLayout(LayoutOf(object.group()));
  }
  groups_.DeleteDrained();
  EnsureStores();
}

// --- Watching

void DatabaseImpl::ScheduleWatch() {
  SharedPass pass = Enter();
  if (!*pass) return;
  MutexLock lock(mutex_);
  if (closing_) return;
  watch_timer_ = environment_.watch_executor.PostAfter(options_.watch_interval_nanos,
                                                       [this, pass] { Watch(); });
}

void DatabaseImpl::Watch() {
  disk_.Check();
  clock_watch_.Check();
  trimmer_.Trim(*log_);
  trimmer_.FlushOldest(*log_);
  PostTidying();
  ScheduleWatch();
}

// At most one waits, however long the job is that it waits for.
void DatabaseImpl::PostTidying() {
  if (tidying_posted_.exchange(true)) return;
  SharedPass pass = Enter();
  if (!*pass) return;
  environment_.background_executor.Post([this, pass] { Tidy(); });
}

void DatabaseImpl::Tidy() {
  groups_.DeleteDrained();
  EnsureStores();
  if (IsHousekeepingDue()) {
    RunRetention([](const Result<>& result) {
      if (!result.has_value()) LogWarn("retention", "{}", result.error().ToString());
    });
    for (const auto& store : groups_.All()) store->CloseIdle();
    taker_->RemoveStale();
  }
  tidying_posted_ = false;
}

bool DatabaseImpl::IsHousekeepingDue() {
  const int64_t now = environment_.clock.Monotonic();
  MutexLock lock(mutex_);
  if (now - housekeeping_at_ < kHousekeepingNanos) return false;
  housekeeping_at_ = now;
  return true;
}

void DatabaseImpl::RunRetention(std::function<void(Result<>)> done) {
  if (clock_watch_.suspect()) {
    done(Error{ErrorCode::kFailedPrecondition, "the clock stepped and is not confirmed"});
    return;
  }
  removals_.Run([this, done = std::move(done)](Removals::Token token) {
    RemoveExpiredSegments(std::move(token), done);
  });
}

void DatabaseImpl::RemoveExpiredSegments(Removals::Token token,
                                         std::function<void(Result<>)> done) {
  // The token goes with the last of them.
  auto countdown = std::make_shared<Countdown>(
      [token = std::move(token), done = std::move(done)](const Result<>& result) { done(result); });
  for (const auto& store : groups_.All()) {
    countdown->Report(
        RemoveExpired(store, [countdown](const Result<>& result) { countdown->Report(result); }));
    groups_.EmptyTrash(*store);
  }
}

Result<> DatabaseImpl::RemoveExpired(const std::shared_ptr<GroupStore>& store,
                                     const std::function<void(Result<>)>& report) {
  ASSIGN_OR_RETURN(const bool held, IsRetentionHeld(environment_.fs, store->id()));
  if (held) return Ok();
  const UnixNanos now = environment_.clock.Now();
  store->RemoveExpiredDamage(now);
  LogRecord record;
  for (const auto& segment : store->Expired(now)) {
    record.removed_segments.push_back(
        {store->catalog(), store->id(), segment->times(), segment->incarnation()});
  }
  if (record.removed_segments.empty()) return Ok();
  const std::vector<RemovedSegment> removed = record.removed_segments;
  if (IsPlanted(PlantedBug::kSegmentRemovedEarly)) {
    for (const RemovedSegment& segment : removed) {
      RETURN_IF_ERROR(store->RemoveSegment(segment.times, segment.incarnation));
    }
    store->EmptyTrash();
    for (size_t i = 1; i < removed.size(); ++i) report(Ok());
    return Submit({}, std::move(record), Durability::kStrict,
                  [report](const PositionPins::Pin&) { report(Ok()); });
  }
  SharedPass pass = Enter();
  return Submit({}, std::move(record), Durability::kStrict,
                [this, pass, store, removed, report](const PositionPins::Pin& pin) {
                  for (const RemovedSegment& segment : removed) {
                    report(store->RemoveSegment(segment.times, segment.incarnation));
                  }
                  groups_.HoldRemoval(store->id(), pin);
                });
}

// --- Snapshots

Result<> DatabaseImpl::Mark(std::function<void(LogPosition, Scn)> done) {
  SharedPass pass = Enter();
  if (!*pass) return Error{ErrorCode::kUnavailable, "the database is closing"};
  const Result<> appended = log_->Append(
      EncodeLogRecord({}), Durability::kStrict,
      [pass, done = std::move(done)](LogPosition position, Scn scn) { done(position, scn); });
  if (!appended.has_value() && appended.error().code == ErrorCode::kNoSpace) {
    disk_.ReportNoSpace(appended.error());
  }
  return appended;
}

std::vector<SnapshotTaker::Group> DatabaseImpl::GroupsForSnapshot() {
  std::vector<SnapshotTaker::Group> groups;
  if (!schema_trusted_) {
    // Which groups are live is not known: all that lie there.
    for (const auto& store : groups_.All()) {
      groups.push_back({store->catalog(), store->name(), store->id(), store});
    }
    return groups;
  }
  groups.push_back({Catalog::kProperty, std::string(kSchemaGroup), kSchemaGroupId, schema_group_});
  for (const SchemaObject* group : registry_->Current()->Groups()) {
    groups.push_back(
        {group->group().catalog, group->key.name, group->group_id, FindGroup(group->group_id)});
  }
  return groups;
}

Result<> DatabaseImpl::DeleteSnapshot(std::string_view id) {
  const Result<> removed = snapshots_.Remove(id);
  taker_->CountSnapshots();
  return removed;
}

// --- Looking

Result<bool> DatabaseImpl::HasRows(std::string_view group) {
  const std::shared_ptr<const SchemaSnapshot> schema = registry_->Current();
  const SchemaObject* const object = schema->FindGroup(group);
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

DatabaseStatus DatabaseImpl::Status() {
  DatabaseStatus status;
  for (const auto& store : groups_.All()) {
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
  for (const auto& store : groups_.All()) {
    for (const auto& table : store->OpenTables()) {
      act(*table, [this, countdown, table](const Result<>& result) {
        // Closed meanwhile: its segment or group is gone, or it was idle. Nothing is left to do.
        const bool is_gone = !result.has_value() &&
                             result.error().code == ErrorCode::kUnavailable && !gate_.closed();
        if (!is_gone) countdown->Report(result);
      });
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
    if (closing_) return;
    closing_ = true;
    timer = std::exchange(watch_timer_, nullptr);
  }
  if (timer != nullptr) timer->Cancel();
  timer.reset();
  gate_.Shut();
  // Commits what was accepted; then the tables introduce it, and the last pass leaves.
  if (log_ != nullptr) log_->Close();
  if (environment_.run_until) environment_.run_until([this] { return gate_.empty(); });
  gate_.Close();
  const std::vector<std::shared_ptr<GroupStore>> stores = groups_.EveryStore();
  for (const auto& store : stores) store->Shut();
  if (environment_.run_until) {
    environment_.run_until([&] {
      return std::all_of(stores.begin(), stores.end(),
                         [](const auto& store) { return store->IsDrained(); });
    });
  }
  for (const auto& store : stores) store->Close();
  if (changes_ != nullptr) changes_->RefuseWaiting();
  if (taker_ != nullptr) taker_->RefuseWaiting();
}

}  // namespace ficus
