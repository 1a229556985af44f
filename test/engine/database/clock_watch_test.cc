#include "engine/database/clock_watch.h"

#include <catch2/catch.hpp>

#include "engine/base/log.h"

namespace ficus {
namespace {

constexpr int64_t kStepMax = kNanosPerDay;

struct Watched {
  ManualClock clock{1'700'000'000 * kNanosPerSecond};
  LogCapture log;
  ClockWatch watch{clock, kStepMax};
};

TEST_CASE("time that passes on both clocks is no step", "[database][clock]") {
  Watched watched;
  watched.clock.Advance(400 * kNanosPerDay);
  watched.watch.Check();
  REQUIRE(!watched.watch.suspect());
}

TEST_CASE("a step beyond the limit makes the clock suspect until it is confirmed",
          "[database][clock]") {
  const int64_t direction = GENERATE(1, -1);
  Watched watched;
  watched.clock.StepWall(direction * kStepMax);
  watched.watch.Check();
  REQUIRE(!watched.watch.suspect());

  watched.clock.StepWall(direction * (kStepMax + 1));
  watched.watch.Check();
  REQUIRE(watched.watch.suspect());
  REQUIRE(watched.log.Count("clock.step") == 1);

  watched.clock.StepWall(-direction * (kStepMax + 1));
  watched.watch.Check();
  REQUIRE(watched.watch.suspect());
  watched.watch.Confirm();
  REQUIRE(!watched.watch.suspect());
}

}  // namespace
}  // namespace ficus
