#include "server/remote/sleeper.h"

#include <chrono>
#include <limits>
#include <thread>

#include <catch2/catch.hpp>

namespace ficus {

TEST_CASE("a sleeper sleeps, and a stop wakes it", "[remote]") {
  SystemSleeper sleeper;
  const auto start = std::chrono::steady_clock::now();
  REQUIRE(sleeper.Sleep(5 * kNanosPerMilli, {}));
  REQUIRE(std::chrono::steady_clock::now() - start >= std::chrono::milliseconds(5));
  REQUIRE(sleeper.Sleep(-1, {}));

  std::stop_source stop;
  std::thread stopper([&] { stop.request_stop(); });
  REQUIRE_FALSE(sleeper.Sleep(std::numeric_limits<int64_t>::max(), stop.get_token()));
  stopper.join();
  REQUIRE_FALSE(sleeper.Sleep(0, stop.get_token()));
}

TEST_CASE("a clock sleeper moves its clock instead", "[remote]") {
  ManualClock clock(7);
  ClockSleeper sleeper(clock);
  REQUIRE(sleeper.Sleep(kNanosPerDay, {}));
  REQUIRE(clock.Monotonic() == kNanosPerDay);
  std::stop_source stop;
  stop.request_stop();
  REQUIRE_FALSE(sleeper.Sleep(1, stop.get_token()));
  REQUIRE(clock.Monotonic() == kNanosPerDay);
}

}  // namespace ficus
