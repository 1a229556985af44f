// A1: how long a point waits for its acknowledgement at half of the rate that the node can take,
// beside what the disk needs for a bare sync under the same load.
#include <chrono>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "bench/harness/comparison.h"
#include "bench/harness/node.h"
#include "bench/harness/scratch_folder.h"
#include "bench/load/latency_histogram.h"
#include "bench/workload/workloads.h"
#include "engine/base/check.h"
#include "engine/base/clock.h"
#include "engine/wal/log.h"

namespace ficus::bench {
namespace {

// How long the log waits for company.
const double kWindowMillis = static_cast<double>(LogOptions{}.group_window_nanos) / kNanosPerMilli;
constexpr size_t kBlockBytes = 4096;

int OpenNew(const std::string& path) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  CHECK(file >= 0) << path;
  return file;
}

// Writes a block to a file of its own and syncs it, again and again, at the pace of a log.
class BareSyncs {
 public:
  explicit BareSyncs(const std::string& path)
      : file_(OpenNew(path)), syncing_([this](const std::stop_token& stop) {
          while (!stop.stop_requested()) {
            SyncOnce();
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
          }
        }) {}

  // Milliseconds.
  double EndWithP99() {
    syncing_.request_stop();
    syncing_.join();
    ::close(file_);
    return latencies_.Copy().Quantile(0.99);
  }

 private:
  void SyncOnce() {
    const std::string block(kBlockBytes, 'x');
    const int64_t begun = SystemClock().Monotonic();
    CHECK(::pwrite(file_, block.data(), block.size(), offset_) == kBlockBytes);
    CHECK(::fdatasync(file_) == 0);
    latencies_.Observe(SystemClock().Monotonic() - begun);
    offset_ += kBlockBytes;
  }

  const int file_;
  off_t offset_ = 0;
  load::LatencyHistogram latencies_;
  std::jthread syncing_;
};

class Loaded {
 public:
  Loaded(const BenchOptions& options, const Node& node, std::string folder)
      : options_(options), node_(node), folder_(std::move(folder)) {}

  // Points a second when nothing holds the client back.
  double MostPoints() const {
    const std::string points = std::to_string(options_.Pick(20'000, 1'000'000, 10'000'000));
    return FigureIn(Run({"--points", points}), " s, ([0-9]+)/s");
  }
  // What the client says of a stretch at this rate.
  std::string RunAt(double rate) const {
    return Run({"--rate", fmt::format("{:.0f}", rate), "--seconds",
                std::to_string(options_.Pick(2, 15, 60))});
  }
  double SyncP99At(double rate) const {
    BareSyncs syncs(folder_ + "/bare");
    RunAt(rate);
    return syncs.EndWithP99();
  }

 private:
  std::string Run(std::vector<std::string> how) const {
    std::vector<std::string> arguments = {
        "run", "--address", node_.address(), "--series", "5000", "--streams", "2", "--report", "0"};
    arguments.insert(arguments.end(), how.begin(), how.end());
    return Load(options_, folder_, arguments);
  }

  const BenchOptions& options_;
  const Node& node_;
  const std::string folder_;
};

}  // namespace

void Acknowledgement(const BenchOptions& options, Report& report) {
  const ScratchFolder folder(options.scratch);
  Node node(options, folder.path(), "strict");
  const Loaded loaded(options, node, folder.path());
  const double rate = loaded.MostPoints() / 2;
  Compare(
      options, report, "A1",
      {{"acknowledgement at half of the most",
        "ms p99",
        "the window and two bare syncs",
        {.ratio_max = 1}}},
      [&]() -> std::vector<double> { return {FigureIn(loaded.RunAt(rate), kAckP99)}; },
      [&]() -> std::vector<double> { return {kWindowMillis + 2 * loaded.SyncP99At(rate)}; });
  report.Note("A1", fmt::format("at {:.0f} points a second", rate));
  node.Stop();
}

}  // namespace ficus::bench
