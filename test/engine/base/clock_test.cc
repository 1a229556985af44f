#include "engine/base/clock.h"

#include <ctime>

#include <catch2/catch.hpp>

#include "test/engine/base/death.h"

namespace ficus {
namespace {

TEST_CASE("the system clock counts nanoseconds since 1970", "[clock]") {
  const SystemClock clock;
  const int64_t before = static_cast<int64_t>(std::time(nullptr)) - 1;
  const UnixNanos now = clock.Now();
  const int64_t after = static_cast<int64_t>(std::time(nullptr)) + 1;
  REQUIRE(now >= before * kNanosPerSecond);
  REQUIRE(now <= after * kNanosPerSecond);
}

TEST_CASE("monotonic time never goes back", "[clock]") {
  const SystemClock clock;
  int64_t last = clock.Monotonic();
  for (int i = 0; i < 1000; ++i) {
    const int64_t next = clock.Monotonic();
    REQUIRE(next >= last);
    last = next;
  }
}

TEST_CASE("a manual clock stands still until told otherwise", "[clock]") {
  ManualClock clock(5 * kNanosPerDay);
  REQUIRE(clock.Now() == 5 * kNanosPerDay);
  REQUIRE(clock.Monotonic() == 0);
  clock.Advance(kNanosPerHour);
  REQUIRE(clock.Now() == 5 * kNanosPerDay + kNanosPerHour);
  REQUIRE(clock.Monotonic() == kNanosPerHour);
}

TEST_CASE("a step of the wall clock leaves monotonic time alone", "[clock]") {
  ManualClock clock(kNanosPerDay);
  clock.StepWall(-kNanosPerHour);
  REQUIRE(clock.Now() == kNanosPerDay - kNanosPerHour);
  clock.StepWall(2 * kNanosPerHour);
  REQUIRE(clock.Now() == kNanosPerDay + kNanosPerHour);
  REQUIRE(clock.Monotonic() == 0);
}

TEST_CASE("a manual clock does not advance backwards", "[clock][check]") {
  REQUIRE(RunInChild([] { ManualClock(0).Advance(-1); }).aborted);
}

}  // namespace
}  // namespace ficus
