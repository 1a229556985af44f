// Programs that a benchmark starts, what they cost, and the figures of several rounds.
#pragma once

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <sys/wait.h>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

namespace ficus::bench {

[[noreturn]] inline void Die(const std::string& why) {
  std::cerr << why << "\n";
  std::exit(1);
}

// "--name value" pairs; any other word ends the program with its reason.
using OptionSetters = std::map<std::string, std::function<void(const std::string& value)>>;
inline void ParseOptions(int argc, char** argv, const OptionSetters& setters) {
  if (argc % 2 == 0) Die("every option takes a value");
  for (int i = 1; i + 1 < argc; i += 2) {
    const auto setter = setters.find(argv[i]);
    if (setter == setters.end()) Die(std::string("unknown option ") + argv[i]);
    setter->second(argv[i + 1]);
  }
}

// Starts a program with its output appended to a file.
inline pid_t Start(const std::vector<std::string>& command, const std::string& output) {
  const pid_t pid = ::fork();
  if (pid < 0) Die("fork failed");
  if (pid > 0) return pid;
  const int file = ::open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  ::dup2(file, STDOUT_FILENO);
  ::dup2(file, STDERR_FILENO);
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::execv(arguments[0], arguments.data());
  std::_Exit(127);
}

// Its exit code, or 128 and the signal.
inline int WaitFor(pid_t pid) {
  int status = 0;
  if (::waitpid(pid, &status, 0) != pid) Die("waitpid failed");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// User and system time of a process, threads that ended included.
inline double CpuSeconds(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::string field;
  double ticks = 0;
  for (int i = 3; fields >> field; ++i) {
    if (i == 14 || i == 15) ticks += std::stod(field);
  }
  return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

// Of the rounds of one figure.
struct Spread {
  double median = 0;
  double min = 0;
  double max = 0;
};

inline Spread SpreadOf(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return {values[values.size() / 2], values.front(), values.back()};
}

}  // namespace ficus::bench
