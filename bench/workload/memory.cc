// M1: memory of the node for each series that is written: how its anonymous memory grows from few
// series to many, beside the bytes of their entities.
#include "bench/harness/comparison.h"
#include "bench/harness/node.h"
#include "bench/harness/process.h"
#include "bench/harness/scratch_folder.h"
#include "bench/load/generated_points.h"
#include "bench/load/point.h"
#include "bench/workload/workloads.h"
#include "engine/base/check.h"

namespace ficus::bench {
namespace {

constexpr uint64_t kPointsPerSeries = 3;

double BytesWith(const BenchOptions& options, uint64_t series) {
  const ScratchFolder folder(options.scratch);
  Node node(options, folder.path(), "relaxed");
  Load(options, folder.path(),
       {"run", "--address", node.address(), "--series", std::to_string(series), "--points",
        std::to_string(series * kPointsPerSeries), "--report", "0"});
  node.WaitUntilIdle();
  const auto bytes = static_cast<double>(AnonymousBytes(node.pid()));
  node.Stop();
  return bytes;
}

double EntityBytes(uint64_t series) {
  double bytes = 0;
  for (uint64_t i = 0; i < series; ++i) {
    bytes += static_cast<double>(load::GeneratedPoints::Tags(i / 3).front().size());
  }
  return bytes / static_cast<double>(series);
}

}  // namespace

void Memory(const BenchOptions& options, Report& report) {
  const uint64_t few = options.Pick<uint64_t>(300, 30'000, 100'000);
  const uint64_t many = options.Pick<uint64_t>(3000, 330'000, 1'100'000);
  const double entity = EntityBytes(many);
  Compare(
      options, report, "M1",
      {{"memory of a series beyond its entity", "bytes", "entity", {.value_max = 128}}},
      [&]() -> std::vector<double> {
        const double grown = BytesWith(options, many) - BytesWith(options, few);
        return {grown / static_cast<double>(many - few) - entity};
      },
      [&]() -> std::vector<double> { return {entity}; });
}

}  // namespace ficus::bench
