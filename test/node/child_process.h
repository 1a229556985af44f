// A program that a test starts, watches and ends by its process id.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace ficus {

class ChildProcess {
 public:
  // Starts `command` with standard output and error appended to `output`. A program that cannot be
  // started ends with 127. The child dies with the thread that started it.
  ChildProcess(const std::vector<std::string>& command, const std::string& output);
  // Kills it when it still runs.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  pid_t pid() const { return pid_; }
  void Signal(int number) const;
  bool Running();
  // The exit code, or 128 + the signal that ended it; none when it runs longer.
  std::optional<int> Wait(std::chrono::milliseconds patience);

 private:
  pid_t pid_ = -1;
  int descriptor_ = -1;  // readable once the process has ended
  std::optional<int> code_;
};

// Everything in a file; "" when there is none.
std::string ReadFile(const std::string& path);

}  // namespace ficus
