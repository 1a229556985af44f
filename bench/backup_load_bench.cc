// What clients feel of a backup: the time until their points are acknowledged while full backups
// are made and read back one after another, beside the same load without.
//
//     backup_load_bench --bin DIR [--points N] [--rate N] [--seconds N] [--pairs N]
//
// A node is filled with `points`, then written to at `rate` for `seconds`, without backups and with
// them in turns. Prints the p50 and p99 of the acknowledgements, and the ratio of each pair.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <string>
#include <thread>
#include <vector>

#include "bench/yardstick/programs.h"

namespace {

using namespace ficus::bench;

constexpr int kPort = 27832;
constexpr int kRemotes = 200;

struct Options {
  std::string bin = "build/bench";
  uint64_t points = 5'000'000;
  int rate = 20'000;
  int seconds = 15;
  int pairs = 5;
};

std::string Address() { return "127.0.0.1:" + std::to_string(kPort); }

// Many destinations, so that each backup is the first one there: a full one.
void WriteConfig(const std::string& folder) {
  std::ofstream config(folder + "/ficus.yaml");
  config << "storage: {path: " << folder << "/data}\ngrpc: {listen: " << Address()
         << "}\nhttp: {listen: 127.0.0.1:0}\nmetrics: {listen: 127.0.0.1:0}\nlog: {output: "
         << folder << "/ficusd.log}\nremotes:\n";
  for (int i = 0; i < kRemotes; ++i) {
    config << "  r" << i << ": {url: \"file://" << folder << "/backups/" << i << "\"}\n";
  }
}

struct Latency {
  double p50 = 0;
  double p99 = 0;
};

// "acknowledgements: p50 9.73 ms, p99 29.70 ms, ..."
Latency LatencyOf(const std::string& output) {
  std::ifstream file(output);
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  std::smatch found;
  if (!std::regex_search(text, found, std::regex("p50 ([0-9.]+) ms, p99 ([0-9.]+) ms, p99.9"))) {
    Die("the load client says nothing; see " + output);
  }
  return {std::stod(found[1]), std::stod(found[2])};
}

pid_t StartLoad(const Options& options, const std::vector<std::string>& more,
                const std::string& output) {
  std::filesystem::remove(output);
  std::vector<std::string> command = {options.bin + "/bench/ficus_load",
                                      "run",
                                      "--address",
                                      Address(),
                                      "--series",
                                      "5000",
                                      "--report",
                                      "0"};
  command.insert(command.end(), more.begin(), more.end());
  return Start(command, output);
}

// One stretch of load; how many backups were made meanwhile is added to `backups`.
Latency Measure(const Options& options, const std::string& folder, bool with_backups,
                int& backups) {
  const std::string output = folder + "/load.txt";
  const pid_t load = StartLoad(
      options,
      {"--rate", std::to_string(options.rate), "--seconds", std::to_string(options.seconds)},
      output);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(options.seconds);
  while (with_backups && std::chrono::steady_clock::now() < end && backups < kRemotes) {
    const pid_t run = Start({options.bin + "/server/ficusctl", "--addr", Address(), "backup", "run",
                             "--remote", "r" + std::to_string(backups), "--verify", "full"},
                            folder + "/backup.txt");
    if (WaitFor(run) != 0) Die("a backup failed; see " + folder + "/backup.txt");
    std::filesystem::remove_all(folder + "/backups/" + std::to_string(backups));
    ++backups;
  }
  if (WaitFor(load) != 0) Die("the load client failed; see " + output);
  return LatencyOf(output);
}

Options Parse(int argc, char** argv) {
  Options options;
  ParseOptions(
      argc, argv,
      {{"--bin", [&](const std::string& value) { options.bin = value; }},
       {"--points", [&](const std::string& value) { options.points = std::stoull(value); }},
       {"--rate", [&](const std::string& value) { options.rate = std::stoi(value); }},
       {"--seconds", [&](const std::string& value) { options.seconds = std::stoi(value); }},
       {"--pairs", [&](const std::string& value) { options.pairs = std::stoi(value); }}});
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = Parse(argc, argv);
  char pattern[] = "/var/tmp/ficus-bench-XXXXXX";
  if (::mkdtemp(pattern) == nullptr) Die("mkdtemp failed");
  const std::string folder = pattern;
  WriteConfig(folder);
  const pid_t node =
      Start({options.bin + "/server/ficusd", "--config", folder + "/ficus.yaml"}, folder + "/out");
  if (WaitFor(StartLoad(options, {"--points", std::to_string(options.points)},
                        folder + "/fill.txt")) != 0) {
    Die("the node cannot be filled; see " + folder);
  }
  std::vector<double> without50, without99, with50, with99, ratios;
  int backups = 0;
  for (int pair = 0; pair < options.pairs; ++pair) {
    const Latency without = Measure(options, folder, false, backups);
    const Latency with = Measure(options, folder, true, backups);
    without50.push_back(without.p50);
    without99.push_back(without.p99);
    with50.push_back(with.p50);
    with99.push_back(with.p99);
    ratios.push_back(with.p99 / without.p99);
    std::printf("pair %d: p99 %.2f ms without, %.2f ms with backups, ratio %.2f\n", pair + 1,
                without.p99, with.p99, ratios.back());
    std::fflush(stdout);
  }
  ::kill(node, SIGTERM);
  WaitFor(node);
  std::filesystem::remove_all(folder);
  std::printf("%d full backups, each read back\n%-28s %8s %8s %8s\n", backups, "milliseconds",
              "median", "min", "max");
  const auto line = [](const char* name, const std::vector<double>& values) {
    const Spread spread = SpreadOf(values);
    std::printf("%-28s %8.2f %8.2f %8.2f\n", name, spread.median, spread.min, spread.max);
  };
  line("p50 without backups", without50);
  line("p50 with backups", with50);
  line("p99 without backups", without99);
  line("p99 with backups", with99);
  line("ratio of p99, each pair", ratios);
  return 0;
}
