#include <atomic>
#include <memory>
#include <set>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>
#include <pthread.h>

#include "engine/base/mutex.h"
#include "engine/runtime/executor.h"
#include "test/support/forbidden_calls.h"
#include "test/support/skip.h"

namespace ficus {
namespace {

// Counts down from another thread; the test waits for zero.
class Countdown {
 public:
  explicit Countdown(int count) : count_(count) {}

  void Down() {
    MutexLock lock(mutex_);
    --count_;
    changed_.NotifyAll();
  }
  void Wait() {
    MutexLock lock(mutex_);
    while (count_ > 0) changed_.Wait(lock);
  }

 private:
  Mutex mutex_;
  CondVar changed_;
  int count_ GUARDED_BY(mutex_);
};

// Tells whether the captures of a job still live.
struct Witness {
  std::shared_ptr<int> held = std::make_shared<int>(0);
  std::weak_ptr<int> alive = held;
};

TEST_CASE("every job posted before the close begins runs once", "[runtime]") {
  auto executor = ThreadExecutor::Create("pool", 4);
  constexpr int kJobs = 5000;
  Countdown left(kJobs);
  std::vector<std::atomic<int>> runs(kJobs);
  for (int job = 0; job < kJobs; ++job) {
    executor->Post([&, job] {
      ++runs[static_cast<size_t>(job)];
      left.Down();
    });
  }
  left.Wait();
  executor->Close();
  for (const auto& count : runs) REQUIRE(count == 1);
}

TEST_CASE("threads carry the name of their pool and a number", "[runtime]") {
  auto executor = ThreadExecutor::Create("a-name-that-is-too-long", 1);
  Countdown left(1);
  std::string name;
  executor->Post([&] {
    char text[16] = {};
    pthread_getname_np(pthread_self(), text, sizeof text);
    name = text;
    left.Down();
  });
  left.Wait();
  REQUIRE(name == "a-name-that-i-0");
}

TEST_CASE("jobs of a pool run side by side", "[runtime]") {
  auto executor = ThreadExecutor::Create("pool", 2);
  Countdown both(2);
  Countdown done(2);
  for (int job = 0; job < 2; ++job) {
    executor->Post([&] {
      both.Down();
      both.Wait();  // returns only when the other job runs too
      done.Down();
    });
  }
  done.Wait();
}

TEST_CASE("a timer runs its job after the delay", "[runtime]") {
  auto executor = ThreadExecutor::Create("pool", 2);
  const auto begin = std::chrono::steady_clock::now();
  Countdown left(1);
  executor->PostAfter(2'000'000, [&] { left.Down(); });
  left.Wait();
  REQUIRE(std::chrono::steady_clock::now() - begin >= std::chrono::milliseconds(2));
}

TEST_CASE("delays beyond every bound neither overflow nor fire", "[runtime]") {
  auto executor = ThreadExecutor::Create("pool", 1);
  std::atomic<bool> ran_late{false};
  Countdown left(1);
  executor->PostAfter(INT64_MAX, [&] { ran_late = true; });
  executor->PostAfter(-5, [&] { left.Down(); });
  left.Wait();
  executor->Close();
  REQUIRE_FALSE(ran_late);
}

TEST_CASE("a cancelled timer frees its captures at once and never runs", "[runtime]") {
  auto executor = ThreadExecutor::Create("pool", 1);
  Witness witness;
  std::atomic<bool> ran{false};
  auto timer = executor->PostAfter(3'600'000'000'000,
                                   [&ran, held = std::move(witness.held)] { ran = true; });
  REQUIRE_FALSE(witness.alive.expired());
  timer->Cancel();
  REQUIRE(witness.alive.expired());
  timer->Cancel();
  executor->Close();
  REQUIRE_FALSE(ran);
}

TEST_CASE("closing drops waiting jobs and timers with their captures", "[runtime]") {
  auto executor = ThreadExecutor::Create("pool", 1);
  Countdown begun(1);
  Countdown go(1);
  std::atomic<bool> ran{false};
  executor->Post([&] {
    begun.Down();
    go.Wait();
  });
  begun.Wait();
  Witness job;
  Witness timer;
  executor->Post([&ran, held = std::move(job.held)] { ran = true; });
  auto handle =
      executor->PostAfter(3'600'000'000'000, [&ran, held = std::move(timer.held)] { ran = true; });
  std::thread closer([&] { executor->Close(); });
  while (!timer.alive.expired()) std::this_thread::yield();
  go.Down();
  closer.join();
  REQUIRE(job.alive.expired());
  REQUIRE_FALSE(ran);

  Witness late;
  executor->Post([held = std::move(late.held)] {});
  REQUIRE(late.alive.expired());
  Witness late_timer;
  executor->PostAfter(0, [held = std::move(late_timer.held)] {})->Cancel();
  REQUIRE(late_timer.alive.expired());
  executor->Close();
  executor.reset();
  handle->Cancel();
}

TEST_CASE("closing under load loses no capture and waits for what runs", "[runtime]") {
  for (int round = 0; round < 50; ++round) {
    auto executor = ThreadExecutor::Create("pool", 3);
    const auto shared = std::make_shared<std::atomic<int>>(0);
    std::atomic<bool> closed{false};
    std::atomic<bool> ran_late{false};
    std::vector<std::thread> posters;
    for (int poster = 0; poster < 3; ++poster) {
      posters.emplace_back([&] {
        for (int job = 0; job < 200; ++job) {
          executor->Post([&, shared] {
            ++*shared;
            if (closed) ran_late = true;
          });
          executor->PostAfter(job * 1000, [&, shared] {
            ++*shared;
            if (closed) ran_late = true;
          });
        }
      });
    }
    executor->Close();
    closed = true;
    for (auto& poster : posters) poster.join();
    REQUIRE_FALSE(ran_late);
    REQUIRE(shared.use_count() == 1);
  }
}

TEST_CASE("a pool that gets no thread at all says so", "[runtime]") {
  const int status = RunWithoutThreads([] {
    try {
      ThreadExecutor::Create("pool", 2);
    } catch (const std::system_error& refused) {
      return refused.code() == std::errc::resource_unavailable_try_again ? 0 : 1;
    }
    return 2;
  });
  if (status == kFiltersRefused) SKIP_TEST("system call filters are not allowed here");
  REQUIRE(status == 0);
}

TEST_CASE("a cancel that races with the timer wins or loses, but never both", "[runtime]") {
  auto executor = ThreadExecutor::Create("pool", 2);
  constexpr size_t kTimers = 2000;
  std::vector<std::atomic<int>> runs(kTimers);
  std::vector<int> runs_when_freed(kTimers, -1);
  for (size_t round = 0; round < kTimers; ++round) {
    Witness witness;
    auto timer =
        executor->PostAfter(static_cast<int64_t>(round % 20 * 1000),
                            [&count = runs[round], held = std::move(witness.held)] { ++count; });
    timer->Cancel();
    // Captures that are gone: the job has run to its end, or never will.
    if (witness.alive.expired()) runs_when_freed[round] = runs[round];
  }
  executor->Close();
  for (size_t round = 0; round < kTimers; ++round) {
    REQUIRE(runs[round] <= 1);
    if (runs_when_freed[round] >= 0) REQUIRE(runs[round] == runs_when_freed[round]);
  }
}

TEST_CASE("jobs may post jobs and timers of their own", "[runtime]") {
  auto executor = ThreadExecutor::Create("pool", 2);
  Countdown left(2);
  executor->Post([&] {
    executor->Post([&] { left.Down(); });
    executor->PostAfter(0, [&] { left.Down(); });
  });
  left.Wait();
}

}  // namespace
}  // namespace ficus
