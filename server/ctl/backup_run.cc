#include "server/ctl/backup_run.h"

#include <charconv>
#include <condition_variable>
#include <mutex>
#include <set>

#include <fmt/core.h>

#include "server/ctl/destination.h"
#include "server/ctl/message_text.h"
#include "server/ctl/progress.h"
#include "server/ctl/quantity_text.h"
#include "server/ctl/run_report.h"

namespace ficus {
namespace {

namespace v1 = admin::v1;
using Stub = v1::AdminService::Stub;

constexpr std::chrono::seconds kScheduleLook{5};

Failure Usage(std::string text) { return Failure{ExitCode::kUsage, std::move(text)}; }

std::optional<Failure> FillVerify(const std::string& text, v1::BackupSpec& spec) {
  if (text.empty()) return std::nullopt;
  constexpr std::string_view kSample = "sample";
  if (text == "off") {
    spec.set_verify(v1::VERIFY_MODE_OFF);
  } else if (text == "full") {
    spec.set_verify(v1::VERIFY_MODE_FULL);
  } else if (text.compare(0, kSample.size(), kSample) == 0) {
    spec.set_verify(v1::VERIFY_MODE_SAMPLE);
    const size_t number = text.find_first_not_of(" =:", kSample.size());
    if (number == std::string::npos) return std::nullopt;
    const std::optional<double> percent = ParsePercent(std::string_view(text).substr(number));
    if (!percent.has_value()) {
      return Usage(fmt::format("--verify: '{}' is no share above 0 % and at most 100 %",
                               text.substr(number)));
    }
    spec.set_sample_percent(*percent);
  } else {
    return Usage(fmt::format("--verify: '{}' is none of off, full, \"sample 5%\"", text));
  }
  return std::nullopt;
}

// The remote that the options mean: by its URL or its name.
std::optional<Failure> FillRemote(AdminClient& client, const BackupRunOptions& options,
                                  std::string& remote) {
  remote = options.remote;
  if (options.dest.empty()) return std::nullopt;
  v1::ListRemotesResponse remotes;
  if (auto failure = client.Call(&Stub::ListRemotes, v1::ListRemotesRequest(), remotes)) {
    return failure;
  }
  const v1::Remote* const found = FindRemote(remotes, options.dest);
  if (found == nullptr) {
    return Failure{ExitCode::kConfiguration,
                   "backup: " + UnknownDestinationText(options.dest, remotes)};
  }
  remote = found->name();
  return std::nullopt;
}

// Sleeps; false when interrupted.
bool Pause(const std::stop_token& interrupt, std::chrono::nanoseconds time) {
  std::mutex mutex;
  std::condition_variable_any woken;
  std::unique_lock lock(mutex);
  woken.wait_for(lock, interrupt, time, [] { return false; });
  return !interrupt.stop_requested();
}

// What BanyanDB's tool does with --schedule: stays and reports. Here the node makes the backups.
ExitCode StayWithSchedule(Console& console, AdminClient& client, const ClientOptions& options,
                          const std::string& job) {
  fmt::print(console.err, "job {} of the node makes these backups; this only reports them\n", job);
  std::set<std::string> known;
  for (bool first = true;; first = false) {
    v1::BackupStatusResponse status;
    const auto failure = client.Call(&Stub::BackupStatus, v1::BackupStatusRequest(), status);
    if (failure.has_value() && failure->code == ExitCode::kInterrupted) return ExitCode::kDone;
    if (failure.has_value()) {
      fmt::print(console.err, "ficusctl: {}\n", failure->message);
    }
    for (const v1::BackupRun& run : status.runs()) {
      if (run.job() != job || !run.ended() || !known.insert(run.run()).second || first) continue;
      PrintResult(console, options.output, run, RunReport(run));
      const std::string problem = RunProblem(run);
      if (!problem.empty()) fmt::print(console.err, "ficusctl: backup {}\n", problem);
    }
    if (!Pause(client.interrupt(), kScheduleLook)) return ExitCode::kDone;
  }
}

ExitCode FollowSchedule(Console& console, AdminClient& client, const ClientOptions& options,
                        const BackupRunOptions& run_options, const std::string& remote) {
  v1::ListSchedulesResponse schedules;
  if (auto failure = client.Call(&Stub::ListSchedules, v1::ListSchedulesRequest(), schedules)) {
    return Fail(console, *failure);
  }
  for (const v1::Schedule& schedule : schedules.schedules()) {
    if (schedule.remote() == remote &&
        CanonicalSchedule(schedule.schedule()) == CanonicalSchedule(run_options.schedule)) {
      return StayWithSchedule(console, client, options, schedule.job());
    }
  }
  const std::string style = run_options.time_style.empty() ? "daily" : run_options.time_style;
  return Fail(console, {ExitCode::kConfiguration,
                        "backup: " + UnknownScheduleText(remote, run_options.schedule, style)});
}

ExitCode Follow(Console& console, AdminClient& client, const ClientOptions& options,
                const std::string& id) {
  v1::WatchBackupRequest request;
  request.set_run(id);
  v1::BackupRun last;
  Progress progress(console);
  auto failure = client.Read(&Stub::WatchBackup, request, [&](const v1::WatchBackupResponse& now) {
    last = now.run();
    if (!last.ended()) {
      const std::string name = RunName(last);
      progress.Show(EnumText(last.phase()), name + "  " + ProgressText(last),
                    std::chrono::steady_clock::now());
    }
    return true;
  });
  progress.Clear();
  if (failure.has_value() && !last.ended()) {
    failure->message += fmt::format(
        "; run {} goes on in the node. See: ficusctl backup status. Stop it with: ficusctl backup "
        "cancel {}",
        id, id);
    return Fail(console, *failure);
  }
  PrintResult(console, options.output, last, RunReport(last));
  const std::string problem = RunProblem(last);
  if (!problem.empty()) fmt::print(console.err, "ficusctl: backup {}\n", problem);
  return ExitCodeOf(last);
}

}  // namespace

bool BackupRunOptions::ad_hoc() const {
  return !remote.empty() || !dest.empty() || !schedule.empty() || !time_style.empty() ||
         !form.empty() || !groups.empty() || !catalogs.empty() || !verify.empty() ||
         !keep.empty() || allow_degraded;
}

std::optional<Failure> ParseKeep(const std::string& text, v1::KeepRule& keep) {
  for (size_t at = 0; at < text.size();) {
    const size_t comma = std::min(text.find(',', at), text.size());
    const std::string_view pair = std::string_view(text).substr(at, comma - at);
    at = comma + 1;
    const size_t equals = pair.find('=');
    const std::string_view name = pair.substr(0, equals);
    uint32_t number = 0;
    const std::string_view digits =
        equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1);
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc() || end != digits.data() + digits.size()) {
      return Usage(fmt::format("--keep: '{}' is not like daily=7", pair));
    }
    if (name == "hourly") {
      keep.set_hourly(number);
    } else if (name == "daily") {
      keep.set_daily(number);
    } else if (name == "weekly") {
      keep.set_weekly(number);
    } else if (name == "monthly") {
      keep.set_monthly(number);
    } else if (name == "min") {
      keep.set_min(number);
    } else {
      return Usage(
          fmt::format("--keep: '{}' is none of hourly, daily, weekly, monthly, min", name));
    }
  }
  return std::nullopt;
}

std::optional<Failure> FillSpec(const BackupRunOptions& options, v1::BackupSpec& spec) {
  if (options.time_style == "hourly") spec.set_time_style(v1::TIME_STYLE_HOURLY);
  if (options.form == "seed") spec.set_form(v1::FORM_SEED);
  for (const std::string& group : options.groups) spec.add_groups(group);
  for (const std::string& catalog : options.catalogs) spec.add_catalogs(catalog);
  spec.set_allow_degraded(options.allow_degraded);
  if (auto failure = FillVerify(options.verify, spec)) return failure;
  if (!options.keep.empty()) return ParseKeep(options.keep, *spec.mutable_keep());
  return std::nullopt;
}

ExitCode RunBackup(Console& console, const ClientOptions& client_options,
                   const BackupRunOptions& options) {
  if (!options.job.empty() && options.ad_hoc()) {
    return Fail(console, Usage("backup: the job " + options.job +
                               " says what to do; only --dry-run and --follow go with it"));
  }
  AdminClient client(client_options, console.interrupts());
  v1::RunBackupRequest request;
  request.set_dry_run(options.dry_run);
  if (options.ad_hoc()) {
    std::string remote;
    if (auto failure = FillRemote(client, options, remote)) return Fail(console, *failure);
    if (!options.schedule.empty()) {
      return FollowSchedule(console, client, client_options, options, remote);
    }
    if (auto failure = FillSpec(options, *request.mutable_spec())) return Fail(console, *failure);
    request.mutable_spec()->set_remote(remote);
  } else if (!options.job.empty()) {
    request.set_job(options.job);
  }
  v1::RunBackupResponse response;
  if (auto failure = client.Call(&Stub::RunBackup, request, response)) {
    failure->message = "backup: " + failure->message;
    return Fail(console, *failure);
  }
  if (options.follow) return Follow(console, client, client_options, response.run());
  PrintResult(console, client_options.output, response,
              fmt::format("run {} has begun; see: ficusctl backup status\n", response.run()));
  return ExitCode::kDone;
}

}  // namespace ficus
