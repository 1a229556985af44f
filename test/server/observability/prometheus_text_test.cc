#include "server/observability/prometheus_text.h"

#include <cstdlib>
#include <fstream>
#include <limits>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/clock.h"
#include "engine/base/memory_ledger.h"
#include "engine/base/utf8.h"
#include "server/observability/build_info.h"
#include "server/observability/health.h"
#include "server/observability/health_metrics.h"
#include "server/observability/memory_metrics.h"
#include "server/observability/process_metrics.h"
#include "test/server/observability/metrics_parser.h"
#include "test/support/skip.h"
#include "test/support/temp_directory.h"

namespace ficus {
namespace {

TEST_CASE("counters and gauges are one line each", "[metrics]") {
  MetricRegistry registry;
  registry.AddCounter("ficus_rows_total", "Rows written.", {{"group", "a"}}).Add(3);
  registry.AddCounter("ficus_rows_total", "Rows written.", {{"group", "b"}, {"x", "y"}});
  registry.AddGauge("ficus_parts", "Parts.").Set(-2.5);
  REQUIRE(PrometheusText(registry.Collect()) ==
          "# HELP ficus_parts Parts.\n"
          "# TYPE ficus_parts gauge\n"
          "ficus_parts -2.5\n"
          "# HELP ficus_rows_total Rows written.\n"
          "# TYPE ficus_rows_total counter\n"
          "ficus_rows_total{group=\"a\"} 3\n"
          "ficus_rows_total{group=\"b\",x=\"y\"} 0\n");
}

TEST_CASE("a histogram's buckets are cumulative", "[metrics]") {
  MetricRegistry registry;
  Histogram& histogram =
      registry.AddHistogram("ficus_ack_seconds", "Time.", {0.001, 0.5, 2}, {{"op", "w"}});
  for (const double value : {0.0005, 0.25, 0.5, 1.0, 3.0}) histogram.Observe(value);
  REQUIRE(PrometheusText(registry.Collect()) ==
          "# HELP ficus_ack_seconds Time.\n"
          "# TYPE ficus_ack_seconds histogram\n"
          "ficus_ack_seconds_bucket{op=\"w\",le=\"0.001\"} 1\n"
          "ficus_ack_seconds_bucket{op=\"w\",le=\"0.5\"} 3\n"
          "ficus_ack_seconds_bucket{op=\"w\",le=\"2\"} 4\n"
          "ficus_ack_seconds_bucket{op=\"w\",le=\"+Inf\"} 5\n"
          "ficus_ack_seconds_sum{op=\"w\"} 4.7505\n"
          "ficus_ack_seconds_count{op=\"w\"} 5\n");
}

TEST_CASE("numbers are written as Prometheus reads them", "[metrics]") {
  const auto [value, text] = GENERATE(table<double, std::string>({
      {0, "0"},
      {1, "1"},
      {0.1, "0.1"},
      {1e15, "1000000000000000"},
      {123456789012, "123456789012"},
      {1e300, "1e+300"},
      {std::numeric_limits<double>::infinity(), "+Inf"},
      {-std::numeric_limits<double>::infinity(), "-Inf"},
      {std::numeric_limits<double>::quiet_NaN(), "NaN"},
  }));
  MetricRegistry registry;
  registry.AddGauge("ficus_x", "X.").Set(value);
  REQUIRE(PrometheusText(registry.Collect()) ==
          "# HELP ficus_x X.\n# TYPE ficus_x gauge\nficus_x " + text + "\n");
}

TEST_CASE("help and label values are escaped", "[metrics]") {
  MetricRegistry registry;
  registry.AddGauge("ficus_x", "A \"b\" \\ \n c.", {{"group", "a\"b\\c\nd\xff"}});
  const std::string text = PrometheusText(registry.Collect());
  REQUIRE(text ==
          "# HELP ficus_x A \"b\" \\\\ \\n c.\n"
          "# TYPE ficus_x gauge\n"
          "ficus_x{group=\"a\\\"b\\\\c\\nd\xef\xbf\xbd\"} 0\n");
  REQUIRE(IsUtf8(text));
}

TEST_CASE("a family without samples is announced all the same", "[metrics]") {
  REQUIRE(PrometheusText({{"ficus_x", "X.", MetricType::kGauge, {}}}) ==
          "# HELP ficus_x X.\n# TYPE ficus_x gauge\n");
  REQUIRE(PrometheusText({}) == "");
}

// All families this room knows, and one of each kind.
std::string EverythingAsText() {
  MetricRegistry registry;
  const Health health;
  MemoryLedger ledger(1000);
  const auto process = AddProcessMetrics(registry, SystemClock().Now());
  const auto memory = AddLedgerMetrics(registry, ledger);
  const auto allocator = AddAllocatorMetrics(registry);
  const auto healthy = AddHealthMetrics(registry, health);
  AddBuildInfoMetric(registry);
  registry.AddHistogram("ficus_x_seconds", "X.", LatencyBounds(), {{"a", "\\\"\n"}}).Observe(0.1);
  registry.AddCounter("ficus_x_total", "X\\\n.", {{"a", "\xc3\xa9\xff"}}).Add(1);
  return PrometheusText(registry.Collect());
}

TEST_CASE("the whole text follows the grammar", "[metrics]") {
  const std::string text = EverythingAsText();
  CAPTURE(text);
  REQUIRE(FindGrammarMistake(text) == "");
}

TEST_CASE("promtool finds nothing wrong", "[metrics]") {
  if (std::system("promtool --version >/dev/null 2>&1") != 0)
    SKIP_TEST("promtool is not installed");
  const TempDirectory directory;
  std::ofstream(directory.File("metrics")) << EverythingAsText();
  const std::string command = "promtool check metrics < " + directory.File("metrics");
  REQUIRE(std::system(command.c_str()) == 0);
}

}  // namespace
}  // namespace ficus
