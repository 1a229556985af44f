// A node as it is shipped: ficusd in a process and a folder of its own, on loopback.
#pragma once

#include <cstdint>
#include <string>
#include <sys/types.h>
#include <vector>

#include "bench/harness/bench_options.h"

namespace ficus::bench {

// Waits until a line of what a process writes to `file` matches; what the groups of the pattern
// hold. The program ends when the process does before, or after five minutes.
std::vector<std::string> AwaitLine(pid_t pid, const std::string& file, const char* pattern);

// The cores that the server and its client are bound to where there are two.
inline constexpr int kServerCore = 0;
inline constexpr int kClientCore = 1;

class Node {
 public:
  // `folder` exists; its data is opened, or made. `more`: further lines of the configuration.
  // Returns once the node listens.
  Node(const BenchOptions& options, const std::string& folder, const std::string& durability,
       const std::string& more = "");
  // Stops it where Stop() did not.
  ~Node();
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  pid_t pid() const { return pid_; }
  // Of gRPC and of the metrics, host:port.
  const std::string& address() const { return address_; }
  const std::string& metrics() const { return metrics_; }

  // Until nothing is flushed or merged any more, judged by the CPU it uses.
  void WaitUntilIdle() const;
  // Ends the program when the node does not end well.
  void Stop();

 private:
  const std::string folder_;
  const double flush_seconds_;
  std::string address_;
  std::string metrics_;
  pid_t pid_ = 0;
};

// Runs the load client to its end: "run" and what else. Its output, which is also the reason when
// it fails and the program ends.
std::string Load(const BenchOptions& options, const std::string& folder,
                 const std::vector<std::string>& arguments);

// The number that the first group of `pattern` matches in such an output; the program ends when
// there is none.
double FigureIn(const std::string& output, const char* pattern);
inline constexpr char kAckP50[] = "acknowledgements: p50 ([0-9.]+) ms";
inline constexpr char kAckP99[] = "p99 ([0-9.]+) ms";

}  // namespace ficus::bench
