#include "test/node/child_process.h"

#include <fstream>
#include <iterator>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include "engine/base/check.h"

namespace ficus {
namespace {

[[noreturn]] void Become(std::vector<char*>& arguments, const char* output, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // the parent died in between
  const int descriptor = ::open(output, O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (descriptor >= 0) {
    ::dup2(descriptor, STDOUT_FILENO);
    ::dup2(descriptor, STDERR_FILENO);
  }
  ::execv(arguments[0], arguments.data());
  ::_exit(127);
}

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& command, const std::string& output) {
  std::vector<std::string> copies = command;
  std::vector<char*> arguments;
  for (std::string& copy : copies) arguments.push_back(copy.data());
  arguments.push_back(nullptr);
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  CHECK(pid_ >= 0) << "fork";
  if (pid_ == 0) Become(arguments, output.c_str(), parent);
  descriptor_ = static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0));
  CHECK(descriptor_ >= 0) << "pidfd_open";
}

ChildProcess::~ChildProcess() {
  if (Running()) {
    Signal(SIGKILL);
    Wait(std::chrono::seconds(60));
  }
  ::close(descriptor_);
}

// The number of a process that has ended may be another's.
void ChildProcess::Signal(int number) const {
  if (!code_) ::kill(pid_, number);
}

bool ChildProcess::Running() { return !Wait(std::chrono::milliseconds(0)); }

std::optional<int> ChildProcess::Wait(std::chrono::milliseconds patience) {
  if (code_) return code_;
  pollfd ended{descriptor_, POLLIN, 0};
  if (::poll(&ended, 1, static_cast<int>(patience.count())) <= 0) return std::nullopt;
  int status = 0;
  CHECK(::waitpid(pid_, &status, 0) == pid_) << "waitpid";
  code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return code_;
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace ficus
