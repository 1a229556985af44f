// What the admin service asks of the node besides its backups: what is configured, the schedule,
// and the upkeep of tables and snapshots. The daemon implements all but the last over its
// configuration and its scheduler; the last is DatabaseUpkeep.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "engine/snapshot/snapshot_store.h"
#include "server/backup/backup_spec.h"

namespace ficus {

struct RemoteSetup {
  std::string name;
  std::string url;  // without credentials
};

struct JobSetup {
  std::string name;
  std::string remote;
  KeepRule keep;
};

// The configuration of the moment. Any thread; never blocks for long.
class BackupSetup {
 public:
  virtual ~BackupSetup() = default;
  virtual std::vector<RemoteSetup> Remotes() const = 0;
  virtual std::vector<JobSetup> Jobs() const = 0;
};

struct ScheduleView {
  std::string job;
  std::string remote;
  std::string schedule;  // as the configuration has it
  std::string time_zone;
  bool paused = false;
  bool running = false;
  std::vector<UnixNanos> next;  // coming times, in order
  std::optional<UnixNanos> last_started_at;
  std::optional<UnixNanos> last_ended_at;
  std::string last_error;  // empty: the last run succeeded
  uint64_t runs = 0;
  uint64_t failures = 0;
  uint64_t missed = 0;   // not started in time, whether or not a run made up for them
  uint64_t skipped = 0;  // due while the run before was still under way
};

// The jobs that run by the clock. Any thread; may write a small file.
class ScheduleControl {
 public:
  virtual ~ScheduleControl() = default;
  // In the order of the configuration, each with the next `next_count` times.
  virtual std::vector<ScheduleView> List(size_t next_count) const = 0;
  // Both are idempotent. kNotFound: no schedule has this job.
  virtual Result<> Pause(std::string_view job) = 0;
  virtual Result<> Resume(std::string_view job) = 0;
};

// What reading the configuration again came to: keys, without values.
struct ReloadReport {
  std::vector<std::string> changed;       // taken over
  std::vector<std::string> need_restart;  // differ, and count from the next start on
};

// The configuration that the node was started with. Any thread; blocks on a disk.
class NodeConfiguration {
 public:
  virtual ~NodeConfiguration() = default;
  // kInvalidArgument lists what is wrong with it; nothing has changed then.
  virtual Result<ReloadReport> Reload() = 0;
};

// What an operator may ask of the tables. Any thread; the snapshot calls block.
class NodeUpkeep {
 public:
  using Done = std::function<void(Result<>)>;

  virtual ~NodeUpkeep() = default;
  // As Database says.
  virtual void FlushAll(Done done) = 0;
  virtual void MergeAll(Done done) = 0;
  virtual void ConfirmClock() = 0;
  virtual Result<std::vector<SnapshotSummary>> ListSnapshots() = 0;
  virtual Result<> DeleteSnapshot(std::string_view id) = 0;
  virtual Result<SnapshotVerification> VerifySnapshot(std::string_view id,
                                                      const std::stop_token& stop) = 0;
};

}  // namespace ficus
