#include "bench/load/latency_histogram.h"

#include <catch2/catch.hpp>

namespace ficus::load {
namespace {

TEST_CASE("a quantile is at most six percent off", "[load]") {
  const auto micros =
      GENERATE(as<int64_t>(), 1, 15, 16, 17, 31, 32, 100, 999, 65'536, 5'000'000, 3'600'000'000);
  CAPTURE(micros);
  LatencyHistogram histogram;
  histogram.Observe(micros * 1000);
  const double millis = static_cast<double>(micros) / 1000;
  const double found = histogram.Copy().Quantile(0.5);
  REQUIRE(found > millis);
  REQUIRE(found <= millis * 1.07 + 0.001);
}

TEST_CASE("quantiles divide what was observed", "[load]") {
  LatencyHistogram histogram;
  for (int i = 0; i < 99; ++i) histogram.Observe(1'000'000);
  histogram.Observe(500'000'000);
  const LatencyCounts counts = histogram.Copy();
  REQUIRE(counts.total() == 100);
  REQUIRE(counts.Quantile(0.5) < 1.1);
  REQUIRE(counts.Quantile(0.99) < 1.1);
  REQUIRE(counts.Quantile(0.999) > 499);
}

TEST_CASE("a difference holds only what came later", "[load]") {
  LatencyHistogram histogram;
  histogram.Observe(1'000'000);
  const LatencyCounts before = histogram.Copy();
  histogram.Observe(64'000'000);
  const LatencyCounts since = histogram.Copy().Since(before);
  REQUIRE(since.total() == 1);
  REQUIRE(since.Quantile(0.01) > 60);
}

TEST_CASE("nothing observed is zero", "[load]") { REQUIRE(LatencyCounts().Quantile(0.99) == 0); }

}  // namespace
}  // namespace ficus::load
