#include "server/remote/rate_limit_store.h"

#include <thread>

#include "server/remote/memory_store.h"
#include "test/server/remote/store_verbs.h"

namespace ficus {
namespace {

constexpr uint64_t kRate = 10 << 20;

double Seconds(const ManualClock& clock) {
  return static_cast<double>(clock.Monotonic()) / static_cast<double>(kNanosPerSecond);
}

}  // namespace

TEST_CASE("bytes go up and down at the rate, within 5 % over 10 s", "[remote][rate]") {
  for (const size_t object_bytes : {size_t{1000}, size_t{100'000}, size_t{5} << 20}) {
    CAPTURE(object_bytes);
    const std::string text(object_bytes, 'x');
    const auto memory = std::make_shared<MemoryStore>();
    for (const bool up : {true, false}) {
      CAPTURE(up);
      ManualClock clock(0);
      ClockSleeper sleeper(clock);
      RateLimitStore store(memory, up ? RateLimits{kRate, 0} : RateLimits{0, kRate}, clock,
                           sleeper);
      Put(*memory, "k", text);
      uint64_t moved = 0;
      while (moved < 10 * kRate) {
        if (up) {
          Put(store, "k", text);
        } else {
          REQUIRE(
              store.Get("k", std::nullopt, [](std::string_view) { return Ok(); }, {}).has_value());
        }
        moved += object_bytes;
        clock.Advance(kNanosPerMilli / 10);  // the store itself takes some time, too
      }
      const double expected = static_cast<double>(moved) / static_cast<double>(kRate);
      REQUIRE(Seconds(clock) > 0.95 * expected);
      REQUIRE(Seconds(clock) < 1.05 * expected);
    }
  }
}

TEST_CASE("a rate holds for all callers together", "[remote][rate]") {
  ManualClock clock(0);
  ClockSleeper sleeper(clock);
  TokenBucket bucket(kRate, clock, sleeper);
  // Nobody's wait is real here, so the sum of bytes over the clock is what counts.
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 25; ++i) bucket.Take(kRate / 10, {});
    });
  }
  for (std::thread& thread : threads) thread.join();
  REQUIRE(Seconds(clock) > 0.95 * 10);
}

TEST_CASE("an idle time gives no more than a tenth of a second for nothing", "[remote][rate]") {
  ManualClock clock(0);
  ClockSleeper sleeper(clock);
  TokenBucket bucket(1000, clock, sleeper);
  REQUIRE(bucket.Take(1, {}));
  clock.Advance(kNanosPerHour);
  const int64_t start = clock.Monotonic();
  REQUIRE(bucket.Take(100, {}));
  REQUIRE(clock.Monotonic() == start);
  REQUIRE(bucket.Take(1000, {}));
  REQUIRE(clock.Monotonic() - start == kNanosPerSecond);
}

TEST_CASE("without a limit nobody waits, and a stop ends a wait", "[remote][rate]") {
  ManualClock clock(0);
  ClockSleeper sleeper(clock);
  TokenBucket free(0, clock, sleeper);
  REQUIRE(free.Take(UINT64_MAX, {}));
  REQUIRE(clock.Monotonic() == 0);

  const SystemClock system_clock;
  SystemSleeper system_sleeper;
  RateLimitStore store(std::make_shared<MemoryStore>(), {1, 1}, system_clock, system_sleeper);
  std::stop_source stop;
  std::atomic<bool> begun{false};
  std::thread stopper([&] {
    while (!begun) std::this_thread::yield();
    stop.request_stop();
  });
  begun = true;
  const std::string text(1 << 20, 'x');
  REQUIRE(CodeOf(store.Put("k", TextSource(text), {}, stop.get_token())) == ErrorCode::kCancelled);
  stopper.join();
}

}  // namespace ficus
