// S1: a file snapshot beside `cp -al` of the same tree, and what a writer notices of it.
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <thread>

#include <fmt/format.h>

#include "bench/harness/comparison.h"
#include "bench/harness/need.h"
#include "bench/harness/scratch_folder.h"
#include "bench/harness/small_parts.h"
#include "bench/harness/stopwatch.h"
#include "bench/workload/workloads.h"
#include "engine/base/check.h"

namespace ficus::bench {
namespace {

constexpr size_t kRowsPerShard = 50;

SnapshotContents Take(Engine& engine) {
  std::promise<Result<SnapshotContents>> done;
  engine.database().TakeSnapshot(
      {}, [&](Result<SnapshotContents> contents) { done.set_value(std::move(contents)); });
  return Need(done.get_future().get());
}

// Milliseconds that all snapshots so far spent in a phase.
double Phase(Engine& engine, const char* phase) {
  return engine.metrics()
             .AddHistogram("ficus_snapshot_seconds", "", LatencyBounds(), {{"phase", phase}})
             .sum() *
         1e3;
}

// The links alone, and with everything that makes them last.
std::vector<double> SnapshotMillis(Engine& engine) {
  const double link = Phase(engine, "link");
  const double sync = Phase(engine, "sync");
  static_cast<void>(Take(engine));
  const double links = Phase(engine, "link") - link;
  return {links, links + Phase(engine, "sync") - sync};
}

double CopyMillis(const std::string& folder) {
  const std::string copy = folder + "/copy";
  std::filesystem::create_directories(copy);
  const double begun = WallSeconds();
  const std::string command = "cp -al '" + folder + Engine::DataBelow() + "/data' '" + copy + "'";
  CHECK(std::system(command.c_str()) == 0) << command;
  const double millis = (WallSeconds() - begun) * 1e3;
  std::filesystem::remove_all(copy);
  return millis;
}

// Writes one row after another, and keeps the longest time that a call took.
class Writer {
 public:
  explicit Writer(Engine& engine) : engine_(engine), thread_([this] { Run(); }) {}
  ~Writer() {
    stop_ = true;
    thread_.join();
  }
  // Milliseconds, since it was asked last.
  double LongestCall() { return longest_.exchange(0); }

 private:
  void Run() {
    int64_t version = 0;
    while (!stop_) {
      KeyedRows rows = engine_.Keyed({{0, SystemClock().Now(), 1}}, ++version);
      std::promise<void> done;
      const double begun = WallSeconds();
      engine_.Submit(std::move(rows), [&] { done.set_value(); });
      longest_ = std::max(longest_.load(), (WallSeconds() - begun) * 1e3);
      done.get_future().get();
    }
  }

  Engine& engine_;
  std::atomic<bool> stop_{false};
  std::atomic<double> longest_{0};
  std::thread thread_;
};

void BesideAWriter(const BenchOptions& options, Report& report, SmallParts& parts) {
  Writer writer(parts.engine());
  double took = 0;
  Compare(
      options, report, "S1", {{"longest call of a writer meanwhile", "ms", "without", {}}},
      [&]() -> std::vector<double> {
        parts.Write(1);
        static_cast<void>(writer.LongestCall());
        const double begun = WallSeconds();
        static_cast<void>(Take(parts.engine()));
        took = WallSeconds() - begun;
        return {writer.LongestCall()};
      },
      [&]() -> std::vector<double> {
        std::this_thread::sleep_for(std::chrono::duration<double>(took));
        return {writer.LongestCall()};
      });
}

}  // namespace

void Snapshots(const BenchOptions& options, Report& report) {
  const ScratchFolder folder(options.scratch);
  SmallParts parts(folder.path(), options.Pick(1, 10, 10));
  const size_t rounds = options.Pick<size_t>(2, 10, 100);
  for (size_t round = 0; round < rounds; ++round) parts.AddParts(kRowsPerShard);
  const std::string what = fmt::format("snapshot of {} parts", rounds * parts.shards());
  Compare(
      options, report, "S1",
      {{what + ", links and directories", "ms", "cp -al", {.ratio_max = 1.3, .value_max = 40}},
       {what + ", manifests and fsyncs too", "ms", "cp -al", {}}},
      [&] { return SnapshotMillis(parts.engine()); },
      [&]() -> std::vector<double> {
        const double millis = CopyMillis(folder.path());
        return {millis, millis};
      });
  BesideAWriter(options, report, parts);
}

}  // namespace ficus::bench
