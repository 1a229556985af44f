// Running a node: ficus.admin.v1.AdminService, over the backup service, the schedule and the
// database.
//
// Concurrency. Calls that read memory or a journal have a pool of their own beside the one for
// calls that wait for a store, so that a cancel never queues behind a verification; both are
// bounded, and beyond the bound a call is refused with RESOURCE_EXHAUSTED. A client that goes stops
// the work done for it, except a run, which is the node's own.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "engine/base/clock.h"
#include "ficus/admin/v1/admin.grpc.pb.h"
#include "server/backup/backup_service.h"
#include "server/rpc/admin_setup.h"
#include "server/rpc/blocking_calls.h"
#include "server/rpc/bounded_calls.h"

namespace ficus {

// All of it outlives the service.
struct AdminParts {
  const Clock& clock;
  MemoryLedger& ledger;
  NodeUpkeep& upkeep;
  BackupService& backups;
  const BackupSetup& setup;
  ScheduleControl& schedules;
  NodeConfiguration& configuration;
};

struct AdminOptions {
  size_t quick_threads = 2;
  size_t store_threads = 4;
  size_t waiting_max = 64;       // calls in each pool, running ones included
  size_t verifications_max = 2;  // at a time
  int64_t watch_interval_nanos = kNanosPerSecond / 2;
  int64_t verify_interval_nanos = kNanosPerSecond;
  // Of a list in one message: a client's default limit is 4 MiB.
  size_t items_per_message = 1000;
};

// Register with the server; close or destroy it after the server has stopped and before what
// `parts` refers to.
class AdminService final : public BoundedService<admin::v1::AdminService::CallbackService> {
 public:
  explicit AdminService(const AdminParts& parts, const AdminOptions& options = {});
  ~AdminService() override;

  // The node stops: ends the streams that follow a run or a verification, with UNAVAILABLE, within
  // an interval. Before the server is stopped, which would wait for them. Any thread.
  void Shut() { shut_ = true; }
  // Waits for work whose caller has gone. After the server has stopped.
  void Close();

  grpc::ServerUnaryReactor* RunBackup(grpc::CallbackServerContext* call,
                                      const admin::v1::RunBackupRequest* request,
                                      admin::v1::RunBackupResponse* response) override;
  grpc::ServerWriteReactor<admin::v1::WatchBackupResponse>* WatchBackup(
      grpc::CallbackServerContext* call, const admin::v1::WatchBackupRequest* request) override;
  grpc::ServerUnaryReactor* BackupStatus(grpc::CallbackServerContext* call,
                                         const admin::v1::BackupStatusRequest* request,
                                         admin::v1::BackupStatusResponse* response) override;
  grpc::ServerUnaryReactor* CancelBackup(grpc::CallbackServerContext* call,
                                         const admin::v1::CancelBackupRequest* request,
                                         admin::v1::CancelBackupResponse* response) override;
  grpc::ServerWriteReactor<admin::v1::ListBackupsResponse>* ListBackups(
      grpc::CallbackServerContext* call, const admin::v1::ListBackupsRequest* request) override;
  grpc::ServerWriteReactor<admin::v1::ShowBackupResponse>* ShowBackup(
      grpc::CallbackServerContext* call, const admin::v1::ShowBackupRequest* request) override;
  grpc::ServerWriteReactor<admin::v1::VerifyBackupResponse>* VerifyBackup(
      grpc::CallbackServerContext* call, const admin::v1::VerifyBackupRequest* request) override;
  grpc::ServerUnaryReactor* PruneBackups(grpc::CallbackServerContext* call,
                                         const admin::v1::PruneBackupsRequest* request,
                                         admin::v1::PruneBackupsResponse* response) override;
  grpc::ServerUnaryReactor* ListRemotes(grpc::CallbackServerContext* call,
                                        const admin::v1::ListRemotesRequest* request,
                                        admin::v1::ListRemotesResponse* response) override;
  grpc::ServerUnaryReactor* TestRemote(grpc::CallbackServerContext* call,
                                       const admin::v1::TestRemoteRequest* request,
                                       admin::v1::TestRemoteResponse* response) override;
  grpc::ServerUnaryReactor* ListSchedules(grpc::CallbackServerContext* call,
                                          const admin::v1::ListSchedulesRequest* request,
                                          admin::v1::ListSchedulesResponse* response) override;
  grpc::ServerUnaryReactor* PauseSchedule(grpc::CallbackServerContext* call,
                                          const admin::v1::PauseScheduleRequest* request,
                                          admin::v1::PauseScheduleResponse* response) override;
  grpc::ServerUnaryReactor* ResumeSchedule(grpc::CallbackServerContext* call,
                                           const admin::v1::ResumeScheduleRequest* request,
                                           admin::v1::ResumeScheduleResponse* response) override;
  grpc::ServerUnaryReactor* Flush(grpc::CallbackServerContext* call,
                                  const admin::v1::FlushRequest* request,
                                  admin::v1::FlushResponse* response) override;
  grpc::ServerUnaryReactor* Merge(grpc::CallbackServerContext* call,
                                  const admin::v1::MergeRequest* request,
                                  admin::v1::MergeResponse* response) override;
  grpc::ServerUnaryReactor* ConfirmClock(grpc::CallbackServerContext* call,
                                         const admin::v1::ConfirmClockRequest* request,
                                         admin::v1::ConfirmClockResponse* response) override;
  grpc::ServerUnaryReactor* ReloadConfig(grpc::CallbackServerContext* call,
                                         const admin::v1::ReloadConfigRequest* request,
                                         admin::v1::ReloadConfigResponse* response) override;
  grpc::ServerUnaryReactor* ListSnapshots(grpc::CallbackServerContext* call,
                                          const admin::v1::ListSnapshotsRequest* request,
                                          admin::v1::ListSnapshotsResponse* response) override;
  grpc::ServerUnaryReactor* DeleteSnapshot(grpc::CallbackServerContext* call,
                                           const admin::v1::DeleteSnapshotRequest* request,
                                           admin::v1::DeleteSnapshotResponse* response) override;
  grpc::ServerUnaryReactor* VerifySnapshot(grpc::CallbackServerContext* call,
                                           const admin::v1::VerifySnapshotRequest* request,
                                           admin::v1::VerifySnapshotResponse* response) override;

 private:
  // The name itself, or the only remote when it is empty. kInvalidArgument, kNotFound.
  Result<std::string> RemoteOf(const std::string& name) const;
  Result<RunRequest> RequestOf(const admin::v1::RunBackupRequest& request) const;
  // What the jobs of a remote keep, each rule taken at its largest. kFailedPrecondition.
  Result<KeepRule> KeepOf(const std::string& remote) const;
  Result<> FillStatus(const admin::v1::BackupStatusRequest& request,
                      admin::v1::BackupStatusResponse& response, const std::stop_token& stop) const;
  void FillRestorePoint(const RemoteSetup& remote, admin::v1::RestorePoint& point,
                        const std::stop_token& stop) const;
  bool IsBusy(const std::string& remote) const;

  const AdminParts parts_;
  const AdminOptions options_;
  std::atomic<bool> shut_{false};
  std::unique_ptr<BoundedPool> quick_;
  std::unique_ptr<BoundedPool> store_;
  std::unique_ptr<BoundedPool> verify_;
};

}  // namespace ficus
