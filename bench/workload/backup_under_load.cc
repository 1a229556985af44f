// B1: the time until points are acknowledged while full backups are made and read back one after
// another, beside the same load without.
#include <atomic>
#include <filesystem>
#include <regex>
#include <thread>

#include <fmt/format.h>

#include "bench/harness/comparison.h"
#include "bench/harness/node.h"
#include "bench/harness/process.h"
#include "bench/harness/scratch_folder.h"
#include "bench/harness/stopwatch.h"
#include "bench/workload/workloads.h"
#include "engine/base/check.h"

namespace ficus::bench {
namespace {

constexpr int kDestinations = 256;

// Many destinations, so that each backup is the first one there: a full one.
std::string Destinations(const std::string& folder) {
  std::string text = "remotes:\n";
  for (int i = 0; i < kDestinations; ++i) {
    text += fmt::format("  r{}: {{url: \"file://{}/backups/{}\"}}\n", i, folder, i);
  }
  return text;
}

class Loaded {
 public:
  Loaded(const BenchOptions& options, Node& node, const std::string& folder)
      : options_(options), node_(node), folder_(folder) {}

  // Milliseconds of the median and the 99th percentile of the acknowledgements of one stretch.
  std::vector<double> Run(bool with_backups) {
    std::string text;
    std::atomic<bool> ended{false};
    std::thread load([&] {
      text = Load(options_, folder_,
                  {"run", "--address", node_.address(), "--series", "5000", "--report", "0",
                   "--rate", std::to_string(options_.Pick(2000, 20'000, 50'000)), "--seconds",
                   std::to_string(options_.Pick(2, 15, 60))});
      ended = true;
    });
    while (with_backups && !ended) BackUp();
    load.join();
    std::smatch found;
    CHECK(std::regex_search(text, found, std::regex("p50 ([0-9.]+) ms, p99 ([0-9.]+) ms"))) << text;
    return {std::stod(found[1]), std::stod(found[2])};
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
       {"run", "--address", node.address(), "--series", "5000", "--report", "0", "--points",
        std::to_string(options.Pick(20'000, 5'000'000, 50'000'000))});
  Loaded loaded(options, node, folder.path());
  Compare(
      options, report, "B1",
      {{"acknowledgement while backups are made", "ms p50", "without", {}},
       {"acknowledgement while backups are made", "ms p99", "without", {}}},
      [&] { return loaded.Run(true); }, [&] { return loaded.Run(false); });
  report.Note("B1", fmt::format("{} full backups, each read back", loaded.backups()));
  node.Stop();
}

}  // namespace ficus::bench
