#include "server/daemon/signals.h"

#include <csignal>
#include <cstdlib>
#include <sys/wait.h>
#include <thread>

#include <catch2/catch.hpp>
#include <unistd.h>

#include "engine/base/log.h"

namespace ficus {
namespace {

// In a process of its own: signals belong to the whole process.
int ExitStatusOf(int (*body)(Signals& signals, const LogCapture& log)) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const LogCapture log;
    const auto signals = Signals::Listen();
    std::_Exit(signals.has_value() ? body(**signals, log) : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST_CASE("a signal is heard while nobody waits for it, and told whenever somebody does",
          "[daemon]") {
  const int status = ExitStatusOf([](Signals& signals, const LogCapture& log) {
    const std::stop_token token = signals.stop();
    if (token.stop_requested()) return 2;
    ::kill(::getpid(), SIGINT);
    while (!token.stop_requested()) std::this_thread::yield();
    if (signals.Wait() != SIGINT || signals.Wait() != SIGINT) return 3;
    return log.Count("daemon.signal") == 1 ? 42 : 4;
  });
  REQUIRE(status == 42);
}

TEST_CASE("signals behind the one that ends the process change nothing", "[daemon]") {
  const int status = ExitStatusOf([](Signals& signals, const LogCapture& log) {
    ::kill(::getpid(), SIGTERM);
    if (signals.Wait() != SIGTERM) return 2;
    for (const int signal : {SIGTERM, SIGINT, SIGHUP}) ::kill(::getpid(), signal);
    if (signals.Wait() != SIGTERM) return 3;
    return log.Count("daemon.signal") == 1 ? 42 : 4;
  });
  REQUIRE(status == 42);
}

TEST_CASE("SIGHUP is told and requests no stop", "[daemon]") {
  const int status = ExitStatusOf([](Signals& signals, const LogCapture&) {
    for (int times = 0; times < 2; ++times) {
      ::kill(::getpid(), SIGHUP);
      if (signals.Wait() != SIGHUP) return 2;
    }
    return signals.stop().stop_requested() ? 3 : 42;
  });
  REQUIRE(status == 42);
}

TEST_CASE("whoever listens no more has not ended the process, nor do later signals", "[daemon]") {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    { const auto signals = Signals::Listen(); }
    ::kill(::getpid(), SIGTERM);
    std::_Exit(42);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  REQUIRE(WEXITSTATUS(status) == 42);
}

}  // namespace
}  // namespace ficus
