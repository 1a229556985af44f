// E1: bits of a value and nanoseconds to read it, beside zstd -3 of the same raw words; of
// generated series and of recorded metrics.
#include <algorithm>
#include <bit>
#include <cmath>
#include <filesystem>
#include <functional>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "bench/harness/comparison.h"
#include "bench/harness/need.h"
#include "bench/harness/stopwatch.h"
#include "bench/load/csv_table.h"
#include "bench/workload/workloads.h"
#include "engine/base/check.h"
#include "engine/encoding/word_transforms.h"
#include "engine/encoding/words.h"
#include "engine/encoding/zstd_block.h"

namespace ficus::bench {
namespace {

using Words = std::vector<uint64_t>;

constexpr size_t kRun = 8192;
constexpr int kZstdLevel = 3;
constexpr size_t kCsvBytesMax = 64 << 20;

struct Series {
  std::string name;
  WordKind kind = WordKind::kInteger;
  std::vector<Words> runs;

  double values() const {
    double count = 0;
    for (const Words& run : runs) count += static_cast<double>(run.size());
    return count;
  }
};

double EntropyBits(const Words& words) {
  std::map<uint64_t, size_t> counts;
  for (const uint64_t word : words) ++counts[word];
  double bits = 0;
  for (const auto& [word, count] : counts) {
    const auto n = static_cast<double>(count);
    bits -= n * std::log2(n / static_cast<double>(words.size()));
  }
  return bits;
}

// Of values, differences or second differences, whichever is least.
double EntropyBits(const Series& series) {
  double bits = 0;
  for (const Words& run : series.runs) {
    const Words deltas = Deltas(run);
    bits += std::min({EntropyBits(run), EntropyBits(deltas), EntropyBits(Deltas(deltas))});
  }
  return bits / series.values();
}

// Bits of a value, and CPU nanoseconds to write and to read it.
std::vector<double> Encoded(const Series& series) {
  double bits = 0;
  double write = 0;
  double read = 0;
  for (const Words& run : series.runs) {
    std::string encoded;
    double begun = ThreadCpuSeconds();
    EncodeWords(run, series.kind, Effort::kSmall, encoded);
    write += ThreadCpuSeconds() - begun;
    Words decoded(run.size());
    begun = ThreadCpuSeconds();
    CHECK(DecodeWords(encoded, decoded).has_value()) << series.name;
    read += ThreadCpuSeconds() - begun;
    CHECK(decoded == run) << series.name << " comes back changed";
    bits += 8 * static_cast<double>(encoded.size());
  }
  return {bits / series.values(), write * 1e9 / series.values(), read * 1e9 / series.values()};
}

std::vector<double> Zstd(const Series& series) {
  double bits = 0;
  double write = 0;
  double read = 0;
  for (const Words& run : series.runs) {
    std::string frame;
    const size_t bytes = run.size() * sizeof(uint64_t);
    double begun = ThreadCpuSeconds();
    ZstdCompress({reinterpret_cast<const char*>(run.data()), bytes}, kZstdLevel, frame);
    write += ThreadCpuSeconds() - begun;
    Words decoded(run.size());
    begun = ThreadCpuSeconds();
    CHECK(ZstdDecompress(frame, {reinterpret_cast<char*>(decoded.data()), bytes}));
    read += ThreadCpuSeconds() - begun;
    CHECK(decoded == run);
    bits += 8 * static_cast<double>(frame.size());
  }
  return {bits / series.values(), write * 1e9 / series.values(), read * 1e9 / series.values()};
}

void AddSeries(const BenchOptions& options, Report& report, const Series& series,
               const Goal& goal) {
  const std::string zstd = fmt::format("zstd -{}", kZstdLevel);
  Compare(
      options, report, "E1",
      {{fmt::format("{} (entropy {:.2f})", series.name, EntropyBits(series)), "bits a value", zstd,
        goal},
       {series.name + ", written", "CPU ns a value", zstd, {}},
       {series.name + ", read", "CPU ns a value", zstd, {}}},
      [&] { return Encoded(series); }, [&] { return Zstd(series); });
}

Series Cut(std::string name, WordKind kind, size_t values,
           const std::function<uint64_t(size_t)>& make) {
  Series series{std::move(name), kind, {}};
  for (size_t i = 0; i < values; ++i) {
    if (i % kRun == 0) series.runs.emplace_back();
    series.runs.back().push_back(make(i));
  }
  return series;
}

std::vector<Series> Generated(size_t values) {
  constexpr uint64_t kStart = 1'660'000'000'000'000'000;
  constexpr uint64_t kMinute = 60'000'000'000;
  constexpr WordKind kInt = WordKind::kInteger;
  constexpr WordKind kFloat = WordKind::kFloat;
  std::mt19937_64 random(7);
  std::poisson_distribution<uint64_t> fifty(50);
  std::poisson_distribution<uint64_t> three(3);
  std::normal_distribution<double> normal;
  std::lognormal_distribution<double> latency(4, 1);
  uint64_t counter = 1'000'000;
  double walk = 500;
  const auto bits = [](double value) { return std::bit_cast<uint64_t>(value); };
  const auto whole = [](double value) {
    return static_cast<uint64_t>(static_cast<int64_t>(value));
  };
  const auto cut = [&](const char* name, WordKind kind,
                       const std::function<uint64_t(size_t)>& make) {
    return Cut(name, kind, values, make);
  };
  return {
      cut("minutes", kInt, [&](size_t i) { return kStart + i * kMinute; }),
      cut("minutes, jitter in ms", kInt,
          [&](size_t i) { return kStart + i * kMinute + random() % 41 * 1'000'000; }),
      cut("counter, Poisson 50", kInt, [&](size_t) { return counter += fifty(random); }),
      cut("gauge walk", kInt, [&](size_t) { return whole(walk += normal(random)); }),
      cut("Poisson 3", kInt, [&](size_t) { return three(random); }),
      cut("Poisson 50", kInt, [&](size_t) { return fifty(random); }),
      cut("log-normal latency", kInt, [&](size_t) { return whole(latency(random)); }),
      cut("95 % zeros, spikes", kInt,
          [&](size_t) { return random() % 20 != 0 ? 0 : whole(latency(random) * 100); }),
      cut("random 64 bits", kInt, [&](size_t) { return random(); }),
      cut("price, 2 decimals", kFloat,
          [&](size_t) { return bits(std::round(latency(random) * 100) / 100); }),
      cut("rate per minute", kFloat,
          [&](size_t) { return bits(static_cast<double>(fifty(random)) / 60); }),
      cut("normal doubles", kFloat, [&](size_t) { return bits(normal(random)); }),
  };
}

// The columns of numbers, a run each.
void AddColumns(const load::CsvTable& table, Series& series) {
  static const std::set<std::string> kNoGauges = {"Time", "TimeStamp", "time", "timestamp"};
  for (size_t column = 0; column < table.header.size(); ++column) {
    if (kNoGauges.count(table.header[column]) > 0) continue;
    Words run;
    for (const std::vector<std::string>& row : table.rows) {
      const std::optional<double> value = load::ParseNumber(row[column]);
      if (value.has_value()) run.push_back(std::bit_cast<uint64_t>(*value));
    }
    if (!run.empty()) series.runs.push_back(std::move(run));
  }
}

Series Recorded(const std::string& folder) {
  std::vector<std::string> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string path = entry.path().string();
    if (path.size() > 7 && path.compare(path.size() - 7, 7, ".csv.gz") == 0) paths.push_back(path);
  }
  std::sort(paths.begin(), paths.end());
  Series series{"recorded metrics", WordKind::kFloat, {}};
  for (const std::string& path : paths) {
    AddColumns(Need(load::ParseCsv(Need(load::ReadGzip(path, kCsvBytesMax)))), series);
  }
  return series;
}

}  // namespace

void Encodings(const BenchOptions& options, Report& report) {
  for (const Series& series : Generated(options.Pick<size_t>(kRun, 1 << 18, 1 << 20))) {
    AddSeries(options, report, series, {});
  }
  const std::string recorded = options.data + "/metric";
  if (!std::filesystem::is_directory(recorded)) {
    report.Note("E1", "recorded metrics: skipped, there are none at " + options.data);
    return;
  }
  AddSeries(options, report, Recorded(recorded), {.ratio_max = 1.0});
}

}  // namespace ficus::bench
