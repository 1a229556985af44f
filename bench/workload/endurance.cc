// R1: a constant load for a long time, in six stretches: latency, parts and memory of each beside
// those of the first.
#include <fmt/format.h>

#include "bench/harness/need.h"
#include "bench/harness/node.h"
#include "bench/harness/process.h"
#include "bench/harness/scratch_folder.h"
#include "bench/load/node_metrics.h"
#include "bench/workload/workloads.h"
#include "engine/base/check.h"

namespace ficus::bench {
namespace {

constexpr int kStretches = 6;

struct Stretch {
  double p99_millis = 0;
  double parts = 0;
  double megabytes = 0;
};

Stretch Run(const BenchOptions& options, const Node& node, const std::string& folder) {
  const std::string text = Load(options, folder,
                                {"run", "--address", node.address(), "--series",
                                 std::to_string(options.Pick(300, 2000, 100'000)), "--rate",
                                 std::to_string(options.Pick(5000, 20'000, 50'000)), "--seconds",
                                 std::to_string(options.Pick(1, 20, 600)), "--report", "0"});
  const load::NodeMetrics metrics = Need(load::FetchMetrics(node.metrics()));
  const auto parts = load::Find(metrics, "ficus_shard_parts_max");
  CHECK(parts.has_value()) << "the node says nothing of its parts";
  return {FigureIn(text, kAckP99), std::max(*parts, 1.0),
          static_cast<double>(AnonymousBytes(node.pid())) * 1e-6};
}

void Add(Report& report, const std::string& what, const std::string& unit,
         const std::vector<Stretch>& stretches, double Stretch::*value) {
  Figure figure{"R1", {what, unit, "first stretch", {.ratio_max = 1.1}}, {}, {}};
  for (size_t i = 1; i < stretches.size(); ++i) {
    figure.ours.push_back(stretches[i].*value);
    figure.theirs.push_back(stretches.front().*value);
  }
  report.Add(std::move(figure));
}

}  // namespace

void Endurance(const BenchOptions& options, Report& report) {
  const ScratchFolder folder(options.scratch);
  Node node(options, folder.path(), "strict");
  std::vector<Stretch> stretches;
  for (int i = 0; i < kStretches; ++i) stretches.push_back(Run(options, node, folder.path()));
  node.Stop();
  const std::string later = fmt::format("{} later stretches of constant load, ", kStretches - 1);
  Add(report, later + "acknowledgement p99", "ms", stretches, &Stretch::p99_millis);
  Add(report, later + "most parts of a shard", "parts", stretches, &Stretch::parts);
  Add(report, later + "memory", "MB", stretches, &Stretch::megabytes);
}

}  // namespace ficus::bench
