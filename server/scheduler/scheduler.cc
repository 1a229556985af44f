#include "server/scheduler/scheduler.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include <fmt/core.h>

#include "engine/base/check.h"
#include "engine/base/gate.h"
#include "engine/base/log.h"
#include "engine/base/mutex.h"
#include "engine/io/publish.h"
#include "engine/runtime/strand.h"
#include "server/scheduler/scheduler_state.h"
#include "server/scheduler/slot_ledger.h"

namespace ficus {
namespace {

constexpr int64_t kLookNanosMax = 60 * kNanosPerSecond;
constexpr int64_t kLookNanosMin = kNanosPerMilli;
// Two clocks that drift by less say nothing about a step.
constexpr int64_t kStepNanos = 5 * kNanosPerSecond;

Error NoSuchJob(const std::string& name) {
  return {ErrorCode::kNotFound, fmt::format("no scheduled job {}", name)};
}

Result<> CheckJobs(const std::vector<ScheduledJob>& jobs) {
  std::set<std::string> names;
  for (const ScheduledJob& job : jobs) {
    if (job.name.empty() || job.name.size() > kJobNameBytesMax) {
      return Error{ErrorCode::kInvalidArgument, "a scheduled job has no name, or too long a one"};
    }
    if (!names.insert(job.name).second) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("two scheduled jobs have the name {}", job.name)};
    }
  }
  if (jobs.size() > kJobsMax) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("more than {} jobs", kJobsMax)};
  }
  return Ok();
}

// Seconds, as in "2026-11-20 09:05:00 (Europe/Berlin)".
std::string LocalText(UnixNanos time, const TimeZone& zone) {
  const ClockReading local = zone.At(time);
  return fmt::format("{:04}-{:02}-{:02} {:02}:{:02}:{:02} ({})", local.year, local.month, local.day,
                     local.hour, local.minute, local.second, zone.name());
}

struct Job {
  Job(SlotLedger slots, JobRecord saved) : ledger(std::move(slots)), record(std::move(saved)) {}

  SlotLedger ledger;
  JobRecord record;  // its marks are those of `ledger` when it is saved
  // The queued slot is a catch-up.
  bool queued_catch_up = false;
  uint64_t run_number = 0;  // of the run in progress
  bool removed = false;     // stays until its run has ended
};

// The part that jobs on the executor share: it lives as long as the last of them.
class Core : public std::enable_shared_from_this<Core> {
 public:
  explicit Core(SchedulerOptions options)
      : options_(std::move(options)), strand_(*options_.executor) {}

  void Open(std::vector<ScheduledJob> jobs);
  Result<> Put(std::vector<ScheduledJob> jobs, bool replaces_all);
  Result<> Remove(const std::string& name);
  Result<> SetPaused(const std::string& name, bool paused);
  Result<std::vector<UnixNanos>> Next(const std::string& name, size_t count) const;
  Result<JobStatus> Status(const std::string& name) const;
  std::vector<JobStatus> Statuses() const;
  std::optional<Error> state_error() const;
  void Shut();
  void Close();

  // Of a run; from any thread.
  void OnDone(const std::string& name, uint64_t run_number, const Result<>& result);

 private:
  struct Started {
    JobRun run;
    uint64_t number;
  };
  // What one look leads to; acted upon without the lock.
  struct Outcome {
    std::vector<Started> started;
    std::vector<std::pair<std::string_view, std::string>> notes;  // event, text
  };

  ClockLook Look() const { return {options_.clock->Now(), options_.clock->Monotonic()}; }
  std::vector<JobRecord> ReadState();
  void SetStateAside(const Error& why);
  void Adopt(ScheduledJob job, const ClockLook& look, std::optional<JobRecord> saved)
      REQUIRES(mutex_);
  void Forget(const std::string& name) REQUIRES(mutex_);
  const Job* Find(const std::string& name) const REQUIRES(mutex_);
  JobStatus StatusOf(const Job& job, const ClockLook& look) const REQUIRES(mutex_);

  void PostTick();
  void Tick();
  void NoteStep(const ClockLook& look, Outcome& outcome) REQUIRES(mutex_);
  void TakeDue(Job& job, const ClockLook& look, Outcome& outcome) REQUIRES(mutex_);
  void Begin(Job& job, UnixNanos slot, bool catch_up, const ClockLook& look, Outcome& outcome)
      REQUIRES(mutex_);
  void Replace(Job& old, ScheduledJob job, const ClockLook& look) REQUIRES(mutex_);
  void Run(const Started& started);
  void ArmTimer();
  void Save();

  const SchedulerOptions options_;
  Strand strand_;
  Gate gate_;  // ticks

  mutable Mutex mutex_;
  CondVar run_ended_;
  std::map<std::string, Job> jobs_ GUARDED_BY(mutex_);
  std::shared_ptr<Executor::Timer> timer_ GUARDED_BY(mutex_);
  std::optional<ClockLook> last_look_ GUARDED_BY(mutex_);
  std::optional<Error> state_error_ GUARDED_BY(mutex_);
  size_t running_ GUARDED_BY(mutex_) = 0;
  uint64_t runs_begun_ GUARDED_BY(mutex_) = 0;
  bool unsaved_ GUARDED_BY(mutex_) = false;
  bool shut_ GUARDED_BY(mutex_) = false;
};

// Reports the end of one run, once, even when the runner never does.
class RunEnd {
 public:
  RunEnd(std::shared_ptr<Core> core, std::string name, uint64_t number)
      : core_(std::move(core)), name_(std::move(name)), number_(number) {}
  ~RunEnd() { Report(Error{ErrorCode::kCancelled, "the run ended without a result"}); }

  void Report(const Result<>& result) {
    if (!reported_.exchange(true)) core_->OnDone(name_, number_, result);
  }

 private:
  const std::shared_ptr<Core> core_;
  const std::string name_;
  const uint64_t number_;
  std::atomic<bool> reported_{false};
};

void Core::Open(std::vector<ScheduledJob> jobs) {
  std::map<std::string, JobRecord> saved;
  for (JobRecord& record : ReadState()) {
    std::string name = record.name;
    saved.emplace(std::move(name), std::move(record));
  }
  const ClockLook look = Look();
  {
    MutexLock lock(mutex_);
    for (ScheduledJob& job : jobs) {
      const auto found = saved.find(job.name);
      Adopt(std::move(job), look,
            found == saved.end() ? std::nullopt : std::optional(std::move(found->second)));
    }
    unsaved_ = true;
  }
  Save();
  PostTick();
}

std::vector<JobRecord> Core::ReadState() {
  const Result<std::string> bytes =
      ReadWholeFile(*options_.fs, options_.state_path, kSchedulerStateBytesMax, FileClass::kTool);
  if (!bytes && bytes.error().code == ErrorCode::kNotFound) return {};
  Result<std::vector<JobRecord>> jobs =
      bytes ? DecodeSchedulerState(*bytes) : Result<std::vector<JobRecord>>(bytes.error());
  if (jobs) return *std::move(jobs);
  SetStateAside(jobs.error());
  return {};
}

void Core::SetStateAside(const Error& why) {
  const std::string aside =
      fmt::format("{}.damaged-{:016x}", options_.state_path, options_.random->Next());
  const Result<> renamed = options_.fs->Rename(options_.state_path, aside, FileClass::kTool);
  LogError(
      "scheduler.state", "{}; {}; every scheduled job counts as new", why.ToString(),
      renamed ? "kept as " + aside : "and it cannot be kept aside: " + renamed.error().ToString());
}

void Core::Adopt(ScheduledJob job, const ClockLook& look, std::optional<JobRecord> saved) {
  const std::string name = job.name;
  JobRecord record = saved ? *std::move(saved) : JobRecord();
  const bool same_slots = record.schedule == job.schedule.text() && record.zone == job.zone.name();
  SlotMarks marks = same_slots ? std::move(record.marks) : SlotMarks{look.wall, {}};
  const bool makes_up = same_slots && job.missed == MissedPolicy::kRunOnce;
  record.name = name;
  record.schedule = job.schedule.text();
  record.zone = job.zone.name();
  Job adopted(SlotLedger(std::move(job), options_.node_id, std::move(marks), look),
              std::move(record));
  JobRecord& kept = adopted.record;
  if (kept.running) {
    kept.running = false;
    ++kept.failures;
    kept.last_end = look.wall;
    kept.last_error = Error{ErrorCode::kCancelled, "the node stopped during the run"};
  }
  if (kept.queued_slot) {
    ++kept.missed;
    adopted.queued_catch_up = true;
    if (!makes_up) kept.queued_slot.reset();
  }
  jobs_.insert_or_assign(name, std::move(adopted));
}

Result<> Core::Put(std::vector<ScheduledJob> jobs, bool replaces_all) {
  RETURN_IF_ERROR(CheckJobs(jobs));
  const ClockLook look = Look();
  {
    MutexLock lock(mutex_);
    std::set<std::string> names;
    for (const ScheduledJob& job : jobs) names.insert(job.name);
    if (!replaces_all) {
      const auto others = std::count_if(jobs_.begin(), jobs_.end(), [&](const auto& item) {
        return !item.second.removed && names.count(item.first) == 0;
      });
      if (static_cast<size_t>(others) + names.size() > kJobsMax) {
        return Error{ErrorCode::kResourceExhausted, fmt::format("{} jobs are there", kJobsMax)};
      }
    }
    std::vector<std::string> gone;
    for (const auto& [name, job] : jobs_) {
      if (replaces_all && names.count(name) == 0) gone.push_back(name);
    }
    for (const std::string& name : gone) Forget(name);
    for (ScheduledJob& job : jobs) {
      const auto found = jobs_.find(job.name);
      if (found == jobs_.end()) {
        Adopt(std::move(job), look, std::nullopt);
      } else {
        Replace(found->second, std::move(job), look);
      }
    }
    unsaved_ = true;
  }
  PostTick();
  return Ok();
}

void Core::Replace(Job& old, ScheduledJob job, const ClockLook& look) {
  JobRecord record = old.removed ? JobRecord() : old.record;
  const bool same_slots = record.schedule == job.schedule.text() && record.zone == job.zone.name();
  SlotMarks marks = same_slots ? old.ledger.marks() : SlotMarks{look.wall, {}};
  record.name = job.name;
  record.schedule = job.schedule.text();
  record.zone = job.zone.name();
  record.running = old.run_number != 0;
  if (!same_slots) record.queued_slot.reset();
  Job fresh(SlotLedger(std::move(job), options_.node_id, std::move(marks), look),
            std::move(record));
  fresh.run_number = old.run_number;
  fresh.queued_catch_up = old.queued_catch_up;
  old = std::move(fresh);
}

Result<> Core::Remove(const std::string& name) {
  {
    MutexLock lock(mutex_);
    if (Find(name) == nullptr) return NoSuchJob(name);
    Forget(name);
    unsaved_ = true;
  }
  PostTick();
  return Ok();
}

void Core::Forget(const std::string& name) {
  const auto found = jobs_.find(name);
  if (found == jobs_.end()) return;
  if (found->second.run_number == 0) {
    jobs_.erase(found);
  } else {
    found->second.removed = true;
    found->second.record.queued_slot.reset();
  }
}

const Job* Core::Find(const std::string& name) const {
  const auto found = jobs_.find(name);
  return found == jobs_.end() || found->second.removed ? nullptr : &found->second;
}

Result<> Core::SetPaused(const std::string& name, bool paused) {
  {
    MutexLock lock(mutex_);
    if (Find(name) == nullptr) return NoSuchJob(name);
    Job& job = jobs_.find(name)->second;
    if (job.record.paused == paused) return Ok();
    job.record.paused = paused;
    job.record.queued_slot.reset();
    if (!paused) job.ledger.Forget(Look());
    unsaved_ = true;
  }
  PostTick();
  return Ok();
}

Result<std::vector<UnixNanos>> Core::Next(const std::string& name, size_t count) const {
  MutexLock lock(mutex_);
  const Job* const job = Find(name);
  if (job == nullptr) return NoSuchJob(name);
  return job->ledger.Next(std::min(count, kNextSlotsMax), Look());
}

JobStatus Core::StatusOf(const Job& job, const ClockLook& look) const {
  const JobRecord& record = job.record;
  JobStatus status;
  status.name = record.name;
  status.schedule = record.schedule;
  status.zone = record.zone;
  status.paused = record.paused;
  status.running = record.running;
  status.queued = record.queued_slot.has_value();
  status.last_slot = record.last_slot;
  status.last_start = record.last_start;
  status.last_end = record.last_end;
  status.last_error = record.last_error;
  status.last_success_end = record.last_success_end;
  status.runs = record.runs;
  status.failures = record.failures;
  status.missed = record.missed;
  status.skipped = record.skipped;
  if (record.paused) return status;
  const std::vector<UnixNanos> next = job.ledger.Next(1, look);
  const int64_t wait = job.ledger.Wait(look);
  if (!next.empty()) status.next_slot = next.front();
  if (wait != kNoSlot) status.next_due = look.wall + wait;
  return status;
}

Result<JobStatus> Core::Status(const std::string& name) const {
  MutexLock lock(mutex_);
  const Job* const job = Find(name);
  if (job == nullptr) return NoSuchJob(name);
  return StatusOf(*job, Look());
}

std::vector<JobStatus> Core::Statuses() const {
  MutexLock lock(mutex_);
  std::vector<JobStatus> statuses;
  for (const auto& [name, job] : jobs_) {
    if (!job.removed) statuses.push_back(StatusOf(job, Look()));
  }
  return statuses;
}

std::optional<Error> Core::state_error() const {
  MutexLock lock(mutex_);
  return state_error_;
}

void Core::PostTick() {
  strand_.Post([weak = weak_from_this()] {
    if (const std::shared_ptr<Core> core = weak.lock()) core->Tick();
  });
}

void Core::Tick() {
  const Gate::Pass pass = gate_.Enter();
  if (!pass) return;
  const ClockLook look = Look();
  Outcome outcome;
  {
    MutexLock lock(mutex_);
    if (shut_) return;
    NoteStep(look, outcome);
    for (auto& [name, job] : jobs_) {
      if (!job.removed && !job.record.paused) TakeDue(job, look, outcome);
    }
  }
  for (const auto& [event, text] : outcome.notes) LogWarn(event, "{}", text);
  Save();
  for (const Started& run : outcome.started) Run(run);
  ArmTimer();
}

void Core::NoteStep(const ClockLook& look, Outcome& outcome) {
  if (last_look_) {
    const int64_t step = (look.wall - last_look_->wall) - (look.monotonic - last_look_->monotonic);
    if (step > kStepNanos || step < -kStepNanos) {
      outcome.notes.emplace_back(
          "scheduler.clock_step",
          fmt::format("the wall clock was set {} by {} s", step > 0 ? "forward" : "back",
                      (step > 0 ? step : -step) / kNanosPerSecond));
    }
  }
  last_look_ = look;
}

void Core::TakeDue(Job& job, const ClockLook& look, Outcome& outcome) {
  JobRecord& record = job.record;
  const UnixNanos anchor = job.ledger.marks().anchor;
  const std::optional<SlotLedger::Due> due = job.ledger.Take(look);
  if (job.ledger.marks().anchor != anchor) unsaved_ = true;
  if (due && due->missed > 0) {
    record.missed += due->missed;
    outcome.notes.emplace_back(
        "scheduler.missed", fmt::format("job {}: {} missed, the newest slot is {}; {}", record.name,
                                        due->missed, LocalText(due->slot, job.ledger.job().zone),
                                        due->run ? "one run follows" : "missed slots are ignored"));
  }
  const bool runs = job.run_number != 0;
  if (due && due->run && runs) {
    if (job.ledger.job().overlap == OverlapPolicy::kQueue && !record.queued_slot) {
      record.queued_slot = due->slot;
      job.queued_catch_up = due->catch_up;
      return;
    }
    ++record.skipped;
    outcome.notes.emplace_back(
        "scheduler.skipped", fmt::format("job {}: still runs, so the slot {} is skipped",
                                         record.name, LocalText(due->slot, job.ledger.job().zone)));
  } else if (due && due->run) {
    // A slot that waits gives way to the newer one.
    if (record.queued_slot && !job.queued_catch_up) ++record.skipped;
    Begin(job, due->slot, due->catch_up, look, outcome);
  } else if (record.queued_slot && !runs) {
    Begin(job, *record.queued_slot, job.queued_catch_up, look, outcome);
  }
}

void Core::Begin(Job& job, UnixNanos slot, bool catch_up, const ClockLook& look, Outcome& outcome) {
  JobRecord& record = job.record;
  record.queued_slot.reset();
  record.running = true;
  record.last_slot = slot;
  record.last_start = look.wall;
  record.last_end.reset();
  record.last_error.reset();
  ++record.runs;
  job.run_number = ++runs_begun_;
  ++running_;
  unsaved_ = true;
  outcome.started.push_back({{record.name, slot, look.wall, catch_up}, job.run_number});
}

void Core::Run(const Started& started) {
  auto end = std::make_shared<RunEnd>(shared_from_this(), started.run.name, started.number);
  options_.executor->Post(
      [runner = options_.runner, run = started.run, end = std::move(end)]() mutable {
        auto done = [end = std::move(end)](const Result<>& result) { end->Report(result); };
        runner(run, std::move(done));
      });
}

void Core::OnDone(const std::string& name, uint64_t run_number, const Result<>& result) {
  const UnixNanos now = options_.clock->Now();
  bool looks_again = false;
  {
    MutexLock lock(mutex_);
    --running_;
    run_ended_.NotifyAll();
    const auto found = jobs_.find(name);
    CHECK(found != jobs_.end() && found->second.run_number == run_number);
    Job& job = found->second;
    JobRecord& record = job.record;
    job.run_number = 0;
    record.running = false;
    record.last_end = now;
    if (result) {
      record.last_success_end = now;
    } else {
      record.last_error = result.error();
      ++record.failures;
    }
    if (job.removed) jobs_.erase(found);
    unsaved_ = true;
    looks_again = !shut_;
  }
  if (looks_again) PostTick();
}

void Core::ArmTimer() {
  const ClockLook look = Look();
  int64_t delay = kLookNanosMax;
  std::shared_ptr<Executor::Timer> old;
  {
    MutexLock lock(mutex_);
    for (const auto& [name, job] : jobs_) {
      if (!job.removed && !job.record.paused) delay = std::min(delay, job.ledger.Wait(look));
    }
    old = std::move(timer_);
  }
  if (old != nullptr) old->Cancel();
  const auto look_again = [weak = weak_from_this()] {
    if (const std::shared_ptr<Core> core = weak.lock()) core->PostTick();
  };
  // One that is not kept looks once more and finds the scheduler shut.
  auto timer = options_.executor->PostAfter(std::max(delay, kLookNanosMin), look_again);
  MutexLock lock(mutex_);
  if (!shut_) timer_ = std::move(timer);
}

// One at a time: from Open, then from ticks, then from Close.
void Core::Save() {
  std::vector<JobRecord> records;
  {
    MutexLock lock(mutex_);
    if (!unsaved_) return;
    unsaved_ = false;
    for (const auto& [name, job] : jobs_) {
      if (job.removed) continue;
      records.push_back(job.record);
      records.back().marks = job.ledger.marks();
    }
  }
  const Result<> saved = PublishFile(*options_.fs, *options_.random, options_.state_path,
                                     EncodeSchedulerState(records), FileClass::kTool);
  MutexLock lock(mutex_);
  if (!saved) {
    // Runs matter more than their record; the next look tries again.
    if (!state_error_) LogError("scheduler.state", "cannot be saved: {}", saved.error().ToString());
    unsaved_ = true;
    state_error_ = saved.error();
  } else {
    state_error_.reset();
  }
}

void Core::Shut() {
  std::shared_ptr<Executor::Timer> timer;
  {
    MutexLock lock(mutex_);
    shut_ = true;
    timer = std::move(timer_);
  }
  if (timer != nullptr) timer->Cancel();
}

void Core::Close() {
  Shut();
  gate_.Close();
  {
    MutexLock lock(mutex_);
    while (running_ > 0) run_ended_.Wait(lock);
  }
  Save();
}

class SchedulerImpl final : public Scheduler {
 public:
  explicit SchedulerImpl(std::shared_ptr<Core> core) : core_(std::move(core)) {}
  ~SchedulerImpl() override { core_->Close(); }

  Result<> Put(ScheduledJob job) override { return core_->Put({std::move(job)}, false); }
  Result<> Remove(const std::string& name) override { return core_->Remove(name); }
  Result<> SetJobs(std::vector<ScheduledJob> jobs) override {
    return core_->Put(std::move(jobs), true);
  }
  Result<> Pause(const std::string& name) override { return core_->SetPaused(name, true); }
  Result<> Resume(const std::string& name) override { return core_->SetPaused(name, false); }
  Result<std::vector<UnixNanos>> Next(const std::string& name, size_t count) const override {
    return core_->Next(name, count);
  }
  Result<JobStatus> Status(const std::string& name) const override { return core_->Status(name); }
  std::vector<JobStatus> Statuses() const override { return core_->Statuses(); }
  std::optional<Error> state_error() const override { return core_->state_error(); }
  void Shut() override { core_->Shut(); }
  void Close() override { core_->Close(); }

 private:
  const std::shared_ptr<Core> core_;
};

}  // namespace

Result<std::unique_ptr<Scheduler>> Scheduler::Start(SchedulerOptions options,
                                                    std::vector<ScheduledJob> jobs) {
  RETURN_IF_ERROR(CheckJobs(jobs));
  auto core = std::make_shared<Core>(std::move(options));
  core->Open(std::move(jobs));
  return std::unique_ptr<Scheduler>(std::make_unique<SchedulerImpl>(std::move(core)));
}

}  // namespace ficus
