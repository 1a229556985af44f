// ficusctl: speaks to a running node and looks into the files of one.
//
//   ficusctl backup run|list|show|verify|prune|status|cancel
//   ficusctl restore plan|run|status|discard|release
//   ficusctl schedule list|next|pause|resume
//   ficusctl table flush|merge|confirm-clock
//   ficusctl remote test NAME or URL
//   ficusctl snapshot create
//   ficusctl snapshot list|verify|delete --root DIRECTORY
//   ficusctl timedir list|create|read|delete
//   ficusctl config reload
//   ficusctl auth hash
//   ficusctl auth users FILE
//   ficusctl part|index|manifest show|verify FILE
//   ficusctl log show|verify DIRECTORY
//   ficusctl log accept-loss --root DIRECTORY --yes
//   ficusctl log parked list DIRECTORY
//   ficusctl log parked drop BATCH DIRECTORY --yes
//   ficusctl quarantine list --root DIRECTORY
//   ficusctl quarantine drop FILE --root DIRECTORY --yes
//
// Called as `backup` or `restore` it takes the flags of BanyanDB's tools (compatible_names.h).
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <unistd.h>

#include "engine/base/random.h"
#include "engine/io/disk_file_system.h"
#include "server/ctl/admin_client.h"
#include "server/ctl/auth.h"
#include "server/ctl/backup.h"
#include "server/ctl/command.h"
#include "server/ctl/compatible_names.h"
#include "server/ctl/exit_code.h"
#include "server/ctl/inspect.h"
#include "server/ctl/interrupts.h"
#include "server/ctl/markers.h"
#include "server/ctl/node_config.h"
#include "server/ctl/parked.h"
#include "server/ctl/quarantine.h"
#include "server/ctl/remote.h"
#include "server/ctl/restore.h"
#include "server/ctl/schedule.h"
#include "server/ctl/snapshot.h"
#include "server/ctl/table.h"
#include "server/ctl/timedir.h"

namespace ficus {
namespace {

struct Options {
  std::string path;
  std::string root;
  std::string batch;
  uint64_t items_max = std::numeric_limits<uint64_t>::max();
  bool yes = false;
};

// A command on files prints its result itself; what it returns decides the exit code.
Command OnFiles(std::function<Result<>()> act) {
  return [act = std::move(act)](Console& console) {
    const Result<> result = act();
    if (result.has_value()) return ExitCode::kDone;
    return Fail(console, {ExitCodeOf(result.error()), result.error().ToString()});
  };
}

Result<> Print(const Result<std::string>& text) {
  if (!text.has_value()) return text.error();
  std::fwrite(text->data(), 1, text->size(), stdout);
  return Ok();
}

Result<std::unique_ptr<FileSystem>> OpenRoot(const Options& options) {
  DiskOptions disk;
  disk.engine = IoEngine::kThreads;
  return OpenDiskFileSystem(options.root, disk);
}

Result<> NeedsYes(const Options& options, const char* what) {
  if (options.yes) return Ok();
  return Error{ErrorCode::kFailedPrecondition,
               std::string(what) + " Nothing was changed; say --yes to do it."};
}

Result<> RunAcceptLoss(const Options& options) {
  RETURN_IF_ERROR(NeedsYes(options, "Rows that were acknowledged may be gone for good."));
  ASSIGN_OR_RETURN(const std::unique_ptr<FileSystem> fs, OpenRoot(options));
  SystemRandom random;
  RETURN_IF_ERROR(AcceptLogLoss(*fs, random));
  std::printf("the next start of the node accepts the loss\n");
  return Ok();
}

Result<> RunQuarantineList(const Options& options) {
  ASSIGN_OR_RETURN(const std::unique_ptr<FileSystem> fs, OpenRoot(options));
  ASSIGN_OR_RETURN(const std::vector<std::string> files, ListQuarantine(*fs));
  for (const std::string& file : files) std::printf("%s\n", file.c_str());
  return Ok();
}

Result<> RunQuarantineDrop(const Options& options) {
  RETURN_IF_ERROR(NeedsYes(options, "The file is deleted, and what it held is gone."));
  ASSIGN_OR_RETURN(const std::unique_ptr<FileSystem> fs, OpenRoot(options));
  return DropQuarantined(*fs, options.path);
}

Result<std::unique_ptr<FileSystem>> OpenLogDirectory(const Options& options) {
  DiskOptions disk;
  disk.engine = IoEngine::kThreads;
  return OpenDiskFileSystem(options.path, disk);
}

Result<> RunParkedList(const Options& options) {
  ASSIGN_OR_RETURN(const std::unique_ptr<FileSystem> log_fs, OpenLogDirectory(options));
  return Print(ListParkedText(*log_fs));
}

Result<> RunParkedDrop(const Options& options) {
  RETURN_IF_ERROR(NeedsYes(options, "The batch is deleted, and rows that were in it are gone."));
  ASSIGN_OR_RETURN(const std::unique_ptr<FileSystem> log_fs, OpenLogDirectory(options));
  return DropParkedBatch(*log_fs, options.batch);
}

void AddParked(CLI::App& log, Options& options, Command& command) {
  CLI::App* const parked =
      log.add_subcommand("parked", "batches that replay could not apply and kept aside");
  parked->require_subcommand(1);
  CLI::App* const list = parked->add_subcommand("list", "name them and what they hold");
  list->add_option("directory", options.path, "of the log")->required();
  list->callback([&] { command = OnFiles([&options] { return RunParkedList(options); }); });
  CLI::App* const drop = parked->add_subcommand("drop", "delete one of them");
  drop->add_option("batch", options.batch, "as `list` names it")->required();
  drop->add_option("directory", options.path, "of the log")->required();
  drop->add_flag("--yes", options.yes, "really");
  drop->callback([&] { command = OnFiles([&options] { return RunParkedDrop(options); }); });
}

void AddInspection(CLI::App& parent, Inspected what, const char* operand, Options& options,
                   Command& command) {
  for (const Inspection how : {Inspection::kShow, Inspection::kVerify}) {
    const bool show = how == Inspection::kShow;
    CLI::App* const verb = parent.add_subcommand(
        show ? "show" : "verify", show ? "print what it says" : "read and check every byte");
    verb->add_option(operand, options.path)->required();
    if (show) verb->add_option("--items", options.items_max, "blocks or entries to list");
    verb->callback([what, how, &options, &command] {
      command = OnFiles([what, how, &options] {
        return Print(Inspect(what, how, options.path, options.items_max));
      });
    });
  }
  parent.require_subcommand(1);
}

void AddCommands(CLI::App& app, Options& options, Command& command) {
  AddInspection(*app.add_subcommand("part", "parts: the files of rows"), Inspected::kPart, "file",
                options, command);
  AddInspection(*app.add_subcommand("index", "index runs: the files of series"), Inspected::kIndex,
                "file", options, command);
  AddInspection(*app.add_subcommand("manifest", "manifests: what a shard consists of"),
                Inspected::kManifest, "file", options, command);
  CLI::App* const log = app.add_subcommand("log", "the log");
  AddInspection(*log, Inspected::kLog, "directory", options, command);
  CLI::App* const accept = log->add_subcommand(
      "accept-loss", "let the next start go on although the log lost acknowledged rows");
  accept->add_option("--root", options.root, "storage.path of the node")->required();
  accept->add_flag("--yes", options.yes, "really");
  accept->callback([&] { command = OnFiles([&options] { return RunAcceptLoss(options); }); });

  AddParked(*log, options, command);

  CLI::App* const quarantine =
      app.add_subcommand("quarantine", "damaged files that were set aside");
  quarantine->require_subcommand(1);
  CLI::App* const list = quarantine->add_subcommand("list", "name them");
  list->add_option("--root", options.root, "storage.path of the node")->required();
  list->callback([&] { command = OnFiles([&options] { return RunQuarantineList(options); }); });
  CLI::App* const drop = quarantine->add_subcommand("drop", "delete one of them");
  drop->add_option("file", options.path, "as `list` names it")->required();
  drop->add_option("--root", options.root, "storage.path of the node")->required();
  drop->add_flag("--yes", options.yes, "really");
  drop->callback([&] { command = OnFiles([&options] { return RunQuarantineDrop(options); }); });
}

// What the process ends with: an interrupt by SIGTERM has a code of its own.
int StatusOf(ExitCode code) {
  if (code == ExitCode::kInterrupted && InterruptSignal() != 0) return 128 + InterruptSignal();
  return static_cast<int>(code);
}

int Run(std::vector<std::string> arguments) {
  CLI::App app("ficusctl, the tool of a Ficus node");
  Options options;
  ClientOptions client;
  Command command;
  AddClientOptions(app, client);
  app.require_subcommand(1);
  AddCommands(app, options, command);
  AddBackupCommands(app, client, command);
  AddScheduleCommands(app, client, command);
  AddTableCommands(app, client, command);
  AddRemoteCommands(app, client, command);
  AddRestoreCommands(app, client, command);
  AddTimedirCommands(app, client, command);
  AddSnapshotCommands(app, client, command);
  AddConfigCommands(app, client, command);
  AddAuthCommands(app, command);
  try {
    std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
    app.parse(std::move(arguments));
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(ExitCode::kUsage);
  }
  Console console;
  console.err_is_terminal = ::isatty(STDERR_FILENO) != 0;
  console.interrupts = WatchInterrupts;
  return StatusOf(command(console));
}

int Main(int argc, char** argv) {
  std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  if (argc == 0 || !IsCompatibleName(argv[0])) return Run(std::move(arguments));
  Result<TranslatedCommand> translated = TranslateCommand(argv[0], arguments);
  if (!translated.has_value()) {
    std::fprintf(stderr, "%s\n", translated.error().message.c_str());
    return static_cast<int>(ExitCode::kUsage);
  }
  for (const std::string& warning : translated->warnings) {
    std::fprintf(stderr, "%s\n", warning.c_str());
  }
  return Run(std::move(translated->arguments));
}

}  // namespace
}  // namespace ficus

int main(int argc, char** argv) { return ficus::Main(argc, argv); }
