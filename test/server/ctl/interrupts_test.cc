#include "server/ctl/interrupts.h"

#include <csignal>
#include <cstdlib>
#include <sys/wait.h>
#include <thread>

#include <catch2/catch.hpp>
#include <unistd.h>

namespace ficus {
namespace {

// In a process of its own: signals belong to the whole process.
int ExitStatusOf(int (*body)()) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) std::_Exit(body());
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST_CASE("a signal stops the token and is remembered", "[ctl]") {
  const int status = ExitStatusOf([]() -> int {
    const std::stop_token token = WatchInterrupts();
    if (token.stop_requested() || InterruptSignal() != 0) return 1;
    ::kill(::getpid(), SIGTERM);
    while (!token.stop_requested()) std::this_thread::yield();
    return InterruptSignal() == SIGTERM ? 42 : 2;
  });
  REQUIRE(status == 42);
}

TEST_CASE("a second signal ends the process at once", "[ctl]") {
  const int status = ExitStatusOf([]() -> int {
    const std::stop_token token = WatchInterrupts();
    ::kill(::getpid(), SIGINT);
    while (!token.stop_requested()) std::this_thread::yield();
    ::kill(::getpid(), SIGINT);
    for (;;) ::pause();
  });
  REQUIRE(status == 130);
}

}  // namespace
}  // namespace ficus
