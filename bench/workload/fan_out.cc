// Q2: aggregates over many series. In the engine, beside RocksDB's iterator and a sum over memory;
// over gRPC, beside a copy of the values.
#include <cstring>
#include <numeric>

#include <fmt/format.h>

#include "bench/harness/comparison.h"
#include "bench/harness/filled_stores.h"
#include "bench/harness/need.h"
#include "bench/harness/node.h"
#include "bench/harness/spread.h"
#include "bench/harness/stopwatch.h"
#include "bench/load/channel.h"
#include "bench/load/generated_points.h"
#include "bench/load/measure_reader.h"
#include "bench/workload/workloads.h"
#include "engine/base/check.h"

namespace ficus::bench {
namespace {

constexpr int64_t kDayMillis = 86'400'000;

// CPU nanoseconds a value of the best of a few goes, as caches and clocks settle.
template <typename Ask>
double NanosPerValue(uint64_t values, const Ask& ask) {
  double best = 1e18;
  for (int go = 0; go < 3; ++go) {
    const double begun = CpuSeconds();
    ask();
    best = std::min(best, (CpuSeconds() - begun) * 1e9 / static_cast<double>(values));
  }
  return best;
}

void InTheEngine(const BenchOptions& options, Report& report) {
  const size_t rows = options.Pick<size_t>(60, 500, 1000);
  FilledStores stores(
      options, SamplePoints(options.Pick<size_t>(100, 4000, 100'000), rows, MidnightBefore(rows)));
  const SamplePoints& points = stores.points();
  const Totals totals = points.totals();
  const auto sum = [&]() -> std::vector<double> {
    return {NanosPerValue(points.points(), [&] {
      CHECK(stores.engine().Aggregate(AggregationFunction::kSum).totals().sum == totals.sum)
          << "a wrong sum";
    })};
  };
  const std::string what = fmt::format("sum of {} series x {}", points.series(), rows);
  Compare(options, report, "Q2",
          {{what, "CPU ns a value", "RocksDB", {.ratio_max = 1.0 / 50, .value_max = 2}}}, sum,
          [&]() -> std::vector<double> {
            return {NanosPerValue(points.points(), [&] { CHECK(stores.rocks().All() == totals); })};
          });
  std::vector<int64_t> memory;
  for (size_t series = 0; series < points.series(); ++series) {
    for (size_t row = 0; row < rows; ++row) memory.push_back(SamplePoints::Value(series, row));
  }
  Compare(options, report, "Q2", {{what, "CPU ns a value", "sum over memory", {}}}, sum,
          [&]() -> std::vector<double> {
            return {NanosPerValue(points.points(), [&] {
              CHECK(std::accumulate(memory.begin(), memory.end(), int64_t{0}) == totals.sum);
            })};
          });
}

// The three measures of the load client have a third of its series each.
void OverGrpc(const BenchOptions& options, Report& report) {
  const uint64_t series = options.Pick<uint64_t>(100, 10'000, 10'000);
  constexpr uint64_t kRows = 60;
  const ScratchFolder folder(options.scratch);
  Node node(options, folder.path(), "relaxed");
  const std::string journal = folder.path() + "/journal";
  Load(options, folder.path(),
       {"run", "--address", node.address(), "--series", std::to_string(3 * series), "--points",
        std::to_string(3 * series * kRows), "--step", "60000", "--ago", "7200", "--report", "0",
        "--journal", journal});
  Load(options, folder.path(), {"verify", "--address", node.address(), "--journal", journal});
  node.WaitUntilIdle();
  const load::MeasureReader reader(load::Connect(node.address()), "sw_load",
                                   load::GeneratedPoints::Measures()[0]);
  const int64_t now = SystemClock().Now() / kNanosPerMilli;
  const load::ReadRange range{now - kDayMillis, now + kDayMillis, {}};
  CHECK(Need(reader.Count(range)) == series * kRows) << "points are missing";
  const std::map<std::string, int64_t> expected = Need(reader.Sums(range));
  CHECK(expected.size() == series) << expected.size() << " groups";

  const std::vector<int64_t> values(series * kRows, 1);
  std::vector<int64_t> copy(values.size());
  const std::string what = fmt::format("{} series x {}, grouped sum, over gRPC", series, kRows);
  Compare(
      options, report, "Q2",
      {{what, "ms p50", "memcpy", {.value_max = 20}},
       {"the same, in the client's classes", "ms p50", "memcpy", {}}},
      [&]() -> std::vector<double> {
        std::vector<double> answered;
        std::vector<double> parsed;
        for (int ask = 0; ask < 9; ++ask) {
          const double begun = WallSeconds();
          const auto answer = Need(reader.AskForSums(range));
          answered.push_back((WallSeconds() - begun) * 1e3);
          const auto sums = Need(load::MeasureReader::SumsOf(answer));
          parsed.push_back((WallSeconds() - begun) * 1e3);
          CHECK(sums == expected) << "a wrong answer";
        }
        return {SpreadOf(answered).median, SpreadOf(parsed).median};
      },
      [&]() -> std::vector<double> {
        const double begun = WallSeconds();
        std::memcpy(copy.data(), values.data(), values.size() * sizeof(int64_t));
        const double millis = (WallSeconds() - begun) * 1e3;
        CHECK(copy == values);
        return {millis, millis};
      });
  node.Stop();
}

}  // namespace

void FanOut(const BenchOptions& options, Report& report) {
  InTheEngine(options, report);
  OverGrpc(options, report);
}

}  // namespace ficus::bench
