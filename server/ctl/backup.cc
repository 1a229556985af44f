#include "server/ctl/backup.h"

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "server/ctl/backup_run.h"
#include "server/ctl/message_text.h"
#include "server/ctl/progress.h"
#include "server/ctl/quantity_text.h"
#include "server/ctl/run_report.h"
#include "server/ctl/text_table.h"

namespace ficus {
namespace {

namespace v1 = admin::v1;
using Stub = v1::AdminService::Stub;

constexpr std::chrono::seconds kWatchInterval{2};
// While nothing ends, the remotes are not asked more often than this.
constexpr std::chrono::seconds kRestorePointInterval{60};

// What the subcommands other than `run` are told.
struct Asked {
  std::string remote;
  std::string id;
  std::string sample;
  std::string keep;
  bool full = false;
  bool quick = false;
  bool dry_run = false;
  bool yes = false;
  bool watch = false;
};

// "s3-main/2026-11-20", or "2026-11-20" with --remote or when there is one remote only.
std::optional<Failure> SplitId(const Asked& asked, std::string& remote, std::string& timedir) {
  const size_t slash = asked.id.rfind('/');
  timedir = slash == std::string::npos ? asked.id : asked.id.substr(slash + 1);
  remote = slash == std::string::npos ? asked.remote : asked.id.substr(0, slash);
  if (!asked.remote.empty() && remote != asked.remote) {
    return Failure{ExitCode::kUsage,
                   fmt::format("backup: {} does not lie on --remote {}", asked.id, asked.remote)};
  }
  return std::nullopt;
}

std::string StateText(const v1::Backup& backup) {
  if (backup.verified()) return "verified";
  return EnumText(backup.state());
}

std::string ListText(const v1::ListBackupsResponse& list, bool wide) {
  std::vector<std::string> head = {"BACKUP", "STATE", "TAKEN", "SIZE", "OBJECTS", "JOB"};
  if (wide) {
    for (const char* name : {"GENERATION", "COMMITTED", "CHECKED", "LEVEL", "RUN", "NODE"}) {
      head.emplace_back(name);
    }
  }
  TextTable table(std::move(head));
  for (const v1::Backup& backup : list.backups()) {
    std::vector<std::string> row = {backup.remote() + "/" + backup.timedir(),
                                    StateText(backup),
                                    TimeText(backup.taken_at()),
                                    BytesText(backup.object_bytes()),
                                    CountText(backup.object_count()),
                                    backup.job()};
    if (wide) {
      row.insert(row.end(), {std::to_string(backup.generation()), TimeText(backup.committed_at()),
                             TimeText(backup.verified_at()), EnumText(backup.verify_level()),
                             backup.run(), backup.node_id()});
    }
    table.Add(std::move(row));
  }
  return table.Text();
}

ExitCode ListBackups(Console& console, const ClientOptions& options, const Asked& asked) {
  AdminClient client(options, console.interrupts());
  v1::ListBackupsRequest request;
  request.set_remote(asked.remote);
  v1::ListBackupsResponse list;
  auto failure = client.Read(&Stub::ListBackups, request, [&](const v1::ListBackupsResponse& part) {
    list.MergeFrom(part);
    return true;
  });
  if (failure.has_value()) return Fail(console, *failure);
  PrintResult(console, options.output, list, ListText(list, options.output == OutputFormat::kWide));
  for (const std::string& unread : list.unread()) {
    fmt::print(console.err, "ficusctl: cannot read {}\n", unread);
  }
  for (const v1::RemoteError& error : list.errors()) {
    fmt::print(console.err, "ficusctl: {}: {}. Then: ficusctl remote test {}\n", error.remote(),
               error.error(), error.remote());
  }
  return list.errors().empty() && list.unread().empty() ? ExitCode::kDone : ExitCode::kPartly;
}

std::string DescriptionText(const v1::ShowBackupResponse& shown, bool wide) {
  const v1::BackupDescription& description = shown.description();
  const v1::Backup& backup = description.backup();
  std::string text;
  const auto line = [&text](const char* name, const std::string& value) {
    text += fmt::format("{:<11}{}\n", name, value.empty() ? "-" : value);
  };
  line("backup", backup.remote() + "/" + backup.timedir());
  line("state", StateText(backup));
  if (!backup.problem().empty()) line("problem", backup.problem());
  line("taken", TimeText(backup.taken_at()));
  line("committed", fmt::format("{}, generation {}, run {}", TimeText(backup.committed_at()),
                                backup.generation(), backup.run()));
  line("checked", backup.has_verified_at()
                      ? fmt::format("{}, {}, {} damaged", TimeText(backup.verified_at()),
                                    EnumText(backup.verify_level()), backup.damaged_objects())
                      : "never");
  line("job", backup.job());
  line("node", backup.node_id());
  line("log", fmt::format("{}, position {}", description.log_id(), description.log_position()));
  line("form", EnumText(description.form()));
  line("scope", description.whole_node() ? "whole node" : "a part of the node");
  line("objects",
       fmt::format("{}, {}", CountText(backup.object_count()), BytesText(backup.object_bytes())));
  for (const v1::BackupCatalog& catalog : description.catalogs()) {
    std::string groups;
    for (const v1::BackupGroup& group : catalog.groups()) {
      groups += (groups.empty() ? "" : ", ") + group.name();
    }
    line("catalog", fmt::format("{}: {}", catalog.folder(), groups.empty() ? "no group" : groups));
  }
  for (const std::string& missing : description.missing()) line("missing", missing);
  if (!wide) return text;
  TextTable table({"KEY", "BYTES", "SHA256"});
  for (const v1::BackupObject& object : shown.objects()) {
    table.Add({object.key(), std::to_string(object.size_bytes()), object.sha256()});
  }
  return text + "\n" + table.Text();
}

ExitCode ShowBackup(Console& console, const ClientOptions& options, const Asked& asked) {
  v1::ShowBackupRequest request;
  if (auto failure = SplitId(asked, *request.mutable_remote(), *request.mutable_timedir())) {
    return Fail(console, *failure);
  }
  request.set_without_objects(options.output == OutputFormat::kTable);
  AdminClient client(options, console.interrupts());
  v1::ShowBackupResponse shown;
  auto failure = client.Read(&Stub::ShowBackup, request, [&](const v1::ShowBackupResponse& part) {
    shown.MergeFrom(part);
    return true;
  });
  if (failure.has_value()) return Fail(console, *failure);
  PrintResult(console, options.output, shown,
              DescriptionText(shown, options.output == OutputFormat::kWide));
  return ExitCode::kDone;
}

std::string VerdictText(const v1::VerificationRecord& record) {
  std::string text = fmt::format(
      "{}/{}: {}: {} objects, {} read: {}\n", record.remote(), record.timedir(),
      EnumText(record.level()), CountText(record.objects_read()), BytesText(record.bytes_read()),
      record.damaged_objects() == 0
          ? std::string("nothing is missing or damaged")
          : fmt::format("{} objects are missing or damaged", CountText(record.damaged_objects())));
  if (record.damaged_objects() == 0 && record.level() != v1::VERIFY_LEVEL_FULL) {
    text += "  only --full makes it a verified backup\n";
  }
  for (const v1::DamagedObject& damaged : record.damaged()) {
    text += fmt::format("  {}: {}\n", damaged.key(), damaged.reason());
  }
  for (const std::string& note : record.notes()) text += fmt::format("  note: {}\n", note);
  return text;
}

std::optional<Failure> FillLevel(const Asked& asked, v1::VerifyBackupRequest& request) {
  request.set_level(asked.quick ? v1::VERIFY_LEVEL_QUICK : v1::VERIFY_LEVEL_FULL);
  if (asked.sample.empty()) return std::nullopt;
  const std::optional<double> percent = ParsePercent(asked.sample);
  if (!percent.has_value()) {
    return Failure{ExitCode::kUsage,
                   fmt::format("backup: --sample: '{}' is no share above 0 % and at most 100 %",
                               asked.sample)};
  }
  request.set_level(v1::VERIFY_LEVEL_SAMPLE);
  request.set_sample_percent(*percent);
  return std::nullopt;
}

ExitCode VerifyBackup(Console& console, const ClientOptions& options, const Asked& asked) {
  v1::VerifyBackupRequest request;
  if (auto failure = SplitId(asked, *request.mutable_remote(), *request.mutable_timedir())) {
    return Fail(console, *failure);
  }
  if (auto failure = FillLevel(asked, request)) return Fail(console, *failure);
  AdminClient client(options, console.interrupts());
  v1::VerificationRecord record;
  Progress progress(console);
  const auto each = [&](const v1::VerifyBackupResponse& part) {
    if (part.has_record()) record.MergeFrom(part.record());
    if (!part.has_progress()) return true;
    progress.Show(asked.id, ProgressText(asked.id, part.progress()),
                  std::chrono::steady_clock::now());
    return true;
  };
  auto failure = client.Read(&Stub::VerifyBackup, request, each);
  progress.Clear();
  if (failure.has_value()) return Fail(console, *failure);
  PrintResult(console, options.output, record, VerdictText(record));
  if (record.damaged_objects() == 0) return ExitCode::kDone;
  return Fail(console, {ExitCode::kDamage,
                        fmt::format("backup {}/{}: damaged. Restore from another one, and make a "
                                    "new one: ficusctl backup run",
                                    record.remote(), record.timedir())});
}

std::string PruneText(const v1::PruneBackupsResponse& pruned) {
  std::string text;
  for (const v1::PruneDecision& decision : pruned.decisions()) {
    text += fmt::format("{}/{}: {}: {}\n", pruned.remote(), decision.timedir(),
                        decision.keep() ? "kept" : "removed", decision.reason());
  }
  text +=
      fmt::format("{} {}: {} backups ({} objects, {}); they go after a grace\n", pruned.remote(),
                  pruned.dry_run() ? "would expire" : "expired", pruned.expired_size(),
                  CountText(pruned.expired_objects()), BytesText(pruned.expired_bytes()));
  text += fmt::format("{} {}: {} objects, {}\n", pruned.remote(),
                      pruned.dry_run() ? "would delete" : "deleted", CountText(pruned.objects()),
                      BytesText(pruned.bytes()));
  return text;
}

ExitCode PruneBackups(Console& console, const ClientOptions& options, const Asked& asked) {
  v1::PruneBackupsRequest request;
  request.set_remote(asked.remote);
  request.set_dry_run(asked.dry_run || !asked.yes);
  if (!asked.keep.empty()) {
    if (auto failure = ParseKeep(asked.keep, *request.mutable_keep())) {
      return Fail(console, *failure);
    }
  }
  AdminClient client(options, console.interrupts());
  v1::PruneBackupsResponse pruned;
  if (auto failure = client.Call(&Stub::PruneBackups, request, pruned, AdminClient::Limit::kNone)) {
    failure->message = "prune: " + failure->message;
    constexpr std::string_view kSayWhat = "Say what to keep";
    const std::string_view message = failure->message;
    if (message.size() >= kSayWhat.size() &&
        message.substr(message.size() - kSayWhat.size()) == kSayWhat) {
      failure->message += ", for example --keep daily=7,min=3";
    }
    return Fail(console, *failure);
  }
  PrintResult(console, options.output, pruned, PruneText(pruned));
  for (const std::string& problem : pruned.problems()) {
    fmt::print(console.err, "ficusctl: prune: {}\n", problem);
  }
  const bool would = pruned.expired_size() > 0 || pruned.objects() > 0;
  if (would && !asked.yes && !asked.dry_run) {
    return Fail(console, {ExitCode::kRefused, "prune: nothing was changed; say --yes to do it"});
  }
  return pruned.problems().empty() ? ExitCode::kDone : ExitCode::kPartly;
}

std::string StatusText(const v1::BackupStatusResponse& status) {
  std::string text;
  for (const v1::BackupRun& run : status.runs()) {
    if (!run.ended()) {
      text += fmt::format("{} (run {}): {}\n", RunName(run), run.run(), ProgressText(run));
    }
  }
  TextTable table({"RUN", "JOB", "REMOTE", "ENDED", "RESULT"});
  bool any = false;
  for (const v1::BackupRun& run : status.runs()) {
    if (!run.ended()) continue;
    any = true;
    const std::string result = !run.error().empty() ? EnumText(run.phase()) + ": " + run.error()
                               : run.verified()     ? "done, verified"
                               : run.unchanged()    ? "done, nothing new"
                                                    : EnumText(run.phase());
    table.Add({run.run(), run.job(), run.remote(), TimeText(run.ended_at()), result});
  }
  if (any) text += (text.empty() ? "" : "\n") + table.Text();
  if (!status.restore_points().empty() && !text.empty()) text += "\n";
  for (const v1::RestorePoint& point : status.restore_points()) {
    if (!point.error().empty()) {
      text += fmt::format("{}: cannot be read: {}\n", point.remote(), point.error());
      continue;
    }
    if (point.committed_timedir().empty()) {
      text += fmt::format("{}: there is nothing to restore to\n", point.remote());
      continue;
    }
    const std::string committed = fmt::format("{} ({}, committed)", TimeText(point.committed_at()),
                                              point.committed_timedir());
    const std::string verified =
        fmt::format("{} ({}, verified)", TimeText(point.verified_at()), point.verified_timedir());
    text += fmt::format("{}: you can restore to {}\n", point.remote(),
                        point.verified_timedir().empty() ? committed
                        : point.verified_timedir() == point.committed_timedir()
                            ? verified
                            : verified + ", " + committed);
  }
  return text.empty() ? "no run is known and no remote is configured\n" : text;
}

bool AnyUnread(const v1::BackupStatusResponse& status) {
  return std::any_of(status.restore_points().begin(), status.restore_points().end(),
                     [](const v1::RestorePoint& point) { return !point.error().empty(); });
}

// How often each run has ended: what it could restore changes only then.
size_t EndedRuns(const v1::BackupStatusResponse& status) {
  return static_cast<size_t>(std::count_if(status.runs().begin(), status.runs().end(),
                                           [](const v1::BackupRun& run) { return run.ended(); }));
}

ExitCode WatchStatus(Console& console, AdminClient& client, const ClientOptions& options) {
  v1::BackupStatusResponse points;  // the last answer with restore points
  std::string printed;
  auto asked_at = std::chrono::steady_clock::now() - kRestorePointInterval;
  size_t ended = 0;
  for (;;) {
    v1::BackupStatusRequest request;
    v1::BackupStatusResponse status;
    const auto now = std::chrono::steady_clock::now();
    request.set_restore_points(now - asked_at >= kRestorePointInterval);
    if (auto failure = client.Call(&Stub::BackupStatus, request, status)) {
      return Fail(console, *failure);
    }
    if (request.restore_points()) {
      points = status;
      asked_at = now;
    } else {
      *status.mutable_restore_points() = points.restore_points();
    }
    if (EndedRuns(status) != ended) asked_at = now - kRestorePointInterval;
    ended = EndedRuns(status);
    const std::string text = StatusText(status);
    if (text != printed) PrintResult(console, options.output, status, text + "\n");
    printed = text;
    std::mutex mutex;
    std::condition_variable_any woken;
    std::unique_lock lock(mutex);
    woken.wait_for(lock, client.interrupt(), kWatchInterval, [] { return false; });
    if (client.interrupt().stop_requested()) return ExitCode::kInterrupted;
  }
}

ExitCode ShowStatus(Console& console, const ClientOptions& options, const Asked& asked) {
  AdminClient client(options, console.interrupts());
  if (asked.watch) return WatchStatus(console, client, options);
  v1::BackupStatusRequest request;
  request.set_restore_points(true);
  v1::BackupStatusResponse status;
  if (auto failure = client.Call(&Stub::BackupStatus, request, status)) {
    return Fail(console, *failure);
  }
  PrintResult(console, options.output, status, StatusText(status));
  return AnyUnread(status) ? ExitCode::kPartly : ExitCode::kDone;
}

ExitCode CancelBackup(Console& console, const ClientOptions& options, const Asked& asked) {
  AdminClient client(options, console.interrupts());
  v1::CancelBackupRequest request;
  request.set_run(asked.id);
  v1::CancelBackupResponse response;
  if (auto failure = client.Call(&Stub::CancelBackup, request, response)) {
    failure->message = "cancel: " + failure->message;
    return Fail(console, *failure);
  }
  const v1::BackupRun& run = response.run();
  PrintResult(console, options.output, run, RunReport(run));
  if (run.phase() == v1::RUN_PHASE_CANCELLED) return ExitCode::kDone;
  return Fail(console, {ExitCode::kFailed,
                        run.ended() ? fmt::format("cancel: {} had ended before", RunName(run))
                                    : fmt::format("cancel: {} is asked to stop but has not ended "
                                                  "yet; see: ficusctl backup status",
                                                  RunName(run))});
}

using Act = ExitCode (*)(Console&, const ClientOptions&, const Asked&);

CLI::App* AddVerb(CLI::App& parent, const char* name, const char* what, Act act,
                  const std::shared_ptr<Asked>& asked, const ClientOptions& client,
                  Command& command) {
  CLI::App* const verb = parent.add_subcommand(name, what);
  verb->callback([act, asked, &client, &command] {
    command = [act, asked, &client](Console& console) { return act(console, client, *asked); };
  });
  return verb;
}

void AddRun(CLI::App& parent, const ClientOptions& client, Command& command) {
  const auto options = std::make_shared<BackupRunOptions>();
  CLI::App* const run = parent.add_subcommand("run", "make a backup now");
  run->add_option("job", options->job, "as the configuration names it");
  run->add_option("--remote", options->remote, "a configured remote, for a backup by hand");
  run->add_option("--dest", options->dest, "the same by its URL");
  run->add_option("--schedule", options->schedule, "stay and report what the node does by it")
      ->group("");
  run->add_option("--time-style", options->time_style, "daily or hourly")
      ->check(CLI::IsMember({"daily", "hourly"}));
  run->add_option("--form", options->form, "released or seed")
      ->check(CLI::IsMember({"released", "seed"}));
  // One name each time, so that a job's name can follow.
  run->add_option("--group", options->groups, "only these; a name may end in *")
      ->allow_extra_args(false)
      ->delimiter(',');
  run->add_option("--catalog", options->catalogs, "only these")
      ->allow_extra_args(false)
      ->delimiter(',')
      ->check(CLI::IsMember({"measure", "stream", "property", "trace", "schema-property"}));
  run->add_option("--verify", options->verify, "off, full or \"sample 5%\"");
  run->add_option("--keep", options->keep, "prune afterwards, for example daily=7,min=3");
  run->add_flag("--allow-degraded", options->allow_degraded,
                "commit what can be read of a damaged node");
  run->add_flag("--dry-run", options->dry_run, "count, change nothing");
  run->add_flag("--follow,!--no-follow", options->follow, "wait for its end (the default)");
  run->callback([options, &client, &command] {
    command = [options, &client](Console& console) { return RunBackup(console, client, *options); };
  });
}

}  // namespace

void AddBackupCommands(CLI::App& app, const ClientOptions& client, Command& command) {
  CLI::App* const backup = app.add_subcommand("backup", "backups of a running node");
  backup->require_subcommand(1);
  AddRun(*backup, client, command);
  const auto asked = std::make_shared<Asked>();
  const auto add = [&](const char* name, const char* what, Act act) {
    return AddVerb(*backup, name, what, act, asked, client, command);
  };
  add("list", "what the remotes hold", ListBackups)
      ->add_option("--remote", asked->remote, "only this one");
  CLI::App* const show = add("show", "what one backup consists of", ShowBackup);
  CLI::App* const verify = add("verify", "read one backup back", VerifyBackup);
  for (CLI::App* const verb : {show, verify}) {
    verb->add_option("id", asked->id, "REMOTE/TIMEDIR, as `list` names it")->required();
    verb->add_option("--remote", asked->remote, "where it lies");
  }
  CLI::Option* const full = verify->add_flag("--full", asked->full, "every byte (the default)");
  CLI::Option* const quick = verify->add_flag("--quick", asked->quick, "only names and sizes");
  verify->add_option("--sample", asked->sample, "a share of the bytes, such as 5%")
      ->excludes(full)
      ->excludes(quick);
  quick->excludes(full);
  CLI::App* const prune = add("prune", "remove what the keep rules let go", PruneBackups);
  prune->add_option("--remote", asked->remote, "where");
  prune->add_option("--keep", asked->keep, "instead of what the jobs say: daily=7,min=3");
  prune->add_flag("--dry-run", asked->dry_run, "say what would be removed");
  prune->add_flag("--yes", asked->yes, "really");
  add("status", "runs, and what you can restore to", ShowStatus)
      ->add_flag("--watch", asked->watch, "again and again");
  add("cancel", "stop a run", CancelBackup)->add_option("run", asked->id, "its id")->required();
}

}  // namespace ficus
