#include "bench/harness/process.h"

#include <csignal>
#include <fstream>
#include <iterator>
#include <sstream>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include "engine/base/check.h"

namespace ficus::bench {
namespace {

void RunOn(int core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(static_cast<size_t>(core % ::sysconf(_SC_NPROCESSORS_ONLN)), &cores);
  ::sched_setaffinity(0, sizeof cores, &cores);
}

}  // namespace

pid_t Start(const std::vector<std::string>& command, const std::string& output, int core) {
  const pid_t pid = ::fork();
  CHECK(pid >= 0) << "fork failed";
  if (pid > 0) return pid;
  const int file = ::open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  ::dup2(file, STDOUT_FILENO);
  ::dup2(file, STDERR_FILENO);
  if (core >= 0) RunOn(core);
  // A benchmark that ends early takes it along.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::execv(arguments[0], arguments.data());
  ::_exit(127);
}

bool IsRunning(pid_t pid) {
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == 0;
}

int WaitFor(pid_t pid) {
  int status = 0;
  CHECK(::waitpid(pid, &status, 0) == pid) << "waitpid failed";
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

double CpuSeconds(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  CHECK(text.rfind(')') != std::string::npos) << "process " << pid << " is gone";
  // The name may hold spaces; behind it the third field comes first.
  std::istringstream fields(text.substr(text.rfind(')') + 2));
  std::string field;
  double ticks = 0;
  for (int i = 3; i <= 15 && fields >> field; ++i) {
    if (i >= 14) ticks += std::stod(field);
  }
  return ticks / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

uint64_t AnonymousBytes(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("RssAnon:", 0) == 0) return std::stoull(line.substr(8)) * 1024;
  }
  CHECK(false) << "process " << pid << " is gone";
  return 0;
}

}  // namespace ficus::bench
