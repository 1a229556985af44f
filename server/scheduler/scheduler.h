// Runs named jobs by their schedules, each at most once for a slot and never twice at a time.
//
// Operation. One timer wakes the scheduler when the next job is due, and at least once a minute, so
// that a wall clock that was set is noticed. Before a run begins, the state file says durably that
// its slot was given out: a process that is killed never repeats a slot. A run that the end of the
// process interrupts counts as failed and is not repeated either; whoever does the work resumes it.
// schedule.h says what a slot is, slot_ledger.h what happens to those that were missed.
//
// Concurrency. All members: any thread, except Close. The runner is called on the executor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/io/file_system.h"
#include "engine/runtime/executor.h"
#include "server/scheduler/job.h"

namespace ficus {

struct SchedulerOptions {
  // All must outlive the scheduler; the executor is closed after it. Saving the state blocks a
  // thread of the executor for as long as an fsync takes.
  Executor* executor = nullptr;
  const Clock* clock = nullptr;
  FileSystem* fs = nullptr;
  RandomSource* random = nullptr;
  // The parent must exist. What cannot be understood is kept as "<path>.damaged-<16 hex digits>".
  std::string state_path = "scheduler-state";
  // Spreads the jitter over nodes.
  uint64_t node_id = 0;
  JobRunner runner;
};

class Scheduler {
 public:
  // Reads the state and starts with `jobs`; the state of others is forgotten. A damaged state file
  // is set aside, logged (scheduler.state), and treated as none: every job then counts as new, and
  // its slots begin now. kInvalidArgument: a job without a name, or two of one name.
  static Result<std::unique_ptr<Scheduler>> Start(SchedulerOptions options,
                                                  std::vector<ScheduledJob> jobs);
  virtual ~Scheduler() = default;  // closes

  // Adds the job, or replaces the one of this name: a new schedule or zone begins now, without
  // missed slots; otherwise nothing is forgotten. A run in progress goes on. kResourceExhausted:
  // kJobsMax are there.
  virtual Result<> Put(ScheduledJob job) = 0;
  // Forgets the job. A run in progress goes on, and Close waits for it. kNotFound.
  virtual Result<> Remove(const std::string& name) = 0;
  // Put for all of `jobs` and Remove for all others: what a changed configuration asks for.
  // kInvalidArgument as Start, and then nothing has changed.
  virtual Result<> SetJobs(std::vector<ScheduledJob> jobs) = 0;

  // A paused job starts no runs, over restarts too; slots of the pause are not missed.
  virtual Result<> Pause(const std::string& name) = 0;
  virtual Result<> Resume(const std::string& name) = 0;

  // The next `count` <= kNextSlotsMax slots, without jitter; fewer when there are no more.
  // kNotFound.
  virtual Result<std::vector<UnixNanos>> Next(const std::string& name, size_t count) const = 0;

  virtual Result<JobStatus> Status(const std::string& name) const = 0;
  // By name.
  virtual std::vector<JobStatus> Statuses() const = 0;

  // Why the state could not be saved the last time; none when it was. Runs go on without.
  virtual std::optional<Error> state_error() const = 0;

  // Starts no further runs; returns at once.
  virtual void Shut() = 0;
  // Shut, waits for the runs in progress to call `done`, saves the state. Cancel them first to be
  // quick. Idempotent; from outside the executor.
  virtual void Close() = 0;
};

inline constexpr size_t kNextSlotsMax = 1'000;

}  // namespace ficus
