#include "engine/base/metrics.h"

#include <atomic>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "test/engine/base/death.h"

namespace ficus {
namespace {

std::vector<std::string> Names(const std::vector<MetricFamily>& families) {
  std::vector<std::string> names;
  for (const MetricFamily& family : families) names.push_back(family.name);
  return names;
}

TEST_CASE("the same name and labels give the same metric", "[metrics]") {
  MetricRegistry registry;
  Counter& ok = registry.AddCounter("ficus_rows_total", "Rows.", {{"result", "ok"}});
  Counter& bad = registry.AddCounter("ficus_rows_total", "Rows.", {{"result", "bad"}});
  REQUIRE(&registry.AddCounter("ficus_rows_total", "Rows.", {{"result", "ok"}}) == &ok);
  REQUIRE(&ok != &bad);
  ok.Add();
  ok.Add(4);
  bad.Add(2);
  const std::vector<MetricFamily> families = registry.Collect();
  REQUIRE(families.size() == 1);
  REQUIRE(families[0].type == MetricType::kCounter);
  REQUIRE(families[0].help == "Rows.");
  REQUIRE(families[0].samples.size() == 2);
  REQUIRE(families[0].samples[0].value == 5);
  REQUIRE(families[0].samples[1].value == 2);
  REQUIRE(families[0].samples[1].labels == MetricLabels{{"result", "bad"}});
}

TEST_CASE("families are ordered by name, collected ones among registered ones", "[metrics]") {
  MetricRegistry registry;
  registry.AddGauge("ficus_b", "B.").Set(2.5);
  registry.AddCounter("ficus_d_total", "D.");
  const auto handle = registry.AddCollector([](std::vector<MetricFamily>& families) {
    families.push_back({"ficus_c", "C.", MetricType::kGauge, {{{}, 3, nullptr}}});
    families.push_back({"ficus_a", "A.", MetricType::kGauge, {{{}, 1, nullptr}}});
  });
  const std::vector<MetricFamily> families = registry.Collect();
  REQUIRE(Names(families) ==
          std::vector<std::string>{"ficus_a", "ficus_b", "ficus_c", "ficus_d_total"});
  REQUIRE(families[1].samples[0].value == 2.5);
}

TEST_CASE("families of one name are joined, or the text would name one twice", "[metrics]") {
  MetricRegistry registry;
  registry.AddGauge("ficus_parts", "Parts.", {{"shard", "0"}}).Set(1);
  const auto add = [](const char* shard) {
    return [shard](std::vector<MetricFamily>& families) {
      families.push_back(
          {"ficus_parts", "Parts.", MetricType::kGauge, {{{{"shard", shard}}, 7, nullptr}}});
      families.push_back({"ficus_z", "Z.", MetricType::kGauge, {{{}, 0, nullptr}}});
    };
  };
  const auto first = registry.AddCollector(add("1"));
  const auto second = registry.AddCollector(add("2"));
  const std::vector<MetricFamily> families = registry.Collect();
  REQUIRE(Names(families) == std::vector<std::string>{"ficus_parts", "ficus_z"});
  REQUIRE(families[0].samples.size() == 3);
  REQUIRE(families[0].samples[0].labels == MetricLabels{{"shard", "0"}});
  REQUIRE(families[0].samples[2].labels == MetricLabels{{"shard", "2"}});
  REQUIRE(families[1].samples.size() == 2);
}

TEST_CASE("a collector is gone with its handle", "[metrics]") {
  MetricRegistry registry;
  int calls = 0;
  auto handle = registry.AddCollector([&](std::vector<MetricFamily>&) { ++calls; });
  registry.Collect();
  handle.reset();
  registry.Collect();
  REQUIRE(calls == 1);
}

TEST_CASE("dropping a collector's handle waits for its run to end", "[metrics]") {
  MetricRegistry registry;
  std::atomic<bool> running = false;
  std::atomic<bool> go_on = false;
  std::atomic<bool> dropped = false;
  auto handle = registry.AddCollector([&](std::vector<MetricFamily>&) {
    running = true;
    while (!go_on) std::this_thread::yield();
  });
  std::thread collecting([&] { registry.Collect(); });
  while (!running) std::this_thread::yield();
  std::atomic<bool> about_to_drop = false;
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
  dropping.join();
  collecting.join();
  REQUIRE_FALSE(dropped_early);
  REQUIRE(dropped);
}

TEST_CASE("a collector's handle may outlive the registry", "[metrics]") {
  auto registry = std::make_unique<MetricRegistry>();
  const auto handle = registry->AddCollector([](std::vector<MetricFamily>&) {});
  registry.reset();
}

TEST_CASE("a histogram counts a value in the first bucket that holds it", "[metrics]") {
  Histogram histogram({1, 2, 4});
  for (const double value : {0.0, 1.0, 1.5, 2.0, 4.0, 4.1, 1e9}) histogram.Observe(value);
  REQUIRE(histogram.counts() == std::vector<uint64_t>{2, 2, 1, 2});
  REQUIRE(histogram.sum() == Approx(1e9 + 12.6));
}

TEST_CASE("a histogram does not count what is no number", "[metrics]") {
  Histogram histogram({1});
  histogram.Observe(std::numeric_limits<double>::quiet_NaN());
  REQUIRE(histogram.counts() == std::vector<uint64_t>{0, 0});
  REQUIRE(histogram.sum() == 0);
}

TEST_CASE("a quantile is the upper bound of its bucket", "[metrics]") {
  Histogram histogram({1, 2, 4});
  REQUIRE(histogram.Quantile(0.5) == 0);
  histogram.Observe(1.5);
  REQUIRE(histogram.Quantile(0) == 2);
  REQUIRE(histogram.Quantile(1) == 2);
  for (int i = 0; i < 9; ++i) histogram.Observe(0.5);
  REQUIRE(histogram.Quantile(0.9) == 1);
  REQUIRE(histogram.Quantile(0.91) == 2);
  histogram.Observe(100);
  REQUIRE(histogram.Quantile(1) == 4);
}

TEST_CASE("latency bounds double from 100 microseconds to about 100 seconds", "[metrics]") {
  const std::vector<double> bounds = LatencyBounds();
  REQUIRE(bounds.front() == 100e-6);
  REQUIRE(bounds.back() > 100);
  REQUIRE(bounds.back() < 110);
  for (size_t i = 1; i < bounds.size(); ++i) REQUIRE(bounds[i] == 2 * bounds[i - 1]);
}

TEST_CASE("a histogram's pointer stays valid while the registry grows", "[metrics]") {
  MetricRegistry registry;
  Histogram& histogram = registry.AddHistogram("ficus_x_seconds", "X.", LatencyBounds());
  const std::vector<MetricFamily> before = registry.Collect();
  for (int i = 0; i < 100; ++i) {
    registry.AddHistogram("ficus_x_seconds", "X.", LatencyBounds(), {{"n", std::to_string(i)}});
  }
  histogram.Observe(1);
  REQUIRE(before[0].samples[0].histogram == &histogram);
  REQUIRE(before[0].samples[0].histogram->sum() == 1);
}

TEST_CASE("metrics are changed and read by many threads", "[metrics]") {
  MetricRegistry registry;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&registry] {
      for (int round = 0; round < 1000; ++round) {
        registry.AddCounter("ficus_rows_total", "Rows.").Add();
        registry.AddHistogram("ficus_x_seconds", "X.", {1}).Observe(1);
        const auto handle = registry.AddCollector([](std::vector<MetricFamily>&) {});
        if (round % 100 == 0) registry.Collect();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  REQUIRE(registry.AddCounter("ficus_rows_total", "Rows.").value() == 4000);
  REQUIRE(registry.AddHistogram("ficus_x_seconds", "X.", {1}).sum() == 4000);
}

TEST_CASE("a metric that contradicts itself stops the process", "[metrics][check]") {
  REQUIRE_THAT(RunInChild([] {
                 MetricRegistry registry;
                 registry.AddCounter("ficus_a", "A.");
                 registry.AddGauge("ficus_a", "A.");
               }).standard_error,
               Catch::Contains("metric ficus_a has two types"));
  REQUIRE_THAT(RunInChild([] {
                 MetricRegistry registry;
                 registry.AddHistogram("ficus_a", "A.", {1});
                 registry.AddHistogram("ficus_a", "A.", {2});
               }).standard_error,
               Catch::Contains("metric ficus_a has two sets of bounds"));
  REQUIRE(RunInChild([] { MetricRegistry().AddGauge("parts", "Parts."); }).aborted);
  REQUIRE(RunInChild([] { Histogram({1, 1}); }).aborted);
  REQUIRE(RunInChild([] { Histogram({2, 1}); }).aborted);
}

}  // namespace
}  // namespace ficus
