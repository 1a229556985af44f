// Q1: the rows of one series, hot, in the engine; beside RocksDB.
#include <algorithm>

#include <fmt/format.h>

#include "bench/harness/comparison.h"
#include "bench/harness/engine.h"
#include "bench/harness/filled_stores.h"
#include "bench/harness/stopwatch.h"
#include "bench/workload/workloads.h"
#include "engine/base/check.h"

namespace ficus::bench {
namespace {

// Median and 99th percentile of the microseconds that `ask` takes for series after series.
template <typename Ask>
std::vector<double> Quantiles(const SamplePoints& points, size_t asks, const Ask& ask) {
  std::vector<double> micros;
  for (size_t i = 0; i < asks; ++i) {
    const size_t series = i * 7919 % points.series();
    const Totals expected = points.TotalsOf(series);
    const double begun = WallSeconds();
    const Totals found = ask(series);
    micros.push_back((WallSeconds() - begun) * 1e6);
    CHECK(found == expected) << "series " << series << ": a wrong answer";
  }
  std::sort(micros.begin(), micros.end());
  return {micros[micros.size() / 2], micros[micros.size() * 99 / 100]};
}

}  // namespace

void OneSeries(const BenchOptions& options, Report& report) {
  const size_t asks = options.Pick<size_t>(20, 300, 3000);
  for (const size_t rows : options.scale == Scale::kSmall ? std::vector<size_t>{60}
                                                          : std::vector<size_t>{60, 500, 1440}) {
    FilledStores stores(
        options, SamplePoints(options.Pick<size_t>(100, 2000, 50'000), rows, MidnightBefore(rows)));
    const std::string what = fmt::format("{} rows of one series", rows);
    const Goal goal = rows == 500 ? Goal{.ratio_max = 1.0 / 6, .value_max = 10} : Goal{};
    Compare(
        options, report, "Q1", {{what, "us p50", "RocksDB", goal}, {what, "us p99", "RocksDB", {}}},
        [&] {
          return Quantiles(stores.points(), asks, [&](size_t series) {
            return stores.engine().OneSeries(SamplePoints::Name(series), rows).totals();
          });
        },
        [&] {
          return Quantiles(stores.points(), asks, [&](size_t series) {
            return stores.rocks().OneSeries(static_cast<uint32_t>(series));
          });
        });
  }
}

}  // namespace ficus::bench
