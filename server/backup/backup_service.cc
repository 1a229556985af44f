#include "server/backup/backup_service.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "engine/base/id.h"
#include "engine/base/log.h"
#include "engine/base/mutex.h"
#include "engine/runtime/thread.h"
#include "engine/runtime/thread_priority.h"
#include "server/backup/backup_job.h"
#include "server/backup/backup_metrics.h"
#include "server/backup/backup_scope.h"
#include "server/backup/layout.h"
#include "server/backup/lease.h"
#include "server/backup/pause.h"
#include "server/backup/repository_keys.h"
#include "server/backup/repository_status.h"
#include "server/backup/run_journal.h"
#include "server/backup/time_limit.h"
#include "server/backup/utc_time.h"

namespace ficus {
namespace {

constexpr size_t kEndedRunsMax = 64;
// What is left of five seconds for taking a run back, less what its lease takes to be released.
constexpr int64_t kTakeBackTime = 3 * kNanosPerSecond;
constexpr std::chrono::seconds kCancelTime{5};
// A run that was not finished is tried again until its failures add up to this; then it is taken
// back. A store that is away may come back, so that counts for little.
constexpr uint32_t kFailuresMax = 12;
constexpr uint32_t kFailure = 4;
constexpr uint32_t kAway = 1;
// The wall clock may drift by this much against the monotonic one before pruning asks.
constexpr int64_t kClockStepMax = kNanosPerHour;

struct ServiceRun {
  ServiceRun(const Clock& clock, RunStatus begin) : progress(clock, std::move(begin)) {}

  std::string id;
  std::string remote;
  Destination destination;
  BackupJobSpec spec;
  bool dry_run = false;
  bool resume = false;
  std::function<void(const RunStatus&)> on_end;
  RunProgress progress;
  std::stop_source stop;
  std::jthread thread;
  // Its own thread's.
  bool keep = false;          // to be finished by a later run
  uint32_t failures = 0;      // of earlier tries, weighed
  uint64_t files_before = 0;  // in their places after the last try
  // Guarded by the service's mutex.
  bool cancel = false;
  bool in_turn = false;  // nobody else works on the destination any more
  bool ended = false;
};

// A run to be finished or taken back by a later one.
struct Leftover {
  std::string run;
  BackupJobSpec spec;
  uint32_t failures = 0;
  uint64_t files_before = 0;
  bool is_given_up() const { return failures >= kFailuresMax; }
};

uint64_t FilesInPlace(const RunStatus& status) {
  return status.moved.files_sent + status.moved.files_copied + status.moved.files_kept;
}

uint32_t WeightOf(ErrorCode code) {
  if (code == ErrorCode::kCancelled) return 0;
  return code == ErrorCode::kUnavailable || code == ErrorCode::kDeadlineExceeded ? kAway : kFailure;
}

using RunPointer = std::shared_ptr<ServiceRun>;

Result<> CheckSettings(const BackupSettings& settings) {
  std::set<std::string> names;
  for (const Destination& destination : settings.destinations) {
    if (destination.store == nullptr) {
      return Error{ErrorCode::kInvalidArgument, "remote " + destination.name + " has no store"};
    }
    if (!names.insert(destination.name).second) {
      return Error{ErrorCode::kInvalidArgument, "remote " + destination.name + " is there twice"};
    }
    if (destination.upload_concurrency < 1 ||
        destination.upload_concurrency > kUploadConcurrencyMax) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("remote {}: upload concurrency must be 1 to {}", destination.name,
                               kUploadConcurrencyMax)};
    }
  }
  std::set<std::string> jobs;
  for (const BackupJobSpec& job : settings.jobs) {
    if (job.name.empty() || !jobs.insert(job.name).second) {
      return Error{ErrorCode::kInvalidArgument, "backup job '" + job.name + "': bad name"};
    }
    if (names.count(job.remote) == 0) {
      return Error{ErrorCode::kInvalidArgument,
                   "backup job " + job.name + " names the unknown remote " + job.remote};
    }
  }
  return Ok();
}

Error NoRun(std::string_view run) {
  return {ErrorCode::kNotFound, fmt::format("there is no backup run {}", run)};
}

class BackupServiceImpl final : public BackupService {
 public:
  BackupServiceImpl(const Parts& parts, BackupSettings settings)
      : parts_(parts),
        layout_(MakeTimedirLayout()),
        metrics_(parts.metrics),
        clock_offset_(parts.clock.Now() - parts.clock.Monotonic()),
        settings_(std::move(settings)) {}

  ~BackupServiceImpl() override {
    collector_.reset();
    std::vector<RunPointer> runs;
    {
      MutexLock lock(mutex_);
      closing_ = true;
      for (auto& [id, run] : runs_) {
        run->stop.request_stop();
        runs.push_back(run);
      }
    }
    changed_.NotifyAll();
    for (const RunPointer& run : runs) {
      if (run->thread.joinable()) run->thread.join();
    }
    refresher_.request_stop();
    if (refresher_.joinable()) refresher_.join();
  }

  Result<> Start() {
    ASSIGN_OR_RETURN(const std::vector<std::string> journals, ListJournals(parts_.file_system));
    for (const std::string& run : journals) ReadLeftover(run);
    MutexLock lock(mutex_);
    ResumeLeftovers();
    lock.Unlock();
    collector_ = parts_.metrics.AddCollector(
        [this](std::vector<MetricFamily>& families) { CollectProgress(families); });
    auto refresher =
        StartThread("backup metrics", [this](std::stop_token stop) { RefreshAll(stop); });
    if (refresher) {
      refresher_ = *std::move(refresher);
    } else {
      LogWarn("backup.no_thread", "{}", refresher.error().message);
    }
    return Ok();
  }

  Result<> Configure(BackupSettings settings) override {
    RETURN_IF_ERROR(CheckSettings(settings));
    MutexLock lock(mutex_);
    settings_ = std::move(settings);
    ResumeLeftovers();
    return Ok();
  }

  Result<std::string> Run(RunRequest request) override {
    MutexLock lock(mutex_);
    if (closing_) return Error{ErrorCode::kUnavailable, "the node is shutting down"};
    BackupJobSpec spec;
    if (request.spec) {
      spec = *std::move(request.spec);
    } else {
      const BackupJobSpec* job = FindJob(request.job);
      if (job == nullptr) {
        return Error{ErrorCode::kNotFound, "there is no backup job '" + request.job + "'"};
      }
      spec = *job;
      spec.keep = KeepOfScope(spec);
    }
    ASSIGN_OR_RETURN(const Destination destination, FindDestination(spec.remote));
    for (const auto& [id, run] : runs_) {
      if (run->ended || run->dry_run || request.dry_run || spec.name.empty()) continue;
      if (run->spec.name == spec.name && !run->resume) {
        return Error{ErrorCode::kAlreadyExists,
                     fmt::format("backup job {} runs already: {}", spec.name, id)};
      }
    }
    // What failed before is finished first: it may hold objects that this run would share.
    if (!request.dry_run) ResumeLeftoversOf(destination);
    auto run = NewRun(NewRunId(), destination, std::move(spec), request.dry_run);
    run->on_end = std::move(request.on_end);
    RETURN_IF_ERROR(Launch(run));
    return run->id;
  }

  std::vector<RunStatus> Status() const override {
    MutexLock lock(mutex_);
    std::vector<RunStatus> all;
    for (auto it = order_.rbegin(); it != order_.rend(); ++it) {
      all.push_back(runs_.at(*it)->progress.Get());
    }
    return all;
  }

  Result<RunStatus> Status(std::string_view run) const override {
    MutexLock lock(mutex_);
    const auto found = runs_.find(run);
    if (found == runs_.end()) return NoRun(run);
    return found->second->progress.Get();
  }

  Result<RunStatus> Cancel(std::string_view run) override {
    {
      MutexLock lock(mutex_);
      const auto found = runs_.find(run);
      if (found != runs_.end() && !found->second->ended) {
        found->second->cancel = true;
        // One that goes on with a run of before is taken back in its turn.
        const bool waits = found->second->resume && !found->second->in_turn;
        if (!waits) found->second->stop.request_stop();
      } else if (HasLeftover(run)) {
        RETURN_IF_ERROR(CancelLeftover(run));
      } else if (found == runs_.end()) {
        return NoRun(run);
      }
    }
    changed_.NotifyAll();
    return WaitUntil(run, {}, std::chrono::steady_clock::now() + kCancelTime);
  }

  Result<RunStatus> Wait(std::string_view run, std::stop_token stop) const override {
    return WaitUntil(run, std::move(stop), std::chrono::steady_clock::time_point::max());
  }

  Result<RunStatus> WaitUntil(std::string_view run, std::stop_token stop,
                              std::chrono::steady_clock::time_point deadline) const {
    std::stop_callback wake(stop, [this] { changed_.NotifyAll(); });
    MutexLock lock(mutex_);
    while (true) {
      const auto found = runs_.find(run);
      if (found == runs_.end()) return NoRun(run);
      const bool is_late = !found->second->in_turn && std::chrono::steady_clock::now() >= deadline;
      if (found->second->ended || is_late) return found->second->progress.Get();
      if (stop.stop_requested()) return Error{ErrorCode::kCancelled, "cancelled"};
      changed_.WaitFor(lock, std::chrono::milliseconds(100));
    }
  }

  Result<RepositoryListing> List(std::string_view remote, std::stop_token stop) override {
    ASSIGN_OR_RETURN(const Destination destination, LockedDestination(remote));
    return Repository(*destination.store).List(std::move(stop));
  }

  Result<BackupDetails> Show(std::string_view remote, std::string_view timedir,
                             std::stop_token stop) override {
    ASSIGN_OR_RETURN(const Destination destination, LockedDestination(remote));
    const Repository repository(*destination.store);
    ASSIGN_OR_RETURN(BackupEntry entry, FindCommitted(repository, remote, timedir, stop));
    ASSIGN_OR_RETURN(BackupManifest manifest, repository.LoadManifest(*entry.commit, stop));
    return BackupDetails{std::move(entry), std::move(manifest)};
  }

  Result<VerificationRecord> Verify(std::string_view remote, std::string_view timedir,
                                    VerifyLevel level, double sample_percent, std::stop_token stop,
                                    const VerifyProgressSink& progress) override {
    ASSIGN_OR_RETURN(const Destination destination, LockedDestination(remote));
    const Repository repository(*destination.store);
    ASSIGN_OR_RETURN(const BackupEntry entry, FindCommitted(repository, remote, timedir, stop));
    VerifyRequest request;
    request.level = level;
    request.sample_percent = sample_percent;
    request.seed = parts_.random.Next();
    request.concurrency = destination.upload_concurrency;
    return layout_->Verify(*destination.store, *entry.commit, request, parts_.clock, stop,
                           progress);
  }

  Result<PruneReport> Prune(std::string_view remote, const KeepRule& keep, bool dry_run,
                            std::stop_token stop) override {
    ASSIGN_OR_RETURN(const Destination destination, LockedDestination(remote));
    PruneRequest request;
    request.keep = keep;
    request.civil_time = CivilTimeOf(destination.name);
    request.clock = TrustedClock();
    request.node_id = parts_.node_id;
    request.dry_run = dry_run;
    if (dry_run) {
      return layout_->Prune(
          *destination.store, [] { return Ok(); }, request, stop);
    }
    const std::string id = NewRunId();
    {
      MutexLock lock(mutex_);
      auto& queue = queues_[destination.name];
      if (!queue.empty()) {
        return Error{ErrorCode::kAlreadyExists,
                     fmt::format("run {} works on remote {}", queue.front(), remote)};
      }
      queue.push_back(id);
    }
    auto report = PruneInTurn(id, destination, request, stop);
    {
      MutexLock lock(mutex_);
      LeaveQueue(destination.name, id);
    }
    changed_.NotifyAll();
    return report;
  }

  Result<std::vector<ProbeVerdict>> TestRemote(std::string_view remote,
                                               std::stop_token stop) override {
    ASSIGN_OR_RETURN(const Destination destination, LockedDestination(remote));
    return ProbeStore(*destination.store, parts_.random, std::move(stop));
  }

  void ConfirmClock() override {
    MutexLock lock(mutex_);
    clock_offset_ = parts_.clock.Now() - parts_.clock.Monotonic();
    clock_confirmed_ = true;
  }

 private:
  // As a run that is to be taken back, so that the next start frees its lease at once.
  Result<PruneReport> PruneInTurn(const std::string& id, const Destination& destination,
                                  const PruneRequest& request, const std::stop_token& stop) {
    RunHistory history;
    history.run = id;
    history.spec.remote = destination.name;
    history.started_at = parts_.clock.Now();
    auto journal = RunJournal::Create(parts_.file_system, history);
    Result<> journalled = journal ? (*journal)->AddCancelled() : journal.error();
    // It may be about to make the space that this one lacks.
    if (!journalled) LogWarn("backup.journal", "prune {}: {}", id, journalled.error().message);
    auto report = PruneUnderLease(id, destination, request, stop);
    if (journal) *journal = nullptr;
    const auto removed = RunJournal::Remove(parts_.file_system, id);
    if (!removed) LogWarn("backup.journal_kept", "{}", removed.error().message);
    return report;
  }

  Result<PruneReport> PruneUnderLease(const std::string& id, const Destination& destination,
                                      const PruneRequest& request, const std::stop_token& stop) {
    ASSIGN_OR_RETURN(const auto lease, Lease::TryAcquire({.store = *destination.store,
                                                          .clock = parts_.clock,
                                                          .random = parts_.random,
                                                          .node_id = parts_.node_id,
                                                          .run = id},
                                                         stop));
    Result<PruneReport> report = Error{ErrorCode::kUnknown, "nothing was done"};
    if (const auto kept = lease->KeepAlive([] {})) {
      report = layout_->Prune(
          *destination.store, [&] { return lease->Check(stop); }, request, stop);
    } else {
      report = kept.error();
    }
    const auto released = lease->Release();
    if (!released) LogWarn("backup.lease_kept", "{}", released.error().message);
    return report;
  }

  void LeaveQueue(const std::string& remote, const std::string& id) REQUIRES(mutex_) {
    auto& queue = queues_[remote];
    queue.erase(std::remove(queue.begin(), queue.end(), id), queue.end());
  }

  const BackupJobSpec* FindJob(std::string_view name) const REQUIRES(mutex_) {
    for (const BackupJobSpec& job : settings_.jobs) {
      if (job.name == name && !name.empty()) return &job;
    }
    return nullptr;
  }

  // Jobs that write backups of one scope to one remote keep them together: none lets go of what the
  // rule of another wants.
  KeepRule KeepOfScope(const BackupJobSpec& spec) const REQUIRES(mutex_) {
    KeepRule keep = spec.keep;
    for (const BackupJobSpec& job : settings_.jobs) {
      const bool is_of_scope =
          job.remote == spec.remote &&
          ScopeText(job.groups, job.catalogs) == ScopeText(spec.groups, spec.catalogs);
      if (is_of_scope) keep = keep.Together(job.keep);
    }
    return keep;
  }

  Result<Destination> FindDestination(std::string_view name) const REQUIRES(mutex_) {
    for (const Destination& destination : settings_.destinations) {
      if (destination.name == name) return destination;
    }
    return Error{ErrorCode::kNotFound, fmt::format("there is no remote '{}'", name)};
  }

  Result<Destination> LockedDestination(std::string_view name) const {
    MutexLock lock(mutex_);
    return FindDestination(name);
  }

  CivilTime CivilTimeOf(std::string_view remote) const {
    MutexLock lock(mutex_);
    for (const BackupJobSpec& job : settings_.jobs) {
      if (job.remote == remote && job.civil_time) return job.civil_time;
    }
    return {};
  }

  static Result<BackupEntry> FindCommitted(const Repository& repository, std::string_view remote,
                                           std::string_view timedir, std::stop_token stop) {
    if (!IsTimedirName(timedir)) {
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("'{}' is no time directory: YYYY-MM-DD or YYYY-MM-DD-HH", timedir)};
    }
    ASSIGN_OR_RETURN(BackupEntry entry, repository.Find(timedir, std::move(stop)));
    if (entry.commit) return entry;
    return Error{ErrorCode::kNotFound, fmt::format("no backup is committed in {} of remote {}: {}",
                                                   timedir, remote, BackupStateName(entry.state))};
  }

  // "20261120T093015Z-1a2b3c4d5e6f7081": sorts by time, unique without a counter.
  std::string NewRunId() {
    std::string text = UtcText(parts_.clock.Now()).substr(0, 19);
    text.erase(
        std::remove_if(text.begin(), text.end(), [](char c) { return c == '-' || c == ':'; }),
        text.end());
    return text + "Z-" + Hex16(parts_.random.NextId());
  }

  // A step after the confirmation asks for another one.
  RetentionClock TrustedClock() const {
    MutexLock lock(mutex_);
    const UnixNanos now = parts_.clock.Now();
    const int64_t step = now - parts_.clock.Monotonic() - clock_offset_;
    const bool stepped = step > kClockStepMax || step < -kClockStepMax;
    return {now, stepped, clock_confirmed_ && !stepped};
  }

  // --- Runs of before that are not finished

  void ReadLeftover(const std::string& run) {
    RunHistory history;
    const auto journal = RunJournal::Reopen(parts_.file_system, run, history);
    if (!journal && journal.error().code == ErrorCode::kNotFound) {
      const auto removed = RunJournal::Remove(parts_.file_system, run);
      if (!removed) LogWarn("backup.journal_kept", "{}", removed.error().message);
      return;
    }
    if (!journal) {
      LogError("backup.journal", "run {} cannot be finished, its marker stays in the store: {}",
               run, journal.error().message);
      return;
    }
    MutexLock lock(mutex_);
    leftovers_[history.spec.remote].push_back({.run = run, .spec = history.spec});
  }

  void ResumeLeftovers() REQUIRES(mutex_) {
    for (const Destination& destination : settings_.destinations) ResumeLeftoversOf(destination);
    for (const auto& [remote, left] : leftovers_) {
      if (left.empty()) continue;
      LogWarn("backup.leftover", "{} unfinished runs wait for the remote '{}'", left.size(),
              remote);
    }
  }

  void ResumeLeftoversOf(const Destination& destination) REQUIRES(mutex_) {
    const auto found = leftovers_.find(destination.name);
    if (found == leftovers_.end()) return;
    const std::vector<Leftover> left = std::exchange(found->second, {});
    for (const Leftover& leftover : left) {
      const auto launched = Launch(Resumed(leftover, destination));
      if (launched) continue;
      LogWarn("backup.leftover", "run {} waits: {}", leftover.run, launched.error().message);
      leftovers_[destination.name].push_back(leftover);
    }
  }

  RunPointer Resumed(const Leftover& leftover, const Destination& destination) REQUIRES(mutex_) {
    BackupJobSpec spec = leftover.spec;
    const BackupJobSpec* job = FindJob(spec.name);
    if (job != nullptr) spec.civil_time = job->civil_time;
    auto run = NewRun(leftover.run, destination, std::move(spec), false, true);
    run->failures = leftover.failures;
    run->files_before = leftover.files_before;
    return run;
  }

  bool HasLeftover(std::string_view run) const REQUIRES(mutex_) {
    for (const auto& [remote, left] : leftovers_) {
      for (const Leftover& leftover : left) {
        if (leftover.run == run) return true;
      }
    }
    return false;
  }

  // Takes it back in its turn.
  Result<> CancelLeftover(std::string_view run) REQUIRES(mutex_) {
    for (auto& [remote, left] : leftovers_) {
      const auto found = std::find_if(
          left.begin(), left.end(), [&](const Leftover& leftover) { return leftover.run == run; });
      if (found == left.end()) continue;
      ASSIGN_OR_RETURN(const Destination destination, FindDestination(remote));
      const RunPointer resumed = Resumed(*found, destination);
      resumed->cancel = true;
      RETURN_IF_ERROR(Launch(resumed));
      left.erase(found);
      return Ok();
    }
    return NoRun(run);
  }

  // --- A run

  RunPointer NewRun(const std::string& id, const Destination& destination, BackupJobSpec spec,
                    bool dry_run, bool resume = false) {
    RunStatus status;
    status.run = id;
    status.job = spec.name;
    status.remote = destination.name;
    status.dry_run = dry_run;
    status.resumed = resume;
    status.started_at = parts_.clock.Now();
    auto run = std::make_shared<ServiceRun>(parts_.clock, std::move(status));
    run->id = id;
    run->remote = destination.name;
    run->destination = destination;
    run->spec = std::move(spec);
    run->dry_run = dry_run;
    run->resume = resume;
    return run;
  }

  // The thread waits for the mutex, so that everything about the run is in its place.
  Result<> Launch(const RunPointer& run) REQUIRES(mutex_) {
    ASSIGN_OR_RETURN(run->thread, StartThread("a backup run", [this, run] { Work(run); }));
    Forget(run->id);
    runs_[run->id] = run;
    order_.push_back(run->id);
    if (!run->dry_run) queues_[run->remote].push_back(run->id);
    ForgetOldest();
    return Ok();
  }

  void Forget(const std::string& id) REQUIRES(mutex_) {
    const auto found = runs_.find(id);
    if (found == runs_.end()) return;
    if (found->second->thread.joinable()) retired_.push_back(std::move(found->second->thread));
    runs_.erase(found);
    order_.erase(std::remove(order_.begin(), order_.end(), id), order_.end());
  }

  void ForgetOldest() REQUIRES(mutex_) {
    for (size_t i = 0; order_.size() > kEndedRunsMax && i < order_.size();) {
      const std::string id = order_[i];
      if (runs_.at(id)->ended) {
        Forget(id);
      } else {
        ++i;
      }
    }
  }

  // Waits for threads that have nothing to do any more but to return.
  void JoinRetired() {
    std::vector<std::jthread> retired;
    MutexLock lock(mutex_);
    retired.swap(retired_);
    lock.Unlock();
  }

  void Work(const RunPointer& run) {
    StayInBackground();
    JoinRetired();
    RunStatus end;
    if (WaitForTurn(*run)) {
      end = RunOrResume(*run);
    } else {
      end = run->progress.Get();
      end.phase = RunPhase::kCancelled;
      end.error_code = ErrorCode::kCancelled;
      end.error = "cancelled before it began";
      run->keep = run->resume;
    }
    end.ended_at = parts_.clock.Now();
    Report(*run, end);
    Leave(*run, end);
    changed_.NotifyAll();
    if (run->on_end) run->on_end(end);
  }

  // All at once: whoever sees that the run has ended may start another one.
  void Leave(ServiceRun& run, const RunStatus& end) {
    MutexLock lock(mutex_);
    LeaveQueue(run.remote, run.id);
    if (run.keep) {
      leftovers_[run.remote].push_back({run.id, run.spec, run.failures, run.files_before});
    }
    run.progress.Change([&](RunStatus& status) { status = end; });
    run.ended = true;
  }

  bool WaitForTurn(ServiceRun& run) {
    MutexLock lock(mutex_);
    while (!run.stop.stop_requested()) {
      // A dry run changes nothing and waits for nobody.
      run.in_turn = run.dry_run || queues_[run.remote].front() == run.id;
      if (run.in_turn) return true;
      changed_.WaitFor(lock, std::chrono::milliseconds(100));
    }
    return false;
  }

  RunStatus RunOrResume(ServiceRun& run) {
    {
      MutexLock lock(mutex_);
      const auto left = leftovers_.find(run.remote);
      const Leftover* blocking = nullptr;
      if (!run.resume && !run.dry_run && left != leftovers_.end()) {
        for (const Leftover& each : left->second) {
          if (!each.is_given_up()) blocking = &each;
        }
      }
      if (blocking != nullptr) {
        RunStatus status = run.progress.Get();
        status.phase = RunPhase::kFailed;
        status.error_code = ErrorCode::kUnavailable;
        status.error =
            fmt::format("run {} of before could neither be finished nor taken back", blocking->run);
        return status;
      }
    }
    const JobTools tools = {.file_system = parts_.file_system,
                            .clock = parts_.clock,
                            .random = parts_.random,
                            .snapshots = parts_.snapshots,
                            .layout = *layout_,
                            .node_id = parts_.node_id,
                            .pause = parts_.pause,
                            .retention_clock = [this] { return TrustedClock(); }};
    const JobTarget target = {*run.destination.store, run.destination.upload_concurrency};
    if (!run.resume) {
      BackupJob job(tools, target, run.spec, run.id, run.dry_run, run.progress);
      return Drive(run, job);
    }
    auto job = BackupJob::Reopen(tools, target, run.id, run.progress);
    if (!job) {
      RunStatus status = run.progress.Get();
      status.phase = RunPhase::kFailed;
      status.error_code = job.error().code;
      status.error = job.error().message;
      return status;
    }
    (*job)->SetCivilTime(run.spec.civil_time);
    return Drive(run, **job);
  }

  bool WasCancelled(const ServiceRun& run) const {
    MutexLock lock(mutex_);
    return run.cancel;
  }

  RunStatus Drive(ServiceRun& run, BackupJob& job) {
    const bool is_tired = run.failures >= kFailuresMax;
    const bool clean = run.resume && (job.cancelled() || is_tired || WasCancelled(run) ||
                                      run.destination.on_restart == OnRestart::kClean);
    Result<> done = Ok();
    if (!clean) done = job.Run(run.stop.get_token());
    if (!clean && done) return Ended(run, RunPhase::kDone, nullptr);
    const Error* why = done ? nullptr : &done.error();
    if (WasCancelled(run)) {
      const TimeLimit limit(kTakeBackTime);
      return TakeBack(run, job, RunPhase::kCancelled, why, limit.token());
    }
    if (clean) return TakeBack(run, job, RunPhase::kCleaned, nullptr, run.stop.get_token());
    if (!job.has_journal() || !IsTransient(why->code)) {
      return TakeBack(run, job, RunPhase::kFailed, why, run.stop.get_token());
    }
    Keep(run, why->code);
    run.progress.Change([](RunStatus& status) { status.resumable = true; });
    // What is left to be done comes after the commit.
    return Ended(run, job.commit() ? RunPhase::kDone : RunPhase::kFailed, why);
  }

  // A try that got further than the one before was worth it.
  static void Keep(ServiceRun& run, ErrorCode why) {
    run.keep = true;
    const uint64_t files = FilesInPlace(run.progress.Get());
    if (files > run.files_before) run.failures = 0;
    run.files_before = std::max(run.files_before, files);
    run.failures += WeightOf(why);
  }

  RunStatus TakeBack(ServiceRun& run, BackupJob& job, RunPhase end, const Error* why,
                     std::stop_token stop) {
    const auto taken = job.TakeBack(stop);
    if (!taken) {
      LogWarn("backup.not_taken_back", "run {}: {}; the next run goes on with it", run.id,
              taken.error().message);
      Keep(run, taken.error().code);
    }
    // Too late: the backup counts, only what follows the commit was left out.
    if (taken && job.commit()) end = RunPhase::kDone;
    return Ended(run, end, taken || why != nullptr ? why : &taken.error());
  }

  static RunStatus Ended(const ServiceRun& run, RunPhase phase, const Error* error) {
    RunStatus status = run.progress.Get();
    status.phase = phase;
    if (error == nullptr) return status;
    status.error_code = error->code;
    status.error = error->message;
    return status;
  }

  void Report(const ServiceRun& run, const RunStatus& status) {
    const bool is_clean = status.error.empty() && status.phase >= RunPhase::kCancelled;
    // Also what is left of a prune that the end of the process interrupted: no run of a job.
    if (!is_clean || !status.job.empty()) metrics_.CountRun(status);
    const std::string name = status.job.empty() ? "by hand" : status.job;
    if (status.phase == RunPhase::kDone && status.error.empty()) {
      LogInfo("backup.done", "{} ({}): {} in {}{}, {} files sent, {} copied, {} kept", run.id, name,
              status.timedir, status.remote, status.unchanged ? " is unchanged" : "",
              status.moved.files_sent, status.moved.files_copied, status.moved.files_kept);
    } else if (is_clean) {
      LogInfo("backup.taken_back", "{} ({}): {}", run.id, name, RunPhaseName(status.phase));
    } else {
      LogError("backup.ended", "{} ({}): {}: {}{}", run.id, name, RunPhaseName(status.phase),
               status.error, status.resumable ? " (goes on with the next run)" : "");
    }
    const bool stored = status.phase == RunPhase::kDone && !status.dry_run && !status.unchanged;
    if (stored && !run.stop.stop_requested()) Refresh(run.destination, run.stop.get_token());
  }

  // --- Metrics

  void RefreshAll(std::stop_token stop) {
    StayInBackground();
    std::vector<Destination> destinations;
    {
      MutexLock lock(mutex_);
      destinations = settings_.destinations;
    }
    for (const Destination& destination : destinations) Refresh(destination, stop);
  }

  // From what the store holds, so that a restart does not make a node look as if it had never been
  // backed up.
  void Refresh(const Destination& destination, std::stop_token stop) {
    const auto listing = Repository(*destination.store).List(std::move(stop));
    if (!listing) {
      LogDebug("backup.not_listed", "{}: {}", destination.name, listing.error().message);
      return;
    }
    uint64_t bytes = 0;
    uint64_t points = 0;
    std::map<std::string, UnixNanos> newest;
    for (const BackupEntry& entry : listing->backups) {
      if (!entry.commit) continue;
      bytes += entry.commit->object_bytes;
      if (entry.state != BackupState::kCommitted) continue;
      ++points;
      UnixNanos& time = newest[entry.commit->job];
      time = std::max(time, entry.commit->committed_at);
    }
    std::vector<std::string> jobs;
    {
      MutexLock lock(mutex_);
      for (const BackupJobSpec& job : settings_.jobs) {
        if (job.remote == destination.name) jobs.push_back(job.name);
      }
    }
    for (const std::string& job : jobs) {
      metrics_.SetStored(job, bytes, points);
      if (newest.count(job) > 0) metrics_.SetLastSuccess(job, newest[job]);
    }
  }

  void CollectProgress(std::vector<MetricFamily>& families) const {
    MetricFamily family;
    family.name = "ficus_backup_progress_ratio";
    family.help = "How much of a running backup is in its place, 0 to 1.";
    family.type = MetricType::kGauge;
    std::map<std::string, double> ratios;
    for (const RunStatus& status : Status()) {
      if (IsEnd(status.phase) || status.dry_run) continue;
      const RunCounts& moved = status.moved;
      const double in_place =
          static_cast<double>(moved.bytes_sent + moved.bytes_copied + moved.bytes_kept);
      const double total = static_cast<double>(std::max<uint64_t>(status.planned.bytes_total, 1));
      ratios[status.job] = std::min(1.0, in_place / total);
    }
    for (const auto& [job, ratio] : ratios) {
      MetricSample sample;
      sample.labels = {{"job_name", job}};
      sample.value = ratio;
      family.samples.push_back(std::move(sample));
    }
    if (!family.samples.empty()) families.push_back(std::move(family));
  }

  const Parts parts_;
  const std::unique_ptr<Layout> layout_;
  BackupMetrics metrics_;

  mutable Mutex mutex_;
  mutable CondVar changed_;
  int64_t clock_offset_ GUARDED_BY(mutex_);
  bool clock_confirmed_ GUARDED_BY(mutex_) = false;
  BackupSettings settings_ GUARDED_BY(mutex_);
  std::map<std::string, RunPointer, std::less<>> runs_ GUARDED_BY(mutex_);
  std::vector<std::string> order_ GUARDED_BY(mutex_);  // by start
  std::map<std::string, std::deque<std::string>> queues_ GUARDED_BY(mutex_);
  std::map<std::string, std::vector<Leftover>> leftovers_ GUARDED_BY(mutex_);
  bool closing_ GUARDED_BY(mutex_) = false;

  std::vector<std::jthread> retired_ GUARDED_BY(mutex_);  // of runs that were forgotten
  std::jthread refresher_;
  std::shared_ptr<void> collector_;
};

}  // namespace

Result<std::unique_ptr<BackupService>> BackupService::Create(const Parts& parts,
                                                             BackupSettings settings) {
  RETURN_IF_ERROR(CheckSettings(settings));
  auto service = std::make_unique<BackupServiceImpl>(parts, std::move(settings));
  RETURN_IF_ERROR(service->Start());
  return std::unique_ptr<BackupService>(std::move(service));
}

}  // namespace ficus
