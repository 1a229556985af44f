// I2: points that are parsed already, written, flushed and merged by the engine alone, beside
// RocksDB.
#include <algorithm>
#include <span>

#include <fmt/format.h>

#include "bench/harness/comparison.h"
#include "bench/harness/engine.h"
#include "bench/harness/scratch_folder.h"
#include "bench/harness/stopwatch.h"
#include "bench/workload/workloads.h"
#include "bench/yardstick/rocks_store.h"
#include "engine/base/check.h"

namespace ficus::bench {
namespace {

constexpr double kNanos = 1e9;
// So many batches are made ahead, and their making is not counted.
constexpr size_t kAhead = 100;

struct Case {
  std::string name = "in order";
  Durability durability = Durability::kStrict;
  // So many are handed over before the first is waited for: what comes in the five milliseconds of
  // a group commit at five million points a second.
  size_t batches_together = 25;
  // Each so many batches are flushed; 0: the engine decides.
  size_t batches_flushed = 0;
};

// CPU seconds of the process for writing all points: `encode` makes a batch, `write` takes some.
template <typename Encode, typename Write>
double WriteAll(const SamplePoints& points, size_t together, const Encode& encode,
                const Write& write) {
  double cpu = 0;
  for (size_t first = 0; first < points.batches(); first += kAhead) {
    const double made = ThreadCpuSeconds();
    const double begun = CpuSeconds();
    std::vector<decltype(encode(points.Batch(0)))> batches;
    for (size_t i = first; i < std::min(first + kAhead, points.batches()); ++i) {
      batches.push_back(encode(points.Batch(i)));
    }
    const double making = ThreadCpuSeconds() - made;
    for (size_t i = 0; i < batches.size(); i += together) {
      write(std::span(batches).subspan(i, std::min(together, batches.size() - i)));
    }
    cpu += CpuSeconds() - begun - making;
  }
  return cpu;
}

double PerPoint(double value, const SamplePoints& points) {
  return value / static_cast<double>(points.points());
}

// Bytes that flushes and merges wrote, for each byte that is left.
double Amplification(Engine& engine, uint64_t left) {
  const double written =
      static_cast<double>(engine.metrics().AddCounter("ficus_flush_bytes_total", "").value() +
                          engine.metrics().AddCounter("ficus_merge_bytes_total", "").value());
  return written / static_cast<double>(left);
}

struct Wrote {
  double nanos = 0;
  double bytes = 0;
  double amplification = 0;
};

Wrote WriteEngine(const BenchOptions& options, const SamplePoints& points, const Totals& totals,
                  const Case& tried) {
  const ScratchFolder folder(options.scratch);
  Engine engine(folder.path(), {.durability = tried.durability});
  size_t unflushed = 0;
  double cpu = WriteAll(
      points, tried.batches_together,
      [&](const std::vector<SamplePoint>& batch) { return engine.Keyed(batch); },
      [&](std::span<KeyedRows> batches) {
        engine.Write(batches);
        unflushed += batches.size();
        if (tried.batches_flushed == 0 || unflushed < tried.batches_flushed) return;
        engine.Flush();
        unflushed = 0;
      });
  const double begun = CpuSeconds();
  engine.Flush();
  engine.Merge();
  cpu += CpuSeconds() - begun;
  CHECK(engine.Aggregate(AggregationFunction::kSum).totals().sum == totals.sum) << "wrong sum";
  CHECK(engine.Aggregate(AggregationFunction::kCount).totals().sum ==
        static_cast<int64_t>(totals.count))
      << "wrong count";
  CHECK(engine.Aggregate(AggregationFunction::kMin).totals().sum == totals.min) << "wrong minimum";
  CHECK(engine.Aggregate(AggregationFunction::kMax).totals().sum == totals.max) << "wrong maximum";
  const uint64_t bytes = engine.database().Status().file_bytes;
  return {PerPoint(cpu * kNanos, points), PerPoint(static_cast<double>(bytes), points),
          Amplification(engine, bytes)};
}

// A sync behind the last batch of those that come together makes all of them last, as the engine's
// group commit does.
Wrote WriteRocks(const BenchOptions& options, const SamplePoints& points, const Totals& totals,
                 const Case& tried) {
  const ScratchFolder folder(options.scratch);
  RocksStore store(folder.path());
  double cpu = WriteAll(
      points, tried.batches_together, RocksStore::Encoded,
      [&](std::span<const RocksStore::Pairs> batches) {
        for (const RocksStore::Pairs& batch : batches) {
          store.Write(batch, tried.durability == Durability::kStrict && &batch == &batches.back());
        }
      });
  const double begun = CpuSeconds();
  store.Settle();
  cpu += CpuSeconds() - begun;
  CHECK(store.All() == totals) << "RocksDB answers wrongly";
  return {PerPoint(cpu * kNanos, points), PerPoint(static_cast<double>(store.FileBytes()), points),
          0};
}

void BesideRocks(const BenchOptions& options, Report& report, const SamplePoints& points,
                 const Case& tried) {
  const Totals totals = points.totals();
  double amplification = 0;
  Compare(
      options, report, "I2",
      {{fmt::format("{}, flushed and merged", tried.name),
        "CPU ns a point",
        "RocksDB",
        {.ratio_max = 1.0 / 25, .value_max = 200}},
       {fmt::format("{}, merged", tried.name), "bytes a point", "RocksDB", {.ratio_max = 1.0 / 5}}},
      [&]() -> std::vector<double> {
        const Wrote wrote = WriteEngine(options, points, totals, tried);
        amplification = wrote.amplification;
        return {wrote.nanos, wrote.bytes};
      },
      [&]() -> std::vector<double> {
        const Wrote wrote = WriteRocks(options, points, totals, tried);
        return {wrote.nanos, wrote.bytes};
      });
  report.Note("I2", fmt::format("{}: {} series of {} points; flushes and merges wrote each byte "
                                "{:.2f} times",
                                tried.name, points.series(), points.rows(), amplification));
}

void BesideRelaxed(const BenchOptions& options, Report& report, const SamplePoints& points) {
  const Totals totals = points.totals();
  const auto cost = [&](Durability durability) -> Measure {
    return [&options, &points, &totals, durability]() -> std::vector<double> {
      return {WriteEngine(options, points, totals, {.durability = durability}).nanos};
    };
  };
  Compare(options, report, "I2",
          {{"strict, in order", "CPU ns a point", "relaxed", {.ratio_max = 1.1}}},
          cost(Durability::kStrict), cost(Durability::kRelaxed));
}

// Bytes need no clock: one round tells. A day comes in several flushes, which the merge brings
// together.
void BesideEntropy(const BenchOptions& options, Report& report, const SamplePoints& points) {
  constexpr size_t kFlushes = 12;
  const Wrote wrote = WriteEngine(options, points, points.totals(),
                                  {.batches_flushed = points.batches() / kFlushes});
  report.Add({"I2",
              {"in order, merged", "bytes a point", "delta entropy", {.ratio_max = 1.1}},
              {wrote.bytes},
              {PerPoint(points.DeltaEntropyBits() / 8, points)}});
}

}  // namespace

void EngineIngest(const BenchOptions& options, Report& report) {
  const size_t series = options.Pick<size_t>(200, 2000, 100'000);
  const size_t rows = options.Pick<size_t>(100, 500, 1000);
  const UnixNanos base = MidnightBefore(rows);
  const SamplePoints in_order(series, rows, base);
  BesideRocks(options, report, in_order, {.name = "in order, strict"});
  if (options.scale != Scale::kSmall) {
    BesideRocks(options, report, in_order,
                {.name = "in order, strict, each batch alone", .batches_together = 1});
    BesideRocks(options, report, in_order,
                {.name = "in order, relaxed", .durability = Durability::kRelaxed});
  }
  BesideRocks(options, report, SamplePoints(series, rows, base, Arrival::kOneLate),
              {.name = "1 % late, strict"});
  BesideRocks(options, report, SamplePoints(series, rows, base, Arrival::kTenthTwice),
              {.name = "10 % twice, strict"});
  BesideRelaxed(options, report, in_order);
  // Series as long as they are after two days.
  BesideEntropy(options, report,
                SamplePoints(options.Pick<size_t>(10, 700, 7000),
                             options.Pick<size_t>(300, 2880, 2880), MidnightBefore(2880)));
}

}  // namespace ficus::bench
