// ficus_load: writes points to a node, reads them back, compares.
//
// Ends with 0 when all went well, 1 when points were refused, are missing or wrong, 2 for a wrong
// command line, 3 when the node went away.
#include <csignal>
#include <cstdio>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "bench/load/channel.h"
#include "bench/load/query_command.h"
#include "bench/load/run_command.h"
#include "bench/load/verify_command.h"

namespace {

using ficus::Result;
namespace load = ficus::load;

std::atomic<bool> stop{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler sets it");

void Stop(int) { stop.store(true); }

void AddRun(CLI::App& app, load::RunOptions& options) {
  CLI::App* run = app.add_subcommand("run", "Write points and print how it goes");
  run->add_option("--address", options.address, "gRPC of the node, host:port")->required();
  run->add_option("--metrics", options.metrics, "host:port of /metrics, for the node's figures");
  run->add_option("--seconds", options.seconds, "End after this time; 0: go on")
      ->check(CLI::NonNegativeNumber);
  run->add_option("--points", options.points, "End after this many points; 0: go on");
  run->add_option("--rate", options.rate, "Points per second; 0: as fast as the node takes them")
      ->check(CLI::NonNegativeNumber);
  run->add_option("--series", options.series, "Series of generated points")
      ->capture_default_str()
      ->check(CLI::Range(1, 100'000'000));
  run->add_option("--streams", options.streams, "Connections, a stream each")
      ->capture_default_str()
      ->check(CLI::Range(1, 4096));
  run->add_option("--shards", options.shards, "Shards of a group that is created")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024));
  run->add_option("--group", options.group,
                  "Group to write to; sw_load, or nezha for recorded points");
  run->add_option("--journal", options.journal, "File that notes what was sent and acknowledged");
  run->add_option("--data", options.data, "Folder whose metric/*.csv.gz is replayed instead");
  run->add_option("--copies", options.copies, "Renamed copies of recorded pods, side by side")
      ->capture_default_str()
      ->check(CLI::Range(1, 100'000));
  run->add_option("--step", options.step_ms, "Milliseconds between points of a series; 0: by rate")
      ->check(CLI::NonNegativeNumber);
  run->add_option("--ago", options.ago_seconds,
                  "Seconds between the first generated point and now");
  run->add_option("--window", options.unanswered_max, "Unanswered points of a stream")
      ->capture_default_str()
      ->check(CLI::Range(1, 100'000'000));
  run->add_option("--reconnect", options.reconnect_seconds,
                  "Seconds to wait for a node that went away")
      ->check(CLI::NonNegativeNumber);
  run->add_option("--report", options.report_seconds, "Seconds between lines; 0: none")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
}

void AddProtection(CLI::App& app, ficus::NodeAddress& node) {
  node.insecure = true;  // whoever measures a node decides what it may see
  app.fallthrough();
  app.add_flag("--tls", node.tls, "Encrypt; the node's certificate is checked");
  app.add_option("--tls-ca", node.ca_file, "PEM file of the authorities that may sign it");
  app.add_option("--tls-cert", node.cert_file, "PEM file of a certificate to show to the node");
  app.add_option("--tls-key", node.key_file, "PEM file of its key");
  app.add_option("--tls-server-name", node.server_name, "The name in the node's certificate");
  app.add_option("-u,--user", node.username, "Name to sign in with");
  app.add_option("--password-file", node.password_file,
                 "File with the password, mode 0600; without it the variable FICUS_PASSWORD");
}

int ExitCode(const Result<>& result) {
  if (result) return 0;
  fmt::print(stderr, "ficus_load: {}\n", result.error().ToString());
  return result.error().code == ficus::ErrorCode::kUnavailable ? 3 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Writes points to a node, reads them back, compares.");
  app.require_subcommand(1);
  ficus::NodeAddress protection;
  AddProtection(app, protection);
  load::RunOptions run;
  AddRun(app, run);

  std::string address;
  std::string journal;
  CLI::App* verify = app.add_subcommand("verify", "Compare a node with a journal, point by point");
  verify->add_option("--address", address, "gRPC of the node, host:port")->required();
  verify->add_option("--journal", journal, "Written by run --journal")->required();

  load::QueryOptions query;
  CLI::App* print = app.add_subcommand("query", "Print the newest points of a measure");
  print->add_option("--address", query.address, "gRPC of the node, host:port")->required();
  print->add_option("--group", query.group, "Group of the measure")->required();
  print->add_option("--measure", query.measure, "Name of the measure")->required();
  print->add_option("--entity", query.entity, "Only this value of the first tag");
  print->add_option("--minutes", query.minutes, "How far to look back")
      ->capture_default_str()
      ->check(CLI::Range(1, 10'000'000));
  print->add_option("--limit", query.limit, "Points to print")
      ->capture_default_str()
      ->check(CLI::Range(1, 1'000'000));

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  if (const Result<> usable = load::ProtectConnections(protection); !usable) {
    return ExitCode(usable);
  }
  std::signal(SIGINT, Stop);
  std::signal(SIGTERM, Stop);
  if (app.got_subcommand("run")) return ExitCode(load::RunLoad(run, stop));
  if (*verify) return ExitCode(load::VerifyJournal(address, journal));
  return ExitCode(load::PrintPoints(query));
}
