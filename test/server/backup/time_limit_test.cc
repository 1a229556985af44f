#include "server/backup/time_limit.h"

#include <thread>

#include <catch2/catch.hpp>

#include "engine/base/clock.h"
#include "test/support/forbidden_calls.h"
#include "test/support/skip.h"

namespace ficus {
namespace {

TEST_CASE("a time limit asks to stop when it is over, not before", "[backup]") {
  const TimeLimit longer(3600 * kNanosPerSecond);
  const TimeLimit shorter(kNanosPerSecond / 100);
  while (!shorter.token().stop_requested()) std::this_thread::yield();
  REQUIRE_FALSE(longer.token().stop_requested());
}

TEST_CASE("a time limit that nobody can wait for is over", "[backup]") {
  const int status =
      RunWithoutThreads([] { return TimeLimit(kNanosPerSecond).token().stop_requested() ? 0 : 1; });
  if (status == kFiltersRefused) SKIP_TEST("seccomp filters are not allowed here");
  REQUIRE(status == 0);
}

}  // namespace
}  // namespace ficus
