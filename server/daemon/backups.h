// The backups of a running node: the destinations and jobs of its configuration, the service that
// runs them, and the schedule that starts them.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "engine/base/clock.h"
#include "engine/base/metrics.h"
#include "engine/base/mutex.h"
#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/database/database.h"
#include "engine/io/file_system.h"
#include "engine/runtime/executor.h"
#include "server/backup/backup_service.h"
#include "server/backup/database_snapshot_source.h"
#include "server/rpc/admin_setup.h"
#include "server/scheduler/scheduler.h"

namespace ficus {

// The store of a remote, wrapped as its configuration says. Without metrics nothing is counted;
// they outlive the store.
Result<std::shared_ptr<ObjectStore>> OpenRemote(const std::string& name, const RemoteConfig& remote,
                                                MetricRegistry* metrics);

// Threads: any, but Start and Close.
class Backups final : public BackupSetup, public ScheduleControl {
 public:
  // All of it outlives the backups.
  struct Parts {
    FileSystem& fs;  // rooted at storage.path
    const Clock& clock;
    RandomSource& random;
    MetricRegistry& metrics;
    Database& database;
    Executor& executor;  // of the scheduler; a thread that may wait for an fsync
  };

  // Goes on with what an earlier process left, and starts the schedule. kInvalidArgument names what
  // of the configuration cannot be.
  static Result<std::unique_ptr<Backups>> Start(const Config& config, const Parts& parts);
  ~Backups() override { Close(); }

  // Until Close().
  BackupService& service() {
    MutexLock lock(mutex_);
    return *service_;
  }

  // Starts nothing more; runs end within seconds and can be resumed by the next start. Idempotent.
  void Close();

  std::vector<RemoteSetup> Remotes() const override;
  std::vector<JobSetup> Jobs() const override;
  std::vector<ScheduleView> List(size_t next_count) const override;
  Result<> Pause(std::string_view job) override;
  Result<> Resume(std::string_view job) override;

 private:
  Backups(const Config& config, const Parts& parts);
  Result<> StartAll();
  void CollectSchedule(std::vector<MetricFamily>& families) const;
  void RunJob(const JobRun& run, std::function<void(Result<>)> done);

  const std::map<std::string, RemoteConfig> remotes_;
  const std::map<std::string, BackupConfig> jobs_;
  const Parts parts_;
  DatabaseSnapshotSource snapshots_;
  Mutex mutex_;
  std::unique_ptr<BackupService> service_ GUARDED_BY(mutex_);
  std::unique_ptr<Scheduler> scheduler_;
  std::shared_ptr<void> collector_;
};

}  // namespace ficus
