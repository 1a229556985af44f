// What a point costs the server: the CPU seconds of ficusd, flushes and merges included, beside
// those of a server that reads the same stream and keeps nothing.
//
//     server_cost_bench --bin DIR [--points N] [--pairs N] [--durability strict|relaxed] [--json F]
//
// Five pairs by default, A B A B, each server a fresh process, the same client and the same
// messages. Prints both medians with minimum and maximum, and the ratio of each pair.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "bench/yardstick/programs.h"

namespace {

using namespace ficus::bench;
using Clock = std::chrono::steady_clock;
constexpr int kNodePort = 27812;
constexpr int kHttpPort = 27813;
constexpr int kMetricsPort = 27821;
constexpr int kNoopPort = 27822;

struct Options {
  std::string bin = "build/bench";
  uint64_t points = 1'000'000;
  int pairs = 5;
  std::string durability = "strict";
  std::string json;
};

// Until the process has used next to nothing for longer than a flush may wait.
void WaitUntilIdle(pid_t pid) {
  double before = CpuSeconds(pid);
  auto since = Clock::now();
  while (Clock::now() - since < std::chrono::seconds(7)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
    const double now = CpuSeconds(pid);
    if (now - before > 0.03) since = Clock::now();
    before = now;
  }
}

void Load(const Options& options, int port, const std::string& folder) {
  const pid_t load =
      Start({options.bin + "/bench/ficus_load", "run", "--address",
             "127.0.0.1:" + std::to_string(port), "--points", std::to_string(options.points),
             "--series", "2000", "--streams", "2", "--report", "0"},
            folder + "/load.txt");
  if (WaitFor(load) != 0) Die("the load client failed; see " + folder + "/load.txt");
}

double Node(const Options& options, const std::string& folder) {
  const std::string config = folder + "/ficus.yaml";
  std::ofstream(config) << "storage: {path: " << folder
                        << "/data, durability: " << options.durability
                        << "}\ngrpc: {listen: 127.0.0.1:" << kNodePort
                        << "}\nhttp: {listen: 127.0.0.1:" << kHttpPort
                        << "}\nmetrics: {listen: 127.0.0.1:" << kMetricsPort
                        << "}\nlog: {output: " << folder << "/ficusd.log}\n";
  const pid_t node = Start({options.bin + "/server/ficusd", "--config", config}, folder + "/out");
  Load(options, kNodePort, folder);
  WaitUntilIdle(node);
  const double cpu = CpuSeconds(node);
  ::kill(node, SIGTERM);
  if (WaitFor(node) != 0) Die("the node failed; see " + folder);
  return cpu;
}

double Noop(const Options& options, const std::string& folder) {
  const pid_t server =
      Start({options.bin + "/bench/noop_server", std::to_string(kNoopPort)}, folder + "/noop");
  Load(options, kNoopPort, folder);
  const double cpu = CpuSeconds(server);
  ::kill(server, SIGTERM);
  WaitFor(server);
  return cpu;
}

Options Parse(int argc, char** argv) {
  Options options;
  ParseOptions(
      argc, argv,
      {{"--bin", [&](const std::string& value) { options.bin = value; }},
       {"--points", [&](const std::string& value) { options.points = std::stoull(value); }},
       {"--pairs", [&](const std::string& value) { options.pairs = std::stoi(value); }},
       {"--durability", [&](const std::string& value) { options.durability = value; }},
       {"--json", [&](const std::string& value) { options.json = value; }}});
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = Parse(argc, argv);
  char pattern[] = "/var/tmp/ficus-bench-XXXXXX";
  if (::mkdtemp(pattern) == nullptr) Die("mkdtemp failed");
  std::vector<double> node, noop, ratios;
  const double millions = static_cast<double>(options.points) / 1e6;
  for (int pair = 0; pair < options.pairs; ++pair) {
    const std::string folder = std::string(pattern) + "/" + std::to_string(pair);
    std::filesystem::create_directories(folder);
    node.push_back(Node(options, folder) / millions);
    noop.push_back(Noop(options, folder) / millions);
    ratios.push_back(node.back() / noop.back());
    std::printf("pair %d: node %.2f, no-op %.2f CPU-s per million points, ratio %.2f\n", pair + 1,
                node.back(), noop.back(), ratios.back());
    std::fflush(stdout);
  }
  std::filesystem::remove_all(pattern);
  const Spread n = SpreadOf(node);
  const Spread o = SpreadOf(noop);
  const Spread r = SpreadOf(ratios);
  std::printf("%-28s %8s %8s %8s\n", "CPU-s per million points", "median", "min", "max");
  std::printf("%-28s %8.2f %8.2f %8.2f\n", ("node, " + options.durability).c_str(), n.median, n.min,
              n.max);
  std::printf("%-28s %8.2f %8.2f %8.2f\n", "no-op server", o.median, o.min, o.max);
  std::printf("%-28s %8.2f %8.2f %8.2f\n", "ratio of each pair", r.median, r.min, r.max);
  if (!options.json.empty()) {
    std::ofstream(options.json) << "{\"workload\": \"server_cost\", \"durability\": \""
                                << options.durability << "\", \"points\": " << options.points
                                << ", \"node\": {\"median\": " << n.median << ", \"min\": " << n.min
                                << ", \"max\": " << n.max
                                << "}, \"noop\": {\"median\": " << o.median
                                << ", \"min\": " << o.min << ", \"max\": " << o.max
                                << "}, \"ratio\": {\"median\": " << r.median
                                << ", \"min\": " << r.min << ", \"max\": " << r.max << "}}\n";
  }
  return 0;
}
