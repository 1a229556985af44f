#include "bench/load/run_command.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "bench/load/channel.h"
#include "bench/load/generated_points.h"
#include "bench/load/journal.h"
#include "bench/load/node_metrics.h"
#include "bench/load/recorded_points.h"
#include "bench/load/write_stream.h"
#include "bench/load/write_totals.h"
#include "engine/base/clock.h"
#include "engine/base/mutex.h"

namespace ficus::load {
namespace {

constexpr uint64_t kNoEnd = std::numeric_limits<uint64_t>::max();

int64_t NowMillis() { return SystemClock().Now() / kNanosPerMilli; }

// Points of a paced run are about the present; those of an unpaced one come faster than time goes
// by, so they start in the past and lie close together.
GeneratedLayout LayoutOf(const RunOptions& options) {
  const bool paced = options.rate > 0;
  const auto series = static_cast<double>(options.series);
  int64_t step = options.step_ms;
  if (step == 0) step = std::llround(paced ? series * 1000 / options.rate : series / 1000);
  const int64_t ago = options.ago_seconds >= 0 ? options.ago_seconds : paced ? 0 : 3600;
  return {options.series, options.streams, NowMillis() - ago * 1000, std::max<int64_t>(step, 1)};
}

// The share of stream number `stream` when `all` is divided as the streams' points are.
uint64_t Share(const PointSource& source, uint32_t streams, uint32_t stream, uint64_t all) {
  long double before = 0;
  long double total = 0;
  for (uint32_t i = 0; i < streams; ++i) {
    const auto points = static_cast<long double>(source.PointsPerRound(i));
    if (i < stream) before += points;
    total += points;
  }
  const auto cut = [&](long double points) {
    return static_cast<uint64_t>(std::floor(static_cast<long double>(all) * (points / total)));
  };
  const auto own = static_cast<long double>(source.PointsPerRound(stream));
  return cut(before + own) - cut(before);
}

// A figure of the node, or "-".
std::string Text(const std::optional<double>& value, double scale, std::string_view format) {
  return value ? fmt::format(fmt::runtime(format), *value * scale) : "-";
}

std::optional<double> Ratio(std::optional<double> a, std::optional<double> b) {
  if (!a || !b || *b <= 0) return std::nullopt;
  return *a / *b;
}

// The node's side of a line: what has happened on it since it started, and what it has now.
std::string NodeText(const NodeMetrics& node) {
  const auto bytes_per_point = Ratio(Find(node, "ficus_file_bytes"), Find(node, "ficus_file_rows"));
  return fmt::format("flushes {}  merges {}  parts {} (shard {})  {} B/point  memory {} MB",
                     Text(Find(node, "ficus_flushes_total"), 1, "{:.0f}"),
                     Text(Find(node, "ficus_merges_total"), 1, "{:.0f}"),
                     Text(Find(node, "ficus_parts"), 1, "{:.0f}"),
                     Text(Find(node, "ficus_shard_parts_max"), 1, "{:.0f}"),
                     Text(bytes_per_point, 1, "{:.2f}"),
                     Text(Find(node, "process_resident_memory_bytes"), 1e-6, "{:.0f}"));
}

// The streams of a run, each on a thread, and what became of them.
class Streams {
 public:
  void Start(std::unique_ptr<WriteStream> stream, const std::atomic<bool>& stop) {
    streams_.push_back(std::move(stream));
    {
      const MutexLock lock(mutex_);
      ++running_;
    }
    threads_.emplace_back([this, &stop, own = streams_.back().get()] {
      Result<> result = own->Run(stop);
      const MutexLock lock(mutex_);
      --running_;
      if (!result && !error_) error_ = std::move(result).error();
      ended_.NotifyAll();
    });
  }

  // False when all streams have ended before `nanos` were over.
  bool RunFor(int64_t nanos) {
    const int64_t deadline = SystemClock().Monotonic() + nanos;
    MutexLock lock(mutex_);
    while (running_ > 0) {
      const int64_t left = deadline - SystemClock().Monotonic();
      if (left <= 0) return true;
      ended_.WaitFor(lock, std::chrono::nanoseconds(left));
    }
    return false;
  }

  // The first error.
  std::optional<Error> Join() {
    for (std::thread& thread : threads_) thread.join();
    const MutexLock lock(mutex_);
    return error_;
  }

 private:
  std::vector<std::unique_ptr<WriteStream>> streams_;
  std::vector<std::thread> threads_;
  Mutex mutex_;
  CondVar ended_;
  int running_ GUARDED_BY(mutex_) = 0;
  std::optional<Error> error_ GUARDED_BY(mutex_);
};

// Prints a line every few seconds and a summary at the end.
class Report {
 public:
  Report(const RunOptions& options, const WriteTotals& totals)
      : options_(options),
        totals_(totals),
        started_(SystemClock().Monotonic()),
        last_at_(started_) {
    if (const auto node = Fetch()) cpu_before_ = Find(*node, "process_cpu_seconds_total");
  }

  void Line() {
    const int64_t now = SystemClock().Monotonic();
    const uint64_t acknowledged = totals_.acknowledged.load();
    const LatencyCounts latency = totals_.latency.Copy();
    const LatencyCounts recent = latency.Since(last_latency_);
    const double rate =
        static_cast<double>(acknowledged - last_acknowledged_) / Seconds(now - last_at_);
    std::string line =
        fmt::format("{:4.0f} s  {:9.0f} points/s  ack p50 {:.1f} p99 {:.1f} ms",
                    Seconds(now - started_), rate, recent.Quantile(0.5), recent.Quantile(0.99));
    if (const auto node = Fetch()) {
      line += "  " + NodeText(*node);
      KeepPeak(*node);
    }
    if (const uint64_t refused = totals_.refused.load())
      line += fmt::format("  refused {}", refused);
    fmt::print("{}\n", line);
    std::fflush(stdout);
    last_at_ = now;
    last_acknowledged_ = acknowledged;
    last_latency_ = latency;
  }

  void Summary() const {
    const double seconds = Seconds(SystemClock().Monotonic() - started_);
    const uint64_t acknowledged = totals_.acknowledged.load();
    const LatencyCounts latency = totals_.latency.Copy();
    fmt::print(
        "points: {} sent, {} acknowledged, {} refused, {} without an answer in {:.1f} s, "
        "{:.0f}/s\n",
        totals_.issued.load(), acknowledged, totals_.refused.load(),
        totals_.issued.load() - acknowledged - totals_.refused.load(), seconds,
        static_cast<double>(acknowledged) / seconds);
    fmt::print("acknowledgements: p50 {:.2f} ms, p99 {:.2f} ms, p99.9 {:.2f} ms\n",
               latency.Quantile(0.5), latency.Quantile(0.99), latency.Quantile(0.999));
    if (totals_.reconnects.load() > 0) {
      fmt::print("connections: {} came back, {} points were sent again\n",
                 totals_.reconnects.load(), totals_.sent_again.load());
    }
    for (const auto& [status, count] : totals_.Refusals())
      fmt::print("refused: {} {}\n", status, count);
    if (const auto node = Fetch()) {
      std::optional<double> cpu = Find(*node, "process_cpu_seconds_total");
      if (cpu && cpu_before_) cpu = *cpu - *cpu_before_;
      const auto per_million = Ratio(cpu, static_cast<double>(acknowledged) * 1e-6);
      fmt::print("node: {}  {} s of CPU for a million points\n", NodeText(*node),
                 Text(per_million, 1, "{:.2f}"));
    }
    if (!peaks_.empty()) {
      fmt::print("peaks at these lines: {} parts in a shard, memory {} MB\n",
                 Text(Find(peaks_, "ficus_shard_parts_max"), 1, "{:.0f}"),
                 Text(Find(peaks_, "process_resident_memory_bytes"), 1e-6, "{:.0f}"));
    }
    std::fflush(stdout);
  }

 private:
  static double Seconds(int64_t nanos) { return std::max(static_cast<double>(nanos) * 1e-9, 1e-9); }

  void KeepPeak(const NodeMetrics& node) {
    for (const char* name : {"ficus_shard_parts_max", "process_resident_memory_bytes"}) {
      if (const auto value = Find(node, name)) peaks_[name] = std::max(peaks_[name], *value);
    }
  }

  // Without metrics there are fewer figures, and the load goes on.
  std::optional<NodeMetrics> Fetch() const {
    if (options_.metrics.empty()) return std::nullopt;
    Result<NodeMetrics> node = FetchMetrics(options_.metrics);
    if (!node) return std::nullopt;
    return std::move(node).value();
  }

  const RunOptions& options_;
  const WriteTotals& totals_;
  const int64_t started_;
  std::optional<double> cpu_before_;
  int64_t last_at_;
  uint64_t last_acknowledged_ = 0;
  LatencyCounts last_latency_;
  NodeMetrics peaks_;
};

// What is written and where it is noted.
struct Load {
  std::string group;
  std::unique_ptr<PointSource> source;
  std::unique_ptr<JournalWriter> journal;
};

Result<Load> Prepare(const RunOptions& options) {
  Load load;
  const GeneratedLayout layout = LayoutOf(options);
  if (options.data.empty()) {
    load.group = "sw_load";
    load.source = std::make_unique<GeneratedPoints>(layout);
  } else {
    if (!options.journal.empty()) {
      return Error{ErrorCode::kInvalidArgument, "a journal is for generated points"};
    }
    load.group = "nezha";
    ASSIGN_OR_RETURN(load.source,
                     RecordedPoints::Load(options.data + "/metric",
                                          {options.streams, options.copies, NowMillis()}));
  }
  if (!options.group.empty()) load.group = options.group;
  RETURN_IF_ERROR(EnsureSchema(Connect(options.address), {load.group, options.shards, 7},
                               load.source->measures()));
  if (!options.journal.empty()) {
    ASSIGN_OR_RETURN(load.journal, JournalWriter::Open(options.journal, load.group, layout));
  }
  return load;
}

WriteStreamOptions OptionsOf(const RunOptions& options, const Load& load, uint32_t stream,
                             uint64_t first_message_id) {
  WriteStreamOptions own;
  own.address = options.address;
  own.group = load.group;
  own.stream = stream;
  own.unanswered_max = options.unanswered_max;
  own.reconnect_seconds = options.reconnect_seconds;
  own.first_message_id = first_message_id;
  own.points_max =
      options.points == 0 ? kNoEnd : Share(*load.source, options.streams, stream, options.points);
  // In millionths of a point, so that a low rate is divided as well.
  own.points_per_second = static_cast<double>(Share(*load.source, options.streams, stream,
                                                    static_cast<uint64_t>(options.rate * 1e6))) *
                          1e-6;
  return own;
}

}  // namespace

Result<> RunLoad(const RunOptions& options, const std::atomic<bool>& stop) {
  ASSIGN_OR_RETURN(const Load load, Prepare(options));
  fmt::print("writing {} points of {} series to group {} on {} streams\n",
             options.data.empty() ? "generated" : "recorded", load.source->series(), load.group,
             options.streams);
  std::fflush(stdout);
  std::atomic<bool> ending{false};
  WriteTotals totals;
  Report report(options, totals);
  Streams streams;
  // The id is the version of the point: a later run wins.
  const auto first_message_id = static_cast<uint64_t>(SystemClock().Now());
  for (uint32_t stream = 0; stream < options.streams; ++stream) {
    if (load.source->PointsPerRound(stream) == 0) continue;
    streams.Start(std::make_unique<WriteStream>(OptionsOf(options, load, stream, first_message_id),
                                                *load.source, load.journal.get(), totals),
                  ending);
  }
  const int64_t began = SystemClock().Monotonic();
  int64_t next_line = began + options.report_seconds * kNanosPerSecond;
  while (streams.RunFor(50 * kNanosPerMilli)) {
    const int64_t now = SystemClock().Monotonic();
    if (stop.load() || (options.seconds > 0 && now - began >= options.seconds * kNanosPerSecond)) {
      ending.store(true);
    }
    if (now >= next_line && options.report_seconds > 0) {
      report.Line();
      next_line += options.report_seconds * kNanosPerSecond;
    }
  }
  const std::optional<Error> error = streams.Join();
  report.Summary();
  if (error) return *error;
  if (totals.refused.load() > 0) {
    return Error{ErrorCode::kFailedPrecondition,
                 fmt::format("{} points were refused", totals.refused.load())};
  }
  return {};
}

}  // namespace ficus::load
