#include "server/daemon/backups.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "engine/base/log.h"
#include "server/remote/open_store.h"
#include "server/scheduler/schedule.h"
#include "server/scheduler/time_zone.h"

namespace ficus {
namespace {

VerifyMode ModeOf(const VerifyChoice& verify) {
  switch (verify.kind) {
    case VerifyChoice::Kind::kOff:
      return VerifyMode::kOff;
    case VerifyChoice::Kind::kSample:
      return VerifyMode::kSample;
    case VerifyChoice::Kind::kFull:
      return VerifyMode::kFull;
  }
  return VerifyMode::kFull;
}

KeepRule KeepOf(const KeepConfig& keep) {
  return {keep.hourly, keep.daily, keep.weekly, keep.monthly, keep.min};
}

CivilTime CivilTimeIn(const TimeZone& zone) {
  return [zone](UnixNanos time) {
    const ClockReading reading = zone.At(time);
    return CivilHour{static_cast<int>(reading.year), reading.month, reading.day, reading.hour};
  };
}

Result<BackupJobSpec> SpecOf(const std::string& name, const BackupConfig& config) {
  ASSIGN_OR_RETURN(const TimeZone zone, TimeZone::Load(config.time_zone));
  BackupJobSpec spec;
  spec.name = name;
  spec.remote = config.remote;
  spec.time_style =
      config.time_style == TimeStyleChoice::kHourly ? TimeStyle::kHourly : TimeStyle::kDaily;
  spec.civil_time = CivilTimeIn(zone);
  spec.form = config.form == BackupFormChoice::kSeed ? TimedirForm::kSeed : TimedirForm::kReleased;
  spec.groups = config.groups;
  spec.catalogs = config.catalogs;
  spec.verify = ModeOf(config.verify);
  spec.sample_percent = config.verify.percent;
  spec.keep = KeepOf(config.keep);
  spec.allow_degraded = config.allow_degraded;
  return spec;
}

Result<ScheduledJob> ScheduledJobOf(const std::string& name, const BackupConfig& config) {
  ScheduledJob job;
  job.name = name;
  ASSIGN_OR_RETURN(job.schedule, Schedule::Parse(config.schedule));
  ASSIGN_OR_RETURN(job.zone, TimeZone::Load(config.time_zone));
  job.jitter_nanos = config.jitter.count();
  job.overlap =
      config.on_overlap == OverlapChoice::kQueue ? OverlapPolicy::kQueue : OverlapPolicy::kSkip;
  job.missed =
      config.missed == MissedChoice::kIgnore ? MissedPolicy::kIgnore : MissedPolicy::kRunOnce;
  return job;
}

// Committed, and whatever was to follow the commit went well, too.
Result<> OutcomeOf(const RunStatus& status) {
  if (status.phase == RunPhase::kDone && status.error.empty() && status.damaged == 0) return Ok();
  if (status.damaged > 0) {
    return Error{ErrorCode::kCorruption,
                 fmt::format("{}: {} objects are damaged", status.timedir, status.damaged)};
  }
  return Error{status.error_code, status.error};
}

double SecondsOf(int64_t nanos) {
  return static_cast<double>(nanos) / static_cast<double>(kNanosPerSecond);
}

ScheduleView ViewOf(const JobStatus& status, const std::string& remote) {
  ScheduleView view;
  view.job = status.name;
  view.remote = remote;
  view.schedule = status.schedule;
  view.time_zone = status.zone;
  view.paused = status.paused;
  view.running = status.running;
  view.last_started_at = status.last_start;
  view.last_ended_at = status.last_end;
  if (status.last_error.has_value()) view.last_error = status.last_error->message;
  view.runs = status.runs;
  view.failures = status.failures;
  view.missed = status.missed;
  view.skipped = status.skipped;
  return view;
}

}  // namespace

Result<std::shared_ptr<ObjectStore>> OpenRemote(const std::string& name, const RemoteConfig& remote,
                                                MetricRegistry* metrics) {
  StoreOptions options;
  options.remote = name;
  options.retry.attempts = static_cast<int>(remote.retry.attempts);
  options.retry.pause_first_nanos = remote.retry.first.count();
  options.retry.pause_max_nanos = remote.retry.max.count();
  options.rates.up_bytes_per_second = remote.upload.rate_limit;
  options.calls_max = remote.upload.concurrency;
  options.metrics = metrics;
  Result<std::unique_ptr<ObjectStore>> store = OpenStore(remote.url, options);
  if (!store.has_value()) return std::move(store).error().With("remote " + name);
  return std::shared_ptr<ObjectStore>(*std::move(store));
}

Backups::Backups(const Config& config, const Parts& parts)
    : remotes_(config.remotes),
      jobs_(config.backups),
      parts_(parts),
      snapshots_(parts.database, parts.fs) {}

Result<std::unique_ptr<Backups>> Backups::Start(const Config& config, const Parts& parts) {
  std::unique_ptr<Backups> backups(new Backups(config, parts));
  RETURN_IF_ERROR(backups->StartAll());
  return backups;
}

Result<> Backups::StartAll() {
  BackupSettings settings;
  for (const auto& [name, remote] : remotes_) {
    ASSIGN_OR_RETURN(std::shared_ptr<ObjectStore> store, OpenRemote(name, remote, &parts_.metrics));
    settings.destinations.push_back(
        {name, std::move(store), OnRestart::kResume, remote.upload.concurrency});
  }
  std::vector<ScheduledJob> scheduled;
  for (const auto& [name, config] : jobs_) {
    ASSIGN_OR_RETURN(BackupJobSpec spec, SpecOf(name, config));
    ASSIGN_OR_RETURN(ScheduledJob job, ScheduledJobOf(name, config));
    settings.jobs.push_back(std::move(spec));
    scheduled.push_back(std::move(job));
  }
  ASSIGN_OR_RETURN(std::unique_ptr<BackupService> service,
                   BackupService::Create({parts_.fs, parts_.clock, parts_.random, parts_.metrics,
                                          snapshots_, parts_.database.node_id()},
                                         std::move(settings)));
  {
    MutexLock lock(mutex_);
    service_ = std::move(service);
  }
  SchedulerOptions options;
  options.executor = &parts_.executor;
  options.clock = &parts_.clock;
  options.fs = &parts_.fs;
  options.random = &parts_.random;
  options.node_id = parts_.database.node_id();
  options.runner = [this](const JobRun& run, std::function<void(Result<>)> done) {
    RunJob(run, std::move(done));
  };
  ASSIGN_OR_RETURN(scheduler_, Scheduler::Start(std::move(options), std::move(scheduled)));
  collector_ = parts_.metrics.AddCollector(
      [this](std::vector<MetricFamily>& families) { CollectSchedule(families); });
  return Ok();
}

void Backups::CollectSchedule(std::vector<MetricFamily>& families) const {
  MetricFamily next{"ficus_backup_next_run_timestamp_seconds",
                    "When a job is due, jitter included.",
                    MetricType::kGauge,
                    {}};
  MetricFamily interval{"ficus_backup_interval_seconds",
                        "From the next time of a job to the one after it.",
                        MetricType::kGauge,
                        {}};
  MetricFamily missed{"ficus_backup_missed_total",
                      "Times of a job that passed while the node was down or its clock jumped.",
                      MetricType::kCounter,
                      {}};
  MetricFamily skipped{"ficus_backup_skipped_overlap_total",
                       "Times of a job that passed while it still ran.",
                       MetricType::kCounter,
                       {}};
  for (const JobStatus& status : scheduler_->Statuses()) {
    const MetricLabels labels = {{"job_name", status.name}};
    if (status.next_due.has_value()) {
      next.samples.push_back({labels, SecondsOf(*status.next_due), nullptr});
    }
    const Result<std::vector<UnixNanos>> slots = scheduler_->Next(status.name, 2);
    if (slots.has_value() && slots->size() == 2) {
      interval.samples.push_back({labels, SecondsOf((*slots)[1] - (*slots)[0]), nullptr});
    }
    missed.samples.push_back({labels, static_cast<double>(status.missed), nullptr});
    skipped.samples.push_back({labels, static_cast<double>(status.skipped), nullptr});
  }
  for (MetricFamily* family : {&next, &interval, &missed, &skipped}) {
    families.push_back(std::move(*family));
  }
}

void Backups::RunJob(const JobRun& run, std::function<void(Result<>)> done) {
  RunRequest request;
  request.job = run.name;
  request.on_end = [done](const RunStatus& status) { done(OutcomeOf(status)); };
  MutexLock lock(mutex_);
  // A run that the schedule had begun when the node was told to stop.
  Result<std::string> started = Error{ErrorCode::kUnavailable, "the node is shutting down"};
  if (service_ != nullptr) started = service_->Run(std::move(request));
  lock.Unlock();
  if (!started.has_value()) done(started.error());
}

void Backups::Close() {
  collector_.reset();
  if (scheduler_ != nullptr) scheduler_->Shut();
  std::unique_ptr<BackupService> service;
  {
    MutexLock lock(mutex_);
    service = std::move(service_);
  }
  // Ends the runs, which tell the scheduler.
  service.reset();
  scheduler_.reset();
}

std::vector<RemoteSetup> Backups::Remotes() const {
  std::vector<RemoteSetup> remotes;
  for (const auto& [name, remote] : remotes_) remotes.push_back({name, remote.url});
  return remotes;
}

std::vector<JobSetup> Backups::Jobs() const {
  std::vector<JobSetup> jobs;
  for (const auto& [name, job] : jobs_) jobs.push_back({name, job.remote, KeepOf(job.keep)});
  return jobs;
}

std::vector<ScheduleView> Backups::List(size_t next_count) const {
  std::vector<ScheduleView> views;
  for (const JobStatus& status : scheduler_->Statuses()) {
    ScheduleView view = ViewOf(status, jobs_.at(status.name).remote);
    const Result<std::vector<UnixNanos>> next =
        scheduler_->Next(status.name, std::min(next_count, kNextSlotsMax));
    if (next.has_value()) view.next = *next;
    views.push_back(std::move(view));
  }
  return views;
}

Result<> Backups::Pause(std::string_view job) { return scheduler_->Pause(std::string(job)); }

Result<> Backups::Resume(std::string_view job) { return scheduler_->Resume(std::string(job)); }

}  // namespace ficus
