// Q3: sums by series, and the largest of them, in the engine; beside RocksDB's iterator and a hash
// table.
#include <algorithm>
#include <functional>

#include <fmt/format.h>

#include "bench/harness/comparison.h"
#include "bench/harness/filled_stores.h"
#include "bench/harness/stopwatch.h"
#include "bench/workload/workloads.h"
#include "engine/base/check.h"

namespace ficus::bench {
namespace {

constexpr size_t kTop = 10;

template <typename Ask>
double Millis(const Ask& ask) {
  const double begun = CpuSeconds();
  ask();
  return (CpuSeconds() - begun) * 1e3;
}

MeasureQuery Grouped(const Engine& engine, size_t groups) {
  MeasureQuery query = engine.Query();
  query.limit = static_cast<uint32_t>(groups);
  query.tags = {{"default", {"entity_id"}}};
  query.group_by = query.tags;
  query.aggregation = Aggregation{AggregationFunction::kSum, query.fields.front()};
  return query;
}

std::vector<int64_t> LargestFirst(std::vector<int64_t> sums) {
  std::sort(sums.begin(), sums.end(), std::greater<>());
  return sums;
}

int64_t SumOfTop(const std::vector<int64_t>& largest_first) {
  int64_t sum = 0;
  for (size_t i = 0; i < std::min(kTop, largest_first.size()); ++i) sum += largest_first[i];
  return sum;
}

}  // namespace

void GroupBy(const BenchOptions& options, Report& report) {
  const size_t rows = options.Pick<size_t>(60, 500, 1000);
  FilledStores stores(
      options, SamplePoints(options.Pick<size_t>(100, 4000, 100'000), rows, MidnightBefore(rows)));
  const SamplePoints& points = stores.points();
  const Totals totals = points.totals();
  std::vector<int64_t> sums;
  for (size_t series = 0; series < points.series(); ++series) {
    sums.push_back(points.TotalsOf(series).sum);
  }
  const int64_t sum_of_top = SumOfTop(LargestFirst(sums));

  const auto grouped = [&] {
    const Totals found = stores.engine().Ask(Grouped(stores.engine(), points.series())).totals();
    CHECK(found.count == points.series() && found.sum == totals.sum) << "wrong groups";
  };
  const auto top = [&] {
    MeasureQuery query = Grouped(stores.engine(), kTop);
    query.top = Top{static_cast<int32_t>(kTop), query.fields.front(), SortOrder::kDescending};
    const Totals found = stores.engine().Ask(std::move(query)).totals();
    CHECK(found.sum == sum_of_top) << "a wrong top";
  };
  const auto rocks_grouped = [&] {
    CHECK(stores.rocks().Sums().size() == points.series()) << "RocksDB: wrong groups";
  };
  const auto rocks_top = [&] {
    std::vector<int64_t> found;
    for (const auto& [series, sum] : stores.rocks().Sums()) found.push_back(sum);
    CHECK(SumOfTop(LargestFirst(found)) == sum_of_top) << "RocksDB: a wrong top";
  };
  Compare(
      options, report, "Q3",
      {{fmt::format("sums of {} series x {}", points.series(), rows), "CPU ms", "RocksDB", {}},
       {fmt::format("the {} largest sums", kTop), "CPU ms", "RocksDB", {}}},
      [&]() -> std::vector<double> {
        return {Millis(grouped), Millis(top)};
      },
      [&]() -> std::vector<double> {
        return {Millis(rocks_grouped), Millis(rocks_top)};
      });
}

}  // namespace ficus::bench
