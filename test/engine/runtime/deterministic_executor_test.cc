#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/stop.h"
#include "engine/runtime/executor.h"

namespace ficus {
namespace {

struct World {
  explicit World(uint64_t seed) : executor(DeterministicExecutor::Create(seed, clock)) {}
  ManualClock clock{0};
  std::unique_ptr<DeterministicExecutor> executor;
  std::string trace;

  Job Note(char letter) {
    return [this, letter] { trace += letter; };
  }
};

std::string TraceOf(uint64_t seed) {
  World world(seed);
  for (char letter = 'a'; letter <= 'h'; ++letter) world.executor->Post(world.Note(letter));
  world.executor->RunUntilIdle();
  return world.trace;
}

TEST_CASE("a seed decides the order of jobs and repeats it", "[runtime]") {
  REQUIRE(TraceOf(1) == TraceOf(1));
  REQUIRE(TraceOf(1) != TraceOf(2));
  REQUIRE(TraceOf(3).size() == 8);
}

TEST_CASE("nothing runs before it is asked to", "[runtime]") {
  World world(1);
  world.executor->Post(world.Note('a'));
  REQUIRE(world.trace.empty());
  REQUIRE(world.executor->RunOne());
  REQUIRE(world.trace == "a");
  REQUIRE_FALSE(world.executor->RunOne());
}

TEST_CASE("timers wait for the clock and run in the order of their times", "[runtime]") {
  World world(1);
  world.executor->PostAfter(30, world.Note('c'));
  world.executor->PostAfter(10, world.Note('a'));
  world.executor->PostAfter(20, world.Note('b'));
  world.executor->RunUntilIdle();
  REQUIRE(world.trace.empty());
  world.executor->Advance(20);
  REQUIRE(world.trace == "ab");
  REQUIRE(world.clock.Monotonic() == 20);
  world.executor->Advance(100);
  REQUIRE(world.trace == "abc");
  REQUIRE(world.clock.Monotonic() == 120);
}

TEST_CASE("a timer sees the clock at its own time", "[runtime]") {
  World world(1);
  std::vector<int64_t> times;
  world.executor->PostAfter(10, [&] {
    times.push_back(world.clock.Monotonic());
    world.executor->PostAfter(10, [&] { times.push_back(world.clock.Monotonic()); });
  });
  world.executor->Advance(50);
  REQUIRE(times == std::vector<int64_t>{10, 20});
  REQUIRE(world.clock.Monotonic() == 50);
}

TEST_CASE("running until a condition moves the clock from timer to timer", "[runtime]") {
  World world(1);
  int ticks = 0;
  std::function<void()> tick = [&] {
    ++ticks;
    world.executor->PostAfter(1000, tick);
  };
  tick();
  REQUIRE(world.executor->RunUntil([&] { return ticks == 5; }));
  REQUIRE(world.clock.Monotonic() == 4000);
}

TEST_CASE("running until a condition that never comes ends when nothing is left", "[runtime]") {
  World world(1);
  world.executor->PostAfter(1000, world.Note('a'));
  REQUIRE_FALSE(world.executor->RunUntil([] { return false; }));
  REQUIRE(world.trace == "a");
}

TEST_CASE("a cancelled timer does not run, not even when it was due already", "[runtime]") {
  World world(1);
  auto held = std::make_shared<int>(0);
  auto timer = world.executor->PostAfter(10, [&world, held] { world.trace += 'x'; });
  world.executor->Post([&] { timer->Cancel(); });
  world.clock.Advance(10);
  // Whichever of the two comes first, the timer runs only if it was not cancelled.
  world.executor->RunUntilIdle();
  REQUIRE(held.use_count() == 1);

  auto second = world.executor->PostAfter(10, world.Note('y'));
  second->Cancel();
  world.executor->Advance(100);
  REQUIRE(world.trace.find('y') == std::string::npos);
}

TEST_CASE("dropping everything frees captures, and what they post is dropped too", "[runtime]") {
  World world(1);
  struct PostsAtTheEnd {
    explicit PostsAtTheEnd(World& all) : world(all) {}
    ~PostsAtTheEnd() { world.executor->Post(world.Note('z')); }
    World& world;
  };
  auto last_words = std::make_shared<PostsAtTheEnd>(world);
  std::weak_ptr<PostsAtTheEnd> alive = last_words;
  world.executor->Post([last_words] {});
  world.executor->PostAfter(5, [last_words] {});
  last_words.reset();
  REQUIRE_FALSE(alive.expired());
  world.executor->DropAll();
  REQUIRE(alive.expired());
  world.executor->Advance(100);
  REQUIRE(world.trace.empty());
}

TEST_CASE("a stop of the process leaves the job and reaches the test", "[runtime]") {
  World world(1);
  StopHandler handler([](std::string_view reason) { throw ProcessStopped{std::string(reason)}; });
  world.executor->Post([] { StopProcess("fsync failed"); });
  REQUIRE_THROWS_AS(world.executor->RunOne(), ProcessStopped);
  REQUIRE_FALSE(world.executor->RunOne());
}

}  // namespace
}  // namespace ficus
