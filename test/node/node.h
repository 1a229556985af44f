// A real ficusd on loopback, on ports that were free, with its state in a folder of the test.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "test/node/child_process.h"
#include "test/support/wait_until.h"

namespace ficus {

class Node {
 public:
  // `folder` exists and holds configuration, log and data. `settings` are lines of YAML below the
  // top level, for example "io: {engine: threads}".
  explicit Node(std::string folder, std::vector<std::string> settings = {});
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  // Starts it by this command from now on, which ends in running what stands behind it.
  void StartBehind(std::vector<std::string> command) { prefix_ = std::move(command); }
  // Starts the process and waits until it serves. False when it ended instead; log() says why. A
  // client that waits for a node that was started before needs the same ports again, which somebody
  // else may have taken meanwhile.
  enum class Ports : uint8_t { kSame, kFree };
  bool Start(Ports ports = Ports::kFree);
  // Starts the process and waits for nothing; it has ports that were free.
  void Launch();
  // As kill -9.
  void Kill();
  // SIGTERM; the exit code, or -1 when it takes longer than `patience` (and is killed).
  int Stop(std::chrono::seconds patience = std::chrono::seconds(60));

  const std::string& address() const { return grpc_; }  // host:port
  const std::string& metrics() const { return metrics_; }
  // What GET /api/healthz answers, its head included; "" when nobody answers.
  std::string Health() const;
  // What GET /metrics answers; "" when nobody answers.
  std::string MetricsText() const;
  // The sum of a metric over all samples whose labels hold each of `labels`, such as
  // "class=\"log\"".
  double Metric(const std::string& name, const std::vector<std::string>& labels = {}) const;
  ChildProcess& process() { return *process_; }
  const std::string& config_file() const { return config_file_; }
  std::string log() const { return ReadFile(log_file_); }
  const std::string& data() const { return data_; }

 private:
  static constexpr char kAnyPort[] = "127.0.0.1:0";

  void StartProcess();
  void WriteConfig() const;
  // Prints what a process said that broke down, wherever the test noticed it.
  void ReportBreakdown() const;
  void Report(const std::string& what) const;
  // Takes the addresses from the line with which a node says that it is ready.
  bool ReadAddresses(const std::string& log);

  const std::string folder_;
  const std::vector<std::string> settings_;
  const std::string config_file_;
  const std::string log_file_;
  const std::string output_file_;
  const std::string data_;
  std::vector<std::string> prefix_;
  std::string grpc_ = kAnyPort;
  std::string http_ = kAnyPort;
  std::string metrics_ = kAnyPort;
  std::unique_ptr<ChildProcess> process_;
};

// Runs the load client to its end; the exit code, or -1 when it takes longer than `patience`.
// What it printed is in `output`.
int RunLoadClient(std::vector<std::string> arguments, const std::string& output,
                  std::chrono::seconds patience = std::chrono::seconds(300));
// Starts it.
std::unique_ptr<ChildProcess> StartLoadClient(std::vector<std::string> arguments,
                                              const std::string& output);

}  // namespace ficus
