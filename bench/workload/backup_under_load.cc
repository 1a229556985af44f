// B1: the time until points are acknowledged and questions answered while full backups are made and
// read back one after another, beside the same load without.
#include <atomic>
#include <chrono>
#include <filesystem>
#include <stop_token>
#include <thread>

#include <fmt/format.h>

#include "bench/harness/comparison.h"
#include "bench/harness/need.h"
#include "bench/harness/node.h"
#include "bench/harness/process.h"
#include "bench/harness/scratch_folder.h"
#include "bench/load/channel.h"
#include "bench/load/generated_points.h"
#include "bench/load/latency_histogram.h"
#include "bench/load/measure_reader.h"
#include "bench/workload/workloads.h"
#include "engine/base/check.h"
#include "engine/base/clock.h"

namespace ficus::bench {
namespace {

constexpr int kDestinations = 256;
constexpr uint64_t kSeries = 5000;
constexpr int64_t kDayMillis = 86'400'000;

// Many destinations, so that each backup is the first one there: a full one. Bounded, so that it is
// under way for seconds as that of a larger node, and what is measured are not its command, its
// snapshot and its flush over and over.
std::string Destinations(const std::string& folder) {
  std::string text = "remotes:\n";
  for (int i = 0; i < kDestinations; ++i) {
    text += fmt::format(
        "  r{}: {{url: \"file://{}/backups/{}\", upload: {{rate_limit: 1MiB/s}}}}\n", i, folder, i);
  }
  return text;
}

// Asks for the newest points of one series after another, a hundred times a second.
class Questions {
 public:
  explicit Questions(const std::string& address)
      : reader_(load::Connect(address), "sw_load", load::GeneratedPoints::Measures()[0]),
        asking_([this](const std::stop_token& stop) {
          for (uint64_t entity = 0; !stop.stop_requested(); ++entity) {
            Ask(entity % (kSeries / 3));
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
          }
        }) {}

  load::LatencyCounts End() {
    asking_.request_stop();
    asking_.join();
    return latencies_.Copy();
  }

 private:
  void Ask(uint64_t entity) {
    const int64_t now = SystemClock().Now() / kNanosPerMilli;
    const load::ReadRange range{
        now - kDayMillis, now + kDayMillis, {load::GeneratedPoints::Tags(entity).front()}};
    const int64_t begun = SystemClock().Monotonic();
    const auto points = Need(reader_.Read(range, 500, load::ReadOrder::kNewestFirst));
    latencies_.Observe(SystemClock().Monotonic() - begun);
    CHECK(!points.empty()) << "no points of entity " << entity;
  }

  const load::MeasureReader reader_;
  load::LatencyHistogram latencies_;
  std::jthread asking_;
};

class Loaded {
 public:
  Loaded(const BenchOptions& options, Node& node, const std::string& folder)
      : options_(options), node_(node), folder_(folder) {}

  // Milliseconds of the median and the 99th percentile of the acknowledgements of one stretch, and
  // of the answers.
  std::vector<double> Run(bool with_backups) {
    std::string text;
    std::atomic<bool> ended{false};
    std::thread load([&] {
      text = Load(options_, folder_,
                  {"run", "--address", node_.address(), "--series", std::to_string(kSeries),
                   "--report", "0", "--rate", std::to_string(options_.Pick(2000, 20'000, 50'000)),
                   "--seconds", std::to_string(options_.Pick(2, 15, 60))});
      ended = true;
    });
    Questions questions(node_.address());
    while (with_backups && !ended) BackUp();
    load.join();
    const load::LatencyCounts answers = questions.End();
    return {FigureIn(text, kAckP50), FigureIn(text, kAckP99), answers.Quantile(0.5),
            answers.Quantile(0.99)};
  }
  int backups() const { return backups_; }

 private:
  void BackUp() {
    CHECK(backups_ < kDestinations);
    const std::string output = folder_ + "/backup.txt";
    const pid_t run = Start({options_.bin + "/server/ficusctl", "--addr", node_.address(), "backup",
                             "run", "--remote", fmt::format("r{}", backups_), "--verify", "full"},
                            output);
    CHECK(WaitFor(run) == 0) << "a backup failed; see " << output;
    std::filesystem::remove_all(fmt::format("{}/backups/{}", folder_, backups_));
    ++backups_;
  }

  const BenchOptions& options_;
  Node& node_;
  const std::string folder_;
  int backups_ = 0;
};

}  // namespace

void BackupUnderLoad(const BenchOptions& options, Report& report) {
  const ScratchFolder folder(options.scratch);
  Node node(options, folder.path(), "strict", Destinations(folder.path()));
  Load(options, folder.path(),
       {"run", "--address", node.address(), "--series", std::to_string(kSeries), "--report", "0",
        "--points", std::to_string(options.Pick(20'000, 5'000'000, 50'000'000))});
  Loaded loaded(options, node, folder.path());
  Compare(
      options, report, "B1",
      {{"acknowledgement while backups are made", "ms p50", "without", {}},
       {"acknowledgement while backups are made", "ms p99", "without", {}},
       {"500 points of a series while backups are made", "ms p50", "without", {}},
       {"500 points of a series while backups are made", "ms p99", "without", {}}},
      [&] { return loaded.Run(true); }, [&] { return loaded.Run(false); });
  report.Note("B1", fmt::format("{} full backups, each read back", loaded.backups()));
  node.Stop();
}

}  // namespace ficus::bench
