#include "bench/load/node_metrics.h"

#include <catch2/catch.hpp>

namespace ficus::load {
namespace {

TEST_CASE("samples of one name are added, whatever their labels", "[load]") {
  const NodeMetrics metrics = ParseMetrics(
      "# HELP ficus_parts Parts.\n"
      "# TYPE ficus_parts gauge\n"
      "ficus_parts{shard=\"0\"} 3\n"
      "ficus_parts{shard=\"1 } 2\"} 4\n"
      "\n"
      "process_cpu_seconds_total 1.5e2\n"
      "ack_bucket{le=\"0.1\"} 10\n"
      "ack_sum 2.5\n"
      "ack_count 10");
  REQUIRE(metrics == NodeMetrics{{"ficus_parts", 7},
                                 {"process_cpu_seconds_total", 150},
                                 {"ack_sum", 2.5},
                                 {"ack_count", 10}});
  REQUIRE(Find(metrics, "ficus_parts") == 7);
  REQUIRE_FALSE(Find(metrics, "ficus_merges_total"));
}

TEST_CASE("lines that are no sample are skipped", "[load]") {
  REQUIRE(ParseMetrics("name\nname{\nname{}\nname x\n{}\n \n\n# x 1\n").empty());
  REQUIRE(ParseMetrics("{} 1\n 1\n{a=\"b\"} 2\n").empty());
}

TEST_CASE("a node that is not there is unavailable", "[load]") {
  const auto metrics = FetchMetrics("127.0.0.1:1");
  REQUIRE_FALSE(metrics);
  REQUIRE(metrics.error().code == ErrorCode::kUnavailable);
  REQUIRE_FALSE(FetchMetrics("no port"));
}

}  // namespace
}  // namespace ficus::load
