#include "server/observability/build_info.h"

#include <string>

#include <catch2/catch.hpp>

#include "server/observability/prometheus_text.h"

namespace ficus {
namespace {

TEST_CASE("the build says its version and compiler", "[metrics]") {
  MetricRegistry registry;
  AddBuildInfoMetric(registry);
  const std::string text = PrometheusText(registry.Collect());
  REQUIRE_THAT(text, Catch::Contains("ficus_build_info{version=\"" + GetBuildInfo().version));
  REQUIRE(GetBuildInfo().version.find_first_not_of("0123456789.") == std::string::npos);
  REQUIRE_THAT(BuildInfoLine(),
               Catch::StartsWith("ficus " + GetBuildInfo().version + " (") && Catch::EndsWith(")"));
}

}  // namespace
}  // namespace ficus
