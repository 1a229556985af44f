// Runs code that is expected to end the process, in a child, and hands back what it said.
#pragma once

#include <csignal>
#include <string>
#include <sys/wait.h>

#include <unistd.h>

namespace ficus {

struct Death {
  bool aborted = false;  // ended by SIGABRT
  std::string standard_error;
};

// Call while the test has no other thread: the child is a fork.
template <typename Body>
Death RunInChild(Body body) {
  int ends[2];
  if (::pipe(ends) != 0) return {};
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], STDERR_FILENO);
    ::close(ends[0]);
    // The test runner catches SIGABRT to report it; here it must simply end the process.
    ::signal(SIGABRT, SIG_DFL);
    body();
    ::_exit(0);
  }
  ::close(ends[1]);
  Death death;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
    death.standard_error.append(buffer, static_cast<size_t>(got));
  }
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  death.aborted = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
  return death;
}

}  // namespace ficus
