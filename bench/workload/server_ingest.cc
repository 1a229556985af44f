// I1: points over gRPC, one message each, into the node; beside a server that reads the same stream
// and keeps nothing.
#include <csignal>
#include <filesystem>

#include <fmt/format.h>

#include "bench/harness/comparison.h"
#include "bench/harness/node.h"
#include "bench/harness/process.h"
#include "bench/harness/scratch_folder.h"
#include "bench/workload/workloads.h"
#include "engine/base/check.h"

namespace ficus::bench {
namespace {

struct Case {
  std::string name;
  uint64_t points = 0;
  uint32_t streams = 1;
  bool recorded = false;
};

std::vector<std::string> RunArguments(const BenchOptions& options, const Case& sent,
                                      const std::string& address) {
  std::vector<std::string> arguments = {"run",
                                        "--address",
                                        address,
                                        "--points",
                                        std::to_string(sent.points),
                                        "--streams",
                                        std::to_string(sent.streams),
                                        "--report",
                                        "0"};
  const auto add = [&](const std::string& name, const std::string& value) {
    arguments.push_back(name);
    arguments.push_back(value);
  };
  if (sent.recorded) {
    add("--data", options.data);
  } else {
    add("--series", std::to_string(options.Pick(300, 2000, 100'000)));
  }
  return arguments;
}

double MicrosPerPoint(double seconds, const Case& sent) {
  return seconds * 1e6 / static_cast<double>(sent.points);
}

// CPU until flushes and merges are over. What was acknowledged is then read and compared.
double NodeCost(const BenchOptions& options, const Case& sent, const std::string& durability) {
  const ScratchFolder folder(options.scratch);
  Node node(options, folder.path(), durability);
  std::vector<std::string> arguments = RunArguments(options, sent, node.address());
  const std::string journal = folder.path() + "/journal";
  // A journal needs points of a closed form.
  if (!sent.recorded) {
    arguments.push_back("--journal");
    arguments.push_back(journal);
  }
  Load(options, folder.path(), arguments);
  node.WaitUntilIdle();
  const double cpu = CpuSeconds(node.pid());
  if (!sent.recorded) {
    Load(options, folder.path(), {"verify", "--address", node.address(), "--journal", journal});
  }
  node.Stop();
  return MicrosPerPoint(cpu, sent);
}

double NoopCost(const BenchOptions& options, const Case& sent) {
  const ScratchFolder folder(options.scratch);
  const std::string output = folder.path() + "/noop.txt";
  const pid_t server = Start({options.bin + "/bench/noop_server"}, output, kServerCore);
  std::vector<std::string> arguments = RunArguments(
      options, sent, "127.0.0.1:" + AwaitLine(server, output, "listening on ([0-9]+)\n")[0]);
  arguments.push_back("--journal");
  arguments.push_back(folder.path() + "/journal");
  if (sent.recorded) arguments.resize(arguments.size() - 2);
  Load(options, folder.path(), arguments);
  const double cpu = CpuSeconds(server);
  ::kill(server, SIGTERM);
  CHECK(WaitFor(server) == 0) << "the no-op server failed";
  return MicrosPerPoint(cpu, sent);
}

void BesideNoop(const BenchOptions& options, Report& report, const Case& sent,
                const std::string& durability, const Goal& goal) {
  Compare(
      options, report, "I1",
      {{fmt::format("{}, {} streams, {}", sent.name, sent.streams, durability), "CPU us a point",
        "no-op server", goal}},
      [&]() -> std::vector<double> { return {NodeCost(options, sent, durability)}; },
      [&]() -> std::vector<double> { return {NoopCost(options, sent)}; });
}

}  // namespace

void ServerIngest(const BenchOptions& options, Report& report) {
  const uint64_t points = options.Pick<uint64_t>(10'000, 500'000, 10'000'000);
  const Case generated = {"over gRPC", points, 2};
  BesideNoop(options, report, generated, "strict", {.ratio_max = 1.35});
  Compare(
      options, report, "I1",
      {{"over gRPC, strict", "CPU us a point", "relaxed", {.ratio_max = 1.1}}},
      [&]() -> std::vector<double> { return {NodeCost(options, generated, "strict")}; },
      [&]() -> std::vector<double> { return {NodeCost(options, generated, "relaxed")}; });
  if (options.scale != Scale::kSmall) {
    for (const uint32_t streams : {1U, 4U}) {
      BesideNoop(options, report, {"over gRPC", points, streams}, "strict", {.ratio_max = 1.35});
    }
  }
  if (!std::filesystem::is_directory(options.data + "/metric")) {
    report.Note("I1", "recorded metrics: skipped, there are none at " + options.data);
    return;
  }
  BesideNoop(options, report, {"recorded metrics over gRPC", points, 2, true}, "strict", {});
}

}  // namespace ficus::bench
