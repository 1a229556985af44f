#include "bench/harness/node.h"

#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <regex>
#include <thread>

#include <unistd.h>

#include "bench/harness/process.h"
#include "bench/harness/stopwatch.h"
#include "engine/base/check.h"

namespace ficus::bench {
namespace {

constexpr double kStartSecondsMax = 300;

std::string ContentOf(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

void Pause(double seconds) { std::this_thread::sleep_for(std::chrono::duration<double>(seconds)); }

}  // namespace

std::vector<std::string> AwaitLine(pid_t pid, const std::string& file, const char* pattern) {
  const std::regex wanted(pattern);
  const double begun = WallSeconds();
  for (;;) {
    const bool runs = IsRunning(pid);
    const std::string content = ContentOf(file);
    std::smatch found;
    if (std::regex_search(content, found, wanted)) return {std::next(found.begin()), found.end()};
    CHECK(runs && WallSeconds() - begun < kStartSecondsMax)
        << "a process does not start: " << content;
    Pause(0.02);
  }
}

Node::Node(const BenchOptions& options, const std::string& folder, const std::string& durability,
           const std::string& more)
    : folder_(folder), flush_seconds_(options.Pick(1.0, 5.0, 5.0)) {
  const std::string config = folder + "/ficus.yaml";
  std::ofstream(config) << "storage: {path: " << folder << "/data, durability: " << durability
                        << ", flush: {interval: " << flush_seconds_
                        << "s}}\ngrpc: {listen: 127.0.0.1:0}\nhttp: {listen: 127.0.0.1:0}\n"
                        << "metrics: {listen: 127.0.0.1:0}\nlog: {format: text}\n"
                        << more;
  pid_ = Start({options.bin + "/server/ficusd", "--config", config}, folder + "/ficusd.out",
               kServerCore);
  const std::vector<std::string> addresses =
      AwaitLine(pid_, folder + "/ficusd.out",
                "daemon.ready.* gRPC ([0-9.:]+), HTTP [0-9.:]+, metrics ([0-9.:]+)");
  address_ = addresses[0];
  metrics_ = addresses[1];
}

Node::~Node() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGTERM);
  WaitFor(pid_);
}

void Node::WaitUntilIdle() const {
  double before = CpuSeconds(pid_);
  double since = WallSeconds();
  // Longer than a flush may wait.
  while (WallSeconds() - since < flush_seconds_ * 1.4) {
    Pause(0.5);
    const double now = CpuSeconds(pid_);
    if (now - before > 0.03) since = WallSeconds();
    before = now;
  }
}

void Node::Stop() {
  ::kill(pid_, SIGTERM);
  const int status = WaitFor(pid_);
  pid_ = 0;
  CHECK(status == 0) << "the node ends with " << status << ": "
                     << ContentOf(folder_ + "/ficusd.out");
}

std::string Load(const BenchOptions& options, const std::string& folder,
                 const std::vector<std::string>& arguments) {
  const std::string output = folder + "/load.txt";
  CHECK(std::ofstream(output).good());
  std::vector<std::string> command = {options.bin + "/bench/ficus_load"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  const int status = WaitFor(Start(command, output, kClientCore));
  CHECK(status == 0) << "the load client ends with " << status << ": " << ContentOf(output);
  return ContentOf(output);
}

double FigureIn(const std::string& output, const char* pattern) {
  std::smatch found;
  CHECK(std::regex_search(output, found, std::regex(pattern))) << output;
  return std::stod(found[1]);
}

}  // namespace ficus::bench
