// The database behind its door; for database.cc, database_start.cc and database_restore.cc only.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/gate.h"
#include "engine/base/mutex.h"
#include "engine/database/clock_watch.h"
#include "engine/database/database.h"
#include "engine/database/disk_watch.h"
#include "engine/database/live_groups.h"
#include "engine/database/log_trimmer.h"
#include "engine/database/node_identity.h"
#include "engine/database/position_pins.h"
#include "engine/database/removals.h"
#include "engine/database/restore_start.h"
#include "engine/database/row_memory.h"
#include "engine/database/row_router.h"
#include "engine/database/schema_changes.h"
#include "engine/database/snapshot_taker.h"
#include "engine/schema/schema_object.h"
#include "engine/table/routed_rows.h"

namespace ficus {

class DatabaseImpl final : public Database {
 public:
  DatabaseImpl(DatabaseEnvironment environment, DatabaseOptions options);
  ~DatabaseImpl() override { Close(); }

  Result<> Start();
  // After Start() has failed: closes everything and undoes the restore that was under way. False
  // when there is none, or none that can be undone.
  Result<bool> UndoRestore(const Error& why);

  void Write(std::vector<KeyedRows> rows, WriteDone done) override;
  std::shared_ptr<const SchemaSnapshot> Schema() const override { return registry_->Current(); }
  void ChangeSchema(PrepareChange prepare, ChangeDone done) override;
  void DeleteGroup(std::string group, GroupDeletion deletion, AllowChange allow,
                   ChangeDone done) override;
  std::optional<DeletionTask> Task(std::string_view group) const override {
    return groups_.Task(group);
  }
  Result<bool> HasRows(std::string_view group) override;
  std::shared_ptr<GroupStore> FindGroup(GroupId id) override { return groups_.Find(id); }
  std::optional<ReadOnlyState> ReadOnly() const override;
  DatabaseStatus Status() override;
  uint64_t node_id() const override { return identity_.node_id; }
  UnixNanos opened_at() const override { return opened_at_; }
  void ConfirmClock() override { clock_watch_.Confirm(); }
  void FlushAll(std::function<void(Result<>)> done) override;
  void MergeAll(std::function<void(Result<>)> done) override;
  void RunRetention(std::function<void(Result<>)> done) override;
  void TakeSnapshot(SnapshotRequest request, SnapshotDone done) override {
    taker_->Take(std::move(request), std::move(done));
  }
  Result<std::vector<SnapshotSummary>> ListSnapshots() override { return snapshots_.List(); }
  Result<SnapshotContents> ReadSnapshot(std::string_view id) override {
    return snapshots_.Read(id);
  }
  Result<> DeleteSnapshot(std::string_view id) override;
  Result<SnapshotVerification> VerifySnapshot(std::string_view id,
                                              const std::stop_token& stop) override {
    return snapshots_.Verify(id, stop);
  }
  Result<SnapshotHold> HoldSnapshot(std::string_view id, std::string holder) override {
    return snapshots_.Hold(id, std::move(holder));
  }
  void Close() override;

 private:
  using SharedPass = std::shared_ptr<Gate::Pass>;
  SharedPass Enter() { return std::make_shared<Gate::Pass>(gate_.Enter()); }

  Result<> CheckStop() const;

  // Start, in this order.
  Result<> OpenLog();
  Result<> CheckLogId() const;
  void MakeTableEnvironment();
  Result<> OpenGroups();
  Result<> OpenGroup(Catalog catalog, const std::string& name);
  Result<> OpenSchemaGroup(bool fresh);
  void RaiseRecorded(const GroupStore::Recorded& recorded);
  Result<> CheckLogCovers();
  Result<> Replay();
  Result<> LoadSchema();
  void MakeSchemaChanges();
  void MakeSnapshotTaker();
  Result<> SettleIdentity();
  Result<> ApplyParked();
  void ReportUnknownGroups();
  Result<> MakeOwnObjects();

  // A restore that waits (restore_start.h).
  bool IsReplaced(Catalog catalog, std::string_view name) const;
  Result<> ImportRestored();
  Result<> CommitRestored();
  std::vector<std::shared_ptr<GroupStore>> ReplacedStores() const;
  Result<> CloseReplaced(const std::vector<std::shared_ptr<GroupStore>>& stores);
  Result<> PlaceRestored(const std::vector<std::shared_ptr<GroupStore>>& replaced);
  Result<> ChangeAndWait(PrepareChange prepare);

  void SetReadOnly(const std::string& reason);
  GroupStore::Options StoreOptions(Catalog catalog, std::string name, GroupId id,
                                   GroupLayout layout);
  bool IsLive(SubjectId subject) const;
  void EnsureStores();
  void EnsureStore(const SchemaObject& group);
  Result<> Submit(std::vector<Routed> rows, LogRecord record, Durability must,
                  std::function<void(PositionPins::Pin)> visible);
  void ApplyChange(const SchemaChange& change, const PositionPins::Pin& pin);
  void RemoveExpiredSegments(Removals::Token token, std::function<void(Result<>)> done);
  Result<> RemoveExpired(const std::shared_ptr<GroupStore>& store,
                         const std::function<void(Result<>)>& report);
  Result<> Mark(std::function<void(LogPosition, Scn)> done);
  std::vector<SnapshotTaker::Group> GroupsForSnapshot();
  void ForEachTable(const std::function<void(TsTable&, std::function<void(Result<>)>)>& act,
                    std::function<void(Result<>)> done);
  void ScheduleWatch();
  void Watch();
  void PostTidying();
  void Tidy();
  bool IsHousekeepingDue();

  // Constant after Start().
  const DatabaseEnvironment environment_;
  const DatabaseOptions options_;
  const UnixNanos opened_at_;
  std::unique_ptr<FileLock> lock_;
  NodeIdentity identity_;
  bool identity_found_ = false;
  std::unique_ptr<Log> log_;
  std::unique_ptr<TableEnvironment> table_environment_;
  std::shared_ptr<GroupStore> schema_group_;
  std::unique_ptr<SchemaRegistry> registry_;
  std::unique_ptr<SchemaChanges> changes_;
  std::unique_ptr<SnapshotTaker> taker_;
  GroupStore::Recorded recorded_;
  std::unique_ptr<RestoreStart> restore_;  // during Start() only
  std::atomic<bool> importing_{false};     // directories of restored groups are not in place yet

  // Provide their own synchronisation.
  Gate gate_;
  PositionPins pins_;
  DiskWatch disk_;
  ClockWatch clock_watch_;
  LiveGroups groups_;
  Removals removals_;
  SealLine seal_;
  SnapshotStore snapshots_;
  RowMemory row_memory_;
  LogTrimmer trimmer_;
  std::atomic<bool> schema_trusted_{false};
  std::atomic<uint64_t> parked_{0};
  std::atomic<bool> tidying_posted_{false};  // and has not come to its end

  mutable Mutex mutex_;
  std::string read_only_reason_ GUARDED_BY(mutex_);
  bool closing_ GUARDED_BY(mutex_) = false;
  std::shared_ptr<Executor::Timer> watch_timer_ GUARDED_BY(mutex_);
  int64_t housekeeping_at_ GUARDED_BY(mutex_);
};

// What a group's schema means for its files.
GroupLayout LayoutOf(const GroupSchema& schema);

}  // namespace ficus
