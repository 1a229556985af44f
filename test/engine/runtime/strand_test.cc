#include "engine/runtime/strand.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/mutex.h"
#include "engine/base/stop.h"
#include "engine/runtime/executor.h"

namespace ficus {
namespace {

TEST_CASE("a strand keeps its order whatever the seed says", "[runtime][strand]") {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    ManualClock clock{0};
    auto executor = DeterministicExecutor::Create(seed, clock);
    Strand strand(*executor);
    std::string trace;
    for (char letter = 'a'; letter <= 'e'; ++letter) {
      strand.Post([&trace, letter] { trace += letter; });
    }
    executor->RunUntilIdle();
    REQUIRE(trace == "abcde");
  }
}

TEST_CASE("jobs of other strands come between the jobs of one", "[runtime][strand]") {
  bool interleaved = false;
  for (uint64_t seed = 0; seed < 20; ++seed) {
    ManualClock clock{0};
    auto executor = DeterministicExecutor::Create(seed, clock);
    Strand left(*executor);
    Strand right(*executor);
    std::string trace;
    for (int job = 0; job < 4; ++job) {
      left.Post([&] { trace += 'l'; });
      right.Post([&] { trace += 'r'; });
    }
    executor->RunUntilIdle();
    REQUIRE(trace.size() == 8);
    interleaved = interleaved || (trace != "llllrrrr" && trace != "rrrrllll");
  }
  REQUIRE(interleaved);
}

TEST_CASE("a strand knows when it is running", "[runtime][strand]") {
  ManualClock clock{0};
  auto executor = DeterministicExecutor::Create(1, clock);
  Strand strand(*executor);
  Strand other(*executor);
  bool here = false;
  bool elsewhere = true;
  strand.Post([&] {
    here = strand.RunsHere();
    elsewhere = other.RunsHere();
  });
  REQUIRE_FALSE(strand.RunsHere());
  executor->RunUntilIdle();
  REQUIRE(here);
  REQUIRE_FALSE(elsewhere);
  REQUIRE_FALSE(strand.RunsHere());
}

TEST_CASE("posting from inside a job runs later, not at once", "[runtime][strand]") {
  ManualClock clock{0};
  auto executor = DeterministicExecutor::Create(1, clock);
  Strand strand(*executor);
  std::string trace;
  strand.Post([&] {
    strand.Post([&] { trace += 'b'; });
    trace += 'a';
  });
  executor->RunUntilIdle();
  REQUIRE(trace == "ab");
}

TEST_CASE("a closed executor frees jobs that hold their own strand", "[runtime][strand]") {
  struct Table {
    explicit Table(Executor& executor) : strand(executor) {}
    Strand strand;
  };
  ManualClock clock{0};
  std::weak_ptr<Table> alive;

  SECTION("deterministic") {
    auto executor = DeterministicExecutor::Create(1, clock);
    auto table = std::make_shared<Table>(*executor);
    alive = table;
    for (int job = 0; job < 3; ++job) table->strand.Post([table] {});
    executor->DropAll();
    table->strand.Post([table] {});
  }
  SECTION("threads") {
    auto executor = ThreadExecutor::Create("pool", 2);
    auto table = std::make_shared<Table>(*executor);
    alive = table;
    for (int job = 0; job < 1000; ++job) table->strand.Post([table] {});
    executor->Close();
    table->strand.Post([table] {});
  }
  REQUIRE(alive.expired());
}

TEST_CASE("a stop inside a strand's job ends the strand with the process", "[runtime][strand]") {
  ManualClock clock{0};
  auto executor = DeterministicExecutor::Create(1, clock);
  StopHandler handler([](std::string_view reason) { throw ProcessStopped{std::string(reason)}; });
  Strand strand(*executor);
  bool ran = false;
  strand.Post([] { StopProcess("disk"); });
  strand.Post([&] { ran = true; });
  REQUIRE_THROWS_AS(executor->RunUntilIdle(), ProcessStopped);
  executor->RunUntilIdle();
  REQUIRE_FALSE(ran);
}

TEST_CASE("many strands share a pool, each job alone on its strand", "[runtime][strand]") {
  constexpr int kStrands = 50;
  constexpr int kWriters = 4;
  constexpr int kJobs = 100;
  struct Counter {
    explicit Counter(Executor& executor) : strand(executor) {}
    Strand strand;
    int count = 0;  // no lock on purpose: the strand is the lock
    std::vector<int> last = std::vector<int>(kWriters, -1);
    bool in_order = true;
  };
  auto executor = ThreadExecutor::Create("pool", 4);
  std::vector<std::unique_ptr<Counter>> counters;
  for (int index = 0; index < kStrands; ++index) {
    counters.push_back(std::make_unique<Counter>(*executor));
  }
  Mutex mutex;
  CondVar changed;
  int left = kStrands * kWriters * kJobs;

  std::vector<std::thread> writers;
  for (int writer = 0; writer < kWriters; ++writer) {
    writers.emplace_back([&, writer] {
      for (int job = 0; job < kJobs; ++job) {
        for (auto& counter : counters) {
          counter->strand.Post([&, writer, job, at = counter.get()] {
            ++at->count;
            int& last = at->last[static_cast<size_t>(writer)];
            at->in_order = at->in_order && last == job - 1;
            last = job;
            MutexLock lock(mutex);
            if (--left == 0) changed.NotifyAll();
          });
        }
      }
    });
  }
  for (auto& writer : writers) writer.join();
  {
    MutexLock lock(mutex);
    while (left > 0) changed.Wait(lock);
  }
  executor->Close();
  for (const auto& counter : counters) {
    REQUIRE(counter->count == kWriters * kJobs);
    REQUIRE(counter->in_order);
  }
}

}  // namespace
}  // namespace ficus
