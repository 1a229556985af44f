#include "server/observability/health.h"

#include <atomic>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

namespace ficus {
namespace {

using Problems = std::vector<HealthProblem>;

TEST_CASE("health begins alive and not ready", "[health]") {
  const Health health;
  const HealthReport report = health.Report();
  REQUIRE(report.alive());
  REQUIRE_FALSE(report.ready());
  REQUIRE(report.problems == Problems{{"start", HealthLevel::kNotReady, "starting"}});
}

TEST_CASE("a node is ready once nobody says otherwise", "[health]") {
  Health health;
  health.Set("log", HealthLevel::kNotReady, "replaying");
  health.Clear("start");
  REQUIRE_FALSE(health.Report().ready());
  health.Clear("log");
  health.Clear("log");
  REQUIRE(health.Report() == HealthReport{});
  REQUIRE(health.Report().ready());
}

TEST_CASE("a degraded node is ready, one that is not alive is not", "[health]") {
  Health health;
  health.Clear("start");
  health.Set("disk", HealthLevel::kDegraded, "86% full");
  REQUIRE(health.Report().ready());
  health.Set("disk", HealthLevel::kNotAlive, "a write takes 60s");
  REQUIRE_FALSE(health.Report().ready());
  REQUIRE_FALSE(health.Report().alive());
  REQUIRE(health.Report().problems ==
          Problems{{"disk", HealthLevel::kNotAlive, "a write takes 60s"}});
}

TEST_CASE("problems are listed by component", "[health]") {
  Health health;
  health.Set("zebra", HealthLevel::kDegraded, "z");
  health.Set("ant", HealthLevel::kDegraded, "a");
  std::string components;
  for (const HealthProblem& problem : health.Report().problems)
    components += problem.component + " ";
  REQUIRE(components == "ant start zebra ");
}

TEST_CASE("a listener hears the present state and then each change once", "[health]") {
  Health health;
  std::vector<size_t> heard;
  auto handle =
      health.Listen([&](const HealthReport& report) { heard.push_back(report.problems.size()); });
  REQUIRE(heard == std::vector<size_t>{1});
  health.Set("disk", HealthLevel::kDegraded, "full");
  health.Set("disk", HealthLevel::kDegraded, "full");
  health.Clear("start");
  health.Clear("start");
  REQUIRE(heard == std::vector<size_t>{1, 2, 1});
  handle.reset();
  health.Clear("disk");
  REQUIRE(heard.size() == 3);
}

TEST_CASE("the last thing a listener hears is how it is", "[health]") {
  Health health;
  HealthReport heard;
  std::atomic<int> inside = 0;
  const auto handle = health.Listen([&](const HealthReport& report) {
    if (++inside != 1) std::abort();
    heard = report;
    --inside;
  });
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&health, component = std::to_string(i)] {
      for (int round = 0; round < 500; ++round) {
        health.Set(component, HealthLevel::kDegraded, std::to_string(round));
        if (round % 3 == 0) health.Clear(component);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  REQUIRE(heard == health.Report());
  REQUIRE(heard.problems.size() == 5);
}

TEST_CASE("dropping a listener's handle waits for its run to end", "[health]") {
  Health health;
  std::atomic<bool> running = false;
  std::atomic<bool> go_on = false;
  bool first = true;
  auto handle = health.Listen([&](const HealthReport&) {
    if (std::exchange(first, false)) return;
    running = true;
    while (!go_on) std::this_thread::yield();
  });
  std::thread setting([&] { health.Clear("start"); });
  while (!running) std::this_thread::yield();
  std::atomic<bool> about_to_drop = false;
  std::atomic<bool> dropped = false;
  std::thread dropping([&] {
    about_to_drop = true;
    handle.reset();
    dropped = true;
  });
  while (!about_to_drop) std::this_thread::yield();
  // Time enough for a handle that does not wait.
  for (int i = 0; i < 1000; ++i) std::this_thread::yield();
  const bool dropped_early = dropped;
  go_on = true;
  setting.join();
  dropping.join();
  REQUIRE_FALSE(dropped_early);
}

TEST_CASE("every health level has a name", "[health]") {
  REQUIRE(HealthLevelName(HealthLevel::kDegraded) == "degraded");
  REQUIRE(HealthLevelName(HealthLevel::kNotReady) == "not ready");
  REQUIRE(HealthLevelName(HealthLevel::kNotAlive) == "not alive");
}

}  // namespace
}  // namespace ficus
