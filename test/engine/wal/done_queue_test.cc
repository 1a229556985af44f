#include "engine/wal/done_queue.h"

#include <memory>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/runtime/executor.h"

namespace ficus {
namespace {

DoneQueue::Callback Note(std::vector<int>& notes, int number) {
  return [&notes, number] { notes.push_back(number); };
}

TEST_CASE("callbacks come in the order pushed, whatever job delivers them", "[wal][done]") {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    ManualClock clock{0};
    auto executor = DeterministicExecutor::Create(seed, clock);
    DoneQueue queue(*executor);
    std::vector<int> notes;
    queue.Push({Note(notes, 1), Note(notes, 2)});
    queue.Push({Note(notes, 3)});
    queue.Push({});
    REQUIRE(notes.empty());
    executor->RunUntilIdle();
    REQUIRE(notes == std::vector<int>{1, 2, 3});
  }
}

TEST_CASE("what a callback pushes comes after what was there", "[wal][done]") {
  ManualClock clock{0};
  auto executor = DeterministicExecutor::Create(1, clock);
  DoneQueue queue(*executor);
  std::vector<int> notes;
  queue.Push({[&] { queue.Push({Note(notes, 3)}); }, Note(notes, 1)});
  queue.Push({Note(notes, 2)});
  executor->RunUntilIdle();
  REQUIRE(notes == std::vector<int>{1, 2, 3});
}

TEST_CASE("draining delivers without the executor", "[wal][done]") {
  ManualClock clock{0};
  auto executor = DeterministicExecutor::Create(1, clock);
  DoneQueue queue(*executor);
  std::vector<int> notes;
  auto held = std::make_shared<int>(0);
  queue.Push({[&notes, held] { notes.push_back(1); }});
  queue.Drain();
  REQUIRE(notes == std::vector<int>{1});
  REQUIRE(held.use_count() == 1);
  executor->RunUntilIdle();
  REQUIRE(notes.size() == 1);
}

TEST_CASE("draining waits for a delivery under way and keeps the order", "[wal][done]") {
  auto executor = ThreadExecutor::Create("done", 2);
  DoneQueue queue(*executor);
  std::vector<int> notes;  // no lock: one callback at a time
  for (int number = 0; number < 1000; ++number) queue.Push({Note(notes, number)});
  queue.Drain();
  REQUIRE(notes.size() == 1000);
  for (int number = 0; number < 1000; ++number) {
    REQUIRE(notes[static_cast<size_t>(number)] == number);
  }
}

}  // namespace
}  // namespace ficus
