#include "engine/base/gate.h"

#include <atomic>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/check.h"
#include "test/engine/base/death.h"

namespace ficus {
namespace {

TEST_CASE("a gate lets in until it is closed", "[gate]") {
  Gate gate;
  REQUIRE_FALSE(gate.closed());
  REQUIRE(static_cast<bool>(gate.Enter()));
  gate.Close();
  REQUIRE(gate.closed());
  REQUIRE_FALSE(static_cast<bool>(gate.Enter()));
}

TEST_CASE("a shut gate lets nobody in and does not wait for those inside", "[gate]") {
  Gate gate;
  Gate::Pass pass = gate.Enter();
  gate.Shut();
  REQUIRE(gate.closed());
  REQUIRE_FALSE(static_cast<bool>(gate.Enter()));
  pass.Leave();
  gate.Close();
}

TEST_CASE("closing waits for the last one inside", "[gate]") {
  Gate gate;
  std::atomic<bool> left = false;
  Gate::Pass pass = gate.Enter();
  Gate::Pass other = gate.Enter();
  std::thread closer([&] {
    gate.Close();
    CHECK(left.load());
  });
  while (!gate.closed()) std::this_thread::yield();
  other.Leave();
  left = true;
  pass.Leave();
  closer.join();
}

TEST_CASE("a pass leaves once, also after it was moved", "[gate]") {
  Gate gate;
  Gate::Pass first = gate.Enter();
  Gate::Pass second = std::move(first);
  REQUIRE_FALSE(static_cast<bool>(first));
  REQUIRE(static_cast<bool>(second));
  first.Leave();
  second = gate.Enter();  // leaves, holds the new one
  Gate::Pass& alias = second;
  second = std::move(alias);
  REQUIRE(static_cast<bool>(second));
  second.Leave();
  second.Leave();
  gate.Close();
}

TEST_CASE("closing twice is allowed", "[gate]") {
  Gate gate;
  gate.Close();
  gate.Close();
}

TEST_CASE("a gate may be freed as soon as it has closed", "[gate]") {
  for (int round = 0; round < 200; ++round) {
    auto gate = std::make_unique<Gate>();
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
      threads.emplace_back([pass = gate->Enter()]() mutable { pass.Leave(); });
    }
    gate->Close();
    gate.reset();
    for (std::thread& thread : threads) thread.join();
  }
}

TEST_CASE("a gate that dies with someone inside stops the process", "[gate][check]") {
  const Death death = RunInChild([] {
    auto* pass = new Gate::Pass;
    Gate gate;
    *pass = gate.Enter();
  });
  REQUIRE(death.aborted);
  REQUIRE_THAT(death.standard_error, Catch::Contains("a gate dies with 1 inside"));
}

}  // namespace
}  // namespace ficus
