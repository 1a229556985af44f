// The backups of a node: runs jobs, shows how far they are, and looks into the destinations.
//
// The daemon creates one, hands it to the scheduler (Run) and to the admin service (all of it), and
// destroys it before the database. Each run has a thread of its own; one run at a time works on a
// destination, the others wait. A run that the process's end interrupts is journalled below
// `<root>/backup/` and goes on after the next start.
//
// Threads: all members from any thread. Calls that take a stop token block on the store.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/metrics.h"
#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/io/file_system.h"
#include "server/backup/backup_spec.h"
#include "server/backup/manifest.h"
#include "server/backup/pause.h"
#include "server/backup/pruner.h"
#include "server/backup/repository.h"
#include "server/backup/run_status.h"
#include "server/backup/snapshot_source.h"
#include "server/backup/verifier.h"
#include "server/remote/object_store.h"
#include "server/remote/store_probe.h"

namespace ficus {

// What to do at start with a run that the end of the process interrupted.
enum class OnRestart : uint8_t { kResume, kClean };

inline constexpr size_t kUploadConcurrencyMax = 64;

struct Destination {
  std::string name;
  std::shared_ptr<ObjectStore> store;
  OnRestart on_restart = OnRestart::kResume;
  size_t upload_concurrency = 4;  // 1 to kUploadConcurrencyMax
};

struct BackupSettings {
  std::vector<Destination> destinations;  // names differ
  std::vector<BackupJobSpec> jobs;        // names differ and are not empty
};

struct RunRequest {
  std::string job;                    // of the settings; or
  std::optional<BackupJobSpec> spec;  // a run by hand; its remote must be configured
  bool dry_run = false;               // plans and counts, changes nothing in the store
  // Called once when the run has ended, on its thread. Not for one that a later start resumes.
  std::function<void(const RunStatus&)> on_end;
};

struct BackupDetails {
  BackupEntry entry;
  BackupManifest manifest;  // of the entry's commit
};

class BackupService {
 public:
  struct Parts {
    FileSystem& file_system;  // rooted at the node's root
    const Clock& clock;
    RandomSource& random;
    MetricRegistry& metrics;
    SnapshotSource& snapshots;
    uint64_t node_id = 0;
    Pause pause = PauseFor;  // of a run whose destination is in use
  };

  // Reads the journals of interrupted runs; they are resumed or cleaned in the background. What
  // `parts` refers to must outlive the service. kCorruption never comes from a torn journal: what
  // it holds up to the tear counts.
  static Result<std::unique_ptr<BackupService>> Create(const Parts& parts, BackupSettings settings);
  // Stops the runs within seconds and leaves them resumable.
  virtual ~BackupService() = default;

  // Replaces destinations and jobs; runs under way keep what they began with. kInvalidArgument
  // changes nothing.
  virtual Result<> Configure(BackupSettings settings) = 0;

  // Starts a run and returns its id. kNotFound for an unknown job or remote; kAlreadyExists, with
  // the id in the text, when this job waits or runs already.
  virtual Result<std::string> Run(RunRequest request) = 0;

  // Runs under way and the last ones that ended, newest first.
  virtual std::vector<RunStatus> Status() const = 0;
  virtual Result<RunStatus> Status(std::string_view run) const = 0;
  // Asks a run to stop and removes what it has left in the store, also one that has failed and is
  // kept; returns when it has ended, within five seconds. What the store did not let us remove by
  // then is removed by the next run; a kept one behind a run under way is removed after that.
  virtual Result<RunStatus> Cancel(std::string_view run) = 0;
  // Until the run has ended.
  virtual Result<RunStatus> Wait(std::string_view run, std::stop_token stop) const = 0;

  // What the destination holds; StatusOf (repository_status.h) sums it up.
  virtual Result<RepositoryListing> List(std::string_view remote, std::stop_token stop) = 0;
  // kNotFound when nothing is committed there.
  virtual Result<BackupDetails> Show(std::string_view remote, std::string_view timedir,
                                     std::stop_token stop) = 0;
  // Reads back and records the verdict in the store. Damage is no error: see `damaged`.
  virtual Result<VerificationRecord> Verify(std::string_view remote, std::string_view timedir,
                                            VerifyLevel level, double sample_percent,
                                            std::stop_token stop,
                                            const VerifyProgressSink& progress = {}) = 0;
  // Removes what `keep` does not hold of each scope; under the destination's lease. kAlreadyExists
  // while a run works there; runs that come meanwhile wait.
  virtual Result<PruneReport> Prune(std::string_view remote, const KeepRule& keep, bool dry_run,
                                    std::stop_token stop) = 0;
  // The wall clock is right: pruning goes on until it steps again.
  virtual void ConfirmClock() = 0;
  // Writes, reads, lists and deletes probe objects below `_meta/probe-<random>/` and says what the
  // store does with each request.
  virtual Result<std::vector<ProbeVerdict>> TestRemote(std::string_view remote,
                                                       std::stop_token stop) = 0;
};

}  // namespace ficus
