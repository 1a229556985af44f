#include "server/observability/health_metrics.h"

#include <map>
#include <string>

#include <catch2/catch.hpp>

#include "server/observability/prometheus_text.h"
#include "test/server/observability/metrics_parser.h"

namespace ficus {
namespace {

std::map<std::string, double> Samples(const MetricRegistry& registry) {
  return ParseSamples(PrometheusText(registry.Collect()));
}

TEST_CASE("health is three metrics", "[metrics][health]") {
  MetricRegistry registry;
  Health health;
  const auto handle = AddHealthMetrics(registry, health);
  auto samples = Samples(registry);
  REQUIRE(samples.at("ficus_alive") == 1);
  REQUIRE(samples.at("ficus_ready") == 0);
  REQUIRE(samples.at("ficus_health_problem{component=\"start\",level=\"not ready\"}") == 1);
  health.Clear("start");
  samples = Samples(registry);
  REQUIRE(samples.at("ficus_ready") == 1);
  REQUIRE(samples.size() == 2);
}

}  // namespace
}  // namespace ficus
