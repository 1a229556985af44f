#include "server/ctl/restore.h"

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>

#include "engine/base/clock.h"
#include "engine/base/random.h"
#include "engine/io/disk_file_system.h"
#include "server/backup/restore_job.h"
#include "server/backup/restore_on_start.h"
#include "server/backup/restore_plan.h"
#include "server/ctl/progress.h"
#include "server/ctl/restore_text.h"
#include "server/remote/open_store.h"

namespace ficus {
namespace {

struct Asked {
  std::string timedir;
  std::string source;
  std::string root;
  std::string log;
  std::vector<std::string> catalogs;
  std::vector<std::string> groups;
  uint64_t generation = 0;
  size_t concurrency = 4;
  bool allow_degraded = false;
  bool foreign = false;
  bool dry_run = false;
  bool yes = false;
};

// What a command works on; kept together because the parts refer to each other.
struct Work {
  SystemClock clock;
  SystemRandom random;
  std::unique_ptr<FileSystem> fs;
  std::unique_ptr<FileSystem> separate_log_fs;
  std::unique_ptr<ObjectStore> store;

  // Without a log yet there is nothing of it either: the root then stands in for its folder.
  FileSystem& log_fs() const { return separate_log_fs != nullptr ? *separate_log_fs : *fs; }
  RestoreParts parts() { return {*fs, *store, clock, random}; }
};

Result<std::unique_ptr<FileSystem>> OpenFolder(const std::string& folder) {
  DiskOptions disk;
  disk.engine = IoEngine::kThreads;
  return OpenDiskFileSystem(folder, disk);
}

Result<std::unique_ptr<Work>> Open(const Asked& asked) {
  auto work = std::make_unique<Work>();
  ASSIGN_OR_RETURN(work->fs, OpenFolder(asked.root));
  std::error_code error;
  const std::string log = asked.log.empty() ? asked.root + "/wal" : asked.log;
  if (!asked.log.empty() || std::filesystem::is_directory(log, error)) {
    ASSIGN_OR_RETURN(work->separate_log_fs, OpenFolder(log));
  }
  if (asked.source.empty()) return work;
  StoreOptions options;
  options.missing = MissingFolder::kRefuse;
  ASSIGN_OR_RETURN(work->store, OpenStore(asked.source, options));
  return work;
}

Result<RestoreRequest> RequestOf(Work& work, const Asked& asked, const std::stop_token& stop) {
  // BanyanDB's tool takes the time directory from the markers below the root.
  if (asked.timedir.empty()) return RequestOfMarkers(work.parts(), stop);
  RestoreRequest request;
  request.timedir = asked.timedir;
  if (asked.generation != 0) request.generation = asked.generation;
  request.selection = {asked.catalogs, asked.groups};
  request.allow_degraded = asked.allow_degraded;
  request.foreign = asked.foreign;
  return request;
}

Error NeedsYes(const std::string& what) {
  return Error{ErrorCode::kFailedPrecondition, what + " Nothing was changed; say --yes to do it."};
}

Result<std::string> Plan(const ClientOptions& client, const Asked& asked, Console& console) {
  const std::stop_token stop = console.interrupts();
  ASSIGN_OR_RETURN(const std::unique_ptr<Work> work, Open(asked));
  ASSIGN_OR_RETURN(const RestoreRequest request, RequestOf(*work, asked, stop));
  ASSIGN_OR_RETURN(const RestorePlan plan, PlanRestore(work->parts(), request, stop));
  return client.structured() ? RestorePlanJson(plan) : RestorePlanText(plan);
}

// An empty machine may not even have the folder.
Result<> EnsureRoot(const Asked& asked) {
  std::error_code error;
  std::filesystem::create_directories(asked.root, error);
  if (!error) return Ok();
  return Error{ErrorCode::kIo, fmt::format("create {}: {}", asked.root, error.message())};
}

Result<std::string> Run(const ClientOptions& client, const Asked& asked, Console& console) {
  if (asked.dry_run) return Plan(client, asked, console);
  const std::stop_token stop = console.interrupts();
  RETURN_IF_ERROR(EnsureRoot(asked));
  ASSIGN_OR_RETURN(const std::unique_ptr<Work> work, Open(asked));
  RestoreRunOptions options;
  ASSIGN_OR_RETURN(options.request, RequestOf(*work, asked, stop));
  ASSIGN_OR_RETURN(const bool is_empty, IsEmptyRoot(*work->fs));
  if (!is_empty && !asked.yes) {
    return NeedsYes(options.request.selection.whole_node()
                        ? "The next start of the node replaces everything it holds."
                        : "The next start of the node replaces what it holds of these groups.");
  }
  options.concurrency = asked.concurrency;
  Progress progress(console);
  options.progress = [&](const RestoreProgress& now) {
    progress.Show(now.verifying ? "verify" : "download", RestoreProgressText(now),
                  std::chrono::steady_clock::now());
  };
  const Result<RestoreOutcome> outcome = RunRestore(work->parts(), options, stop);
  progress.Clear();
  if (!outcome.has_value()) return outcome.error();
  return client.structured() ? RestoreOutcomeJson(*outcome) : RestoreOutcomeText(*outcome);
}

Result<std::string> Status(const ClientOptions& client, const Asked& asked) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Work> work, Open(asked));
  ASSIGN_OR_RETURN(const RestoreStatus status, GetRestoreStatus(*work->fs, work->log_fs()));
  return client.structured() ? RestoreStatusJson(status) : RestoreStatusText(status);
}

Result<std::string> Discard(const ClientOptions& client, const Asked& asked) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Work> work, Open(asked));
  if (!asked.dry_run && !asked.yes) {
    return NeedsYes("What the restore staged or replaced is deleted.");
  }
  ASSIGN_OR_RETURN(const RestoreDiscard discard,
                   DiscardRestore(*work->fs, work->log_fs(), work->random, asked.dry_run));
  return client.structured() ? RestoreDiscardJson(discard, asked.dry_run)
                             : RestoreDiscardText(discard, asked.dry_run);
}

Result<std::string> Release(const ClientOptions& client, const Asked& asked) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Work> work, Open(asked));
  if (!asked.yes) return NeedsYes("Retention removes what has outlived its time to live.");
  RestoreDiscard lifted;
  ASSIGN_OR_RETURN(lifted.holds, ReleaseRestored(*work->fs));
  return client.structured() ? RestoreDiscardJson(lifted, false)
                             : fmt::format("lifted {} holds on retention\n", lifted.holds);
}

// ----- the command line -----

using Verb = std::function<Result<std::string>(Console& console)>;

Command Printing(std::string verb, bool dry_run, Verb act) {
  return [verb = std::move(verb), dry_run, act = std::move(act)](Console& console) {
    const Result<std::string> text = act(console);
    if (!text.has_value()) {
      const bool interrupted = text.error().code == ErrorCode::kCancelled;
      return Fail(console, {interrupted ? ExitCode::kInterrupted : ExitCodeOf(text.error()),
                            "restore " + verb + ": " + text.error().message});
    }
    fmt::print(console.out, "{}", *text);
    if (dry_run) fmt::print(console.err, "ficusctl: nothing was changed\n");
    return ExitCode::kDone;
  };
}

void AddPlaces(CLI::App& verb, Asked& asked) {
  verb.add_option("--root", asked.root, "storage.path of the node")->required();
  verb.add_option("--log", asked.log, "storage.wal.path, where it is not wal/ below the root");
}

void AddSelection(CLI::App& verb, Asked& asked) {
  AddPlaces(verb, asked);
  verb.add_option("timedir", asked.timedir,
                  "2026-11-20 or 2026-11-20-09; what the markers below the root say");
  verb.add_option("--source", asked.source, "URL of the destination")->required();
  verb.add_option("--catalog", asked.catalogs, "only these catalogs, each whole")->delimiter(',');
  verb.add_option("--group", asked.groups, "only these groups")->delimiter(',');
  verb.add_option("--generation", asked.generation, "not the one that counts")
      ->check(CLI::PositiveNumber);
  verb.add_flag("--allow-degraded", asked.allow_degraded, "take a backup that lacks something");
  verb.add_flag("--foreign", asked.foreign, "take a time directory without records of ours");
}

}  // namespace

void AddRestoreCommands(CLI::App& app, const ClientOptions& client, Command& command) {
  const auto asked = std::make_shared<Asked>();
  CLI::App* const restore = app.add_subcommand("restore", "bring a backup back");
  restore->require_subcommand(1);

  CLI::App* const plan = restore->add_subcommand("plan", "what a run would do");
  AddSelection(*plan, *asked);
  plan->callback([asked, &client, &command] {
    command = Printing("plan", false, [asked, &client](Console& console) {
      return Plan(client, *asked, console);
    });
  });

  CLI::App* const run = restore->add_subcommand(
      "run", "stage and verify a backup; the next start of the node goes on");
  AddSelection(*run, *asked);
  run->add_option("--concurrency", asked->concurrency, "downloads at a time")
      ->check(CLI::Range(1, 256));
  run->add_flag("--yes", asked->yes, "replace what the node holds");
  run->add_flag("--dry-run", asked->dry_run, "only say what would be done");
  run->callback([asked, &client, &command] {
    command = Printing("run", asked->dry_run,
                       [asked, &client](Console& console) { return Run(client, *asked, console); });
  });

  CLI::App* const status = restore->add_subcommand("status", "how far it is, what it keeps");
  AddPlaces(*status, *asked);
  status->callback([asked, &client, &command] {
    command =
        Printing("status", false, [asked, &client](Console&) { return Status(client, *asked); });
  });

  CLI::App* const discard = restore->add_subcommand(
      "discard", "give up what waits, or delete what a finished restore replaced");
  AddPlaces(*discard, *asked);
  discard->add_flag("--yes", asked->yes, "really");
  discard->add_flag("--dry-run", asked->dry_run, "only count");
  discard->callback([asked, &client, &command] {
    command = Printing("discard", asked->dry_run,
                       [asked, &client](Console&) { return Discard(client, *asked); });
  });

  CLI::App* const release =
      restore->add_subcommand("release", "let retention go on with what was restored");
  AddPlaces(*release, *asked);
  release->add_flag("--yes", asked->yes, "really");
  release->callback([asked, &client, &command] {
    command =
        Printing("release", false, [asked, &client](Console&) { return Release(client, *asked); });
  });
}

}  // namespace ficus
