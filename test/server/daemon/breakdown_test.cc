#include "server/daemon/breakdown.h"

#include <cstdlib>
#include <string>
#include <sys/wait.h>

#include <catch2/catch.hpp>
#include <unistd.h>

namespace ficus {

// Found by its name in the report, so not of an unnamed namespace.
[[gnu::noinline]] void BreakAPromise() { std::abort(); }

namespace {

std::string ReadAll(int descriptor) {
  std::string text;
  char bytes[4096];
  for (ssize_t got = 1; got > 0;) {
    got = ::read(descriptor, bytes, sizeof bytes);
    if (got > 0) text.append(bytes, static_cast<size_t>(got));
  }
  return text;
}

TEST_CASE("a process that breaks down says where and ends by its signal", "[daemon]") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    ::dup2(ends[1], STDERR_FILENO);
    ::close(ends[1]);
    ReportBreakdowns("/proc/self/exe");
    BreakAPromise();
    ::_exit(0);
  }
  ::close(ends[1]);
  const std::string said = ReadAll(ends[0]);
  ::close(ends[0]);
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));
  REQUIRE(WTERMSIG(status) == SIGABRT);
  INFO(said);
  REQUIRE(said.find("SIGABRT in thread ") != std::string::npos);
  REQUIRE(said.find("ficus::BreakAPromise()") != std::string::npos);
}

}  // namespace
}  // namespace ficus
