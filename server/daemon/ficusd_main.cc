// ficusd: the node.
//
//   ficusd [serve] [--config FILE] [--set key=value]...
//       runs until SIGTERM or SIGINT, which end a long start, too; SIGHUP has the configuration
//       read again
//   ficusd check-config [FILE]
//       names every mistake; exit 78 when there is one
//   ficusd show-config [--origin]
//       the configuration in force
//   ficusd version
#include <chrono>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <grpc/support/log.h>
#include <signal.h>
#include <unistd.h>

#include "config/config_files.h"
#include "config/load.h"
#include "config/show.h"
#include "engine/base/log.h"
#include "engine/base/mutex.h"
#include "server/daemon/breakdown.h"
#include "server/daemon/config_check.h"
#include "server/daemon/daemon.h"
#include "server/daemon/log_settings.h"
#include "server/daemon/security.h"
#include "server/daemon/service_manager.h"
#include "server/daemon/signals.h"
#include "server/observability/build_info.h"

extern char** environ;

namespace ficus {
namespace {

constexpr int kExitFailed = 1;
constexpr int kExitUsage = 2;
constexpr int kExitBusy = 5;
constexpr int kExitConfig = 78;  // EX_CONFIG of sysexits.h

std::vector<std::pair<std::string, std::string>> Environment() {
  std::vector<std::pair<std::string, std::string>> variables;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text(*entry);
    const size_t equals = text.find('=');
    if (equals != std::string::npos) {
      variables.emplace_back(text.substr(0, equals), text.substr(equals + 1));
    }
  }
  return variables;
}

struct Options {
  std::string file;
  std::vector<std::string> settings;
  bool origin = false;
};

// What the command line says about where the configuration is; none after a mistake was printed.
std::optional<ConfigSources> SourcesOf(const Options& options) {
  ConfigSources sources;
  sources.file = options.file;
  sources.environment = Environment();
  for (const std::string& setting : options.settings) {
    Result<ConfigFlag> flag = ParseSetFlag(setting);
    if (!flag.has_value()) {
      std::fprintf(stderr, "ficusd: --set %s: %s\n", setting.c_str(), flag.error().message.c_str());
      return std::nullopt;
    }
    sources.flags.push_back(*std::move(flag));
  }
  return sources;
}

// The configuration with every mistake in it.
ConfigCheck CheckWhole(const ConfigSources& sources) {
  ConfigCheck check = CheckConfig(sources, DiskConfigFiles());
  if (check.mistakes.empty()) check.mistakes = CheckMeanings(check.loaded);
  if (check.mistakes.empty()) check.mistakes = CheckSecurityFiles(check.loaded);
  return check;
}

// The configuration, or none after every mistake was printed.
std::optional<LoadedConfig> Load(const ConfigSources& sources) {
  ConfigCheck check = CheckWhole(sources);
  for (const ConfigMistake& mistake : check.mistakes) {
    std::fprintf(stderr, "%s\n", mistake.ToString().c_str());
  }
  if (!check.mistakes.empty()) return std::nullopt;
  return std::move(check.loaded);
}

// The same while the node runs.
Result<LoadedConfig> LoadAgain(const ConfigSources& sources) {
  ConfigCheck check = CheckWhole(sources);
  if (check.mistakes.empty()) return std::move(check.loaded);
  std::string text;
  for (const ConfigMistake& mistake : check.mistakes) {
    text += (text.empty() ? "" : "; ") + mistake.ToString();
  }
  return Error{ErrorCode::kInvalidArgument, text};
}

bool SetUpLog(const LogConfig& config) {
  if (ConfigureLog(LogSettingsOf(config, ::isatty(STDERR_FILENO) == 1))) return true;
  std::fprintf(stderr, "ficusd: log.output: cannot write %s\n", config.output.c_str());
  return false;
}

// Whether one more line fits. gRPC writes one for each handshake that fails, so that whoever likes
// could fill the disk.
bool TakeGrpcLine() {
  constexpr int kLinesMax = 20;
  constexpr std::chrono::seconds kInterval{10};
  static Mutex mutex;
  static std::chrono::steady_clock::time_point since;
  static int lines = 0;
  MutexLock lock(mutex);
  const auto now = std::chrono::steady_clock::now();
  if (now - since > kInterval) {
    since = now;
    lines = 0;
  }
  return lines++ < kLinesMax;
}

// gRPC's own lines go where ours go.
void ForwardGrpcLog(gpr_log_func_args* line) {
  if (line->severity == GPR_LOG_SEVERITY_ERROR) {
    if (!TakeGrpcLine()) return;
    LogWarn("grpc", "{}", line->message);
  } else if (line->severity == GPR_LOG_SEVERITY_INFO) {
    LogDebug("grpc", "{}", line->message);
  }
}

void TellServiceManager(std::string_view state) {
  const Result<> told = NotifyServiceManager(state);
  if (!told.has_value()) LogWarn("daemon.service_manager", "{}", told.error().message);
}

// Obeys signals that ask for the configuration to be read again, until one ends the process.
void WaitForEnd(Signals& signals, Daemon& daemon) {
  while (signals.Wait() == SIGHUP) {
    LogInfo("daemon.signal", "SIGHUP: reading the configuration again");
    TellServiceManager("RELOADING=1");
    static_cast<void>(daemon.Reload());  // it tells log and metrics how it went
    TellServiceManager("READY=1");
  }
}

int ExitCodeOf(const Error& error) {
  if (error.code == ErrorCode::kInvalidArgument) return kExitConfig;
  return error.code == ErrorCode::kUnavailable ? kExitBusy : kExitFailed;
}

int Refuse(const Error& error) {
  LogError("daemon.start", "{}", error.ToString());
  FlushLog();
  return ExitCodeOf(error);
}

// For whoever sent the signal an ordinary stop.
int EndStart(Signals& signals) {
  while (signals.Wait() == SIGHUP) {
  }
  LogInfo("daemon.signal", "the start was ended: nothing is lost, the next one does the rest");
  FlushLog();
  return 0;
}

int Serve(const ConfigSources& sources) {
  const std::optional<LoadedConfig> loaded = Load(sources);
  if (!loaded.has_value()) return kExitConfig;
  if (!SetUpLog(loaded->config.log)) return kExitConfig;
  gpr_set_log_function(ForwardGrpcLog);

  const Result<std::unique_ptr<Signals>> signals = Signals::Listen();
  if (!signals.has_value()) return Refuse(signals.error());
  ::signal(SIGPIPE, SIG_IGN);

  Result<std::unique_ptr<Daemon>> daemon = Daemon::Start(
      loaded->config, [&sources] { return LoadAgain(sources); }, (*signals)->stop());
  if (!daemon.has_value()) {
    const bool ended = daemon.error().code == ErrorCode::kCancelled;
    return ended && (*signals)->stop().stop_requested() ? EndStart(**signals)
                                                        : Refuse(daemon.error());
  }
  TellServiceManager("READY=1");
  WaitForEnd(**signals, **daemon);
  TellServiceManager("STOPPING=1");
  (*daemon)->Stop();
  FlushLog();
  return 0;
}

int Run(int argc, char** argv) {
  CLI::App app("ficusd, a BanyanDB-compatible time-series data node");
  Options options;
  app.add_option("--config,-c", options.file, "the YAML file");
  app.add_option("--set", options.settings, "key=value, above file and environment")
      ->allow_extra_args(false);
  app.require_subcommand(0, 1);
  app.fallthrough();
  CLI::App* const serve = app.add_subcommand("serve", "run the node (the default)");
  CLI::App* const check =
      app.add_subcommand("check-config", "name every mistake of a configuration");
  check->add_option("file", options.file, "the YAML file");
  CLI::App* const show = app.add_subcommand("show-config", "print the configuration in force");
  show->add_flag("--origin", options.origin, "say where each value comes from");
  CLI::App* const version = app.add_subcommand("version", "print the version");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kExitUsage;
  }
  if (version->parsed()) {
    std::printf("%s\n", BuildInfoLine().c_str());
    return 0;
  }
  const std::optional<ConfigSources> sources = SourcesOf(options);
  if (!sources.has_value()) return kExitConfig;
  if (check->parsed() || show->parsed()) {
    const std::optional<LoadedConfig> loaded = Load(*sources);
    if (!loaded.has_value()) return kExitConfig;
    if (check->parsed()) {
      std::printf("the configuration is fine\n");
    } else {
      std::printf("%s",
                  ShowConfig(*loaded, options.origin ? ShowOrigin::kYes : ShowOrigin::kNo).c_str());
    }
    return 0;
  }
  static_cast<void>(serve);
  return Serve(*sources);
}

}  // namespace
}  // namespace ficus

int main(int argc, char** argv) {
  ficus::ReportBreakdowns(argv[0]);
  return ficus::Run(argc, argv);
}
