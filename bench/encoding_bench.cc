// What the encodings of words reach: bits per value and nanoseconds per value, beside zstd -3 of
// the same raw words and the order-0 entropy of values, deltas or second deltas, whichever is
// least.
//
//   encoding_bench                      generated distributions in runs of 8192
//   encoding_bench 1440                 the same in runs of 1440
//   encoding_bench 8192 a.csv b.csv     columns of numbers; each column of a file is a run
//
// Every run is decoded and compared. Times are processor times of this thread.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <functional>
#include <map>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include "engine/base/check.h"
#include "engine/encoding/word_transforms.h"
#include "engine/encoding/words.h"
#include "engine/encoding/zstd_block.h"

namespace ficus {
namespace {

using Words = std::vector<uint64_t>;

struct Series {
  std::string name;
  WordKind kind;
  std::vector<Words> runs;
};

double Now() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

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

double BoundBits(const Words& words) {
  const Words deltas = Deltas(words);
  return std::min({EntropyBits(words), EntropyBits(deltas), EntropyBits(Deltas(deltas))});
}

struct Measured {
  double bits = 0;
  double encode_seconds = 0;
  double decode_seconds = 0;
  std::map<std::string, size_t> schemes;
};

Measured Measure(const Series& series, Effort effort) {
  Measured measured;
  for (const Words& run : series.runs) {
    std::string encoded;
    const double begin = Now();
    EncodeWords(run, series.kind, effort, encoded);
    measured.encode_seconds += Now() - begin;

    Words decoded(run.size());
    double best = 1e9;
    for (int repeat = 0; repeat < 5; ++repeat) {
      const double decode_begin = Now();
      CHECK(DecodeWords(encoded, decoded).has_value());
      best = std::min(best, Now() - decode_begin);
    }
    CHECK(decoded == run) << series.name;
    measured.decode_seconds += best;
    measured.bits += 8 * static_cast<double>(encoded.size());
    ++measured.schemes[std::string(WordsSchemeName(encoded))];
  }
  return measured;
}

std::string MostFrequent(const std::map<std::string, size_t>& schemes) {
  return std::max_element(schemes.begin(), schemes.end(),
                          [](const auto& a, const auto& b) { return a.second < b.second; })
      ->first;
}

void Report(const Series& series) {
  double values = 0;
  double bound = 0;
  double zstd = 0;
  for (const Words& run : series.runs) {
    values += static_cast<double>(run.size());
    bound += BoundBits(run);
    std::string frame;
    ZstdCompress({reinterpret_cast<const char*>(run.data()), run.size() * sizeof(uint64_t)}, 3,
                 frame);
    zstd += 8 * static_cast<double>(frame.size());
  }
  std::printf("%-24s %8.2f %8.2f", series.name.c_str(), bound / values, zstd / values);
  for (const Effort effort : {Effort::kFast, Effort::kSmall}) {
    const Measured measured = Measure(series, effort);
    std::printf(" | %-11s %7.2f %7.1f %6.2f", MostFrequent(measured.schemes).c_str(),
                measured.bits / values, measured.encode_seconds * 1e9 / values,
                measured.decode_seconds * 1e9 / values);
  }
  std::printf("\n");
}

void ReportHead() {
  std::printf("%-24s %8s %8s | %-11s %7s %7s %6s | %-11s %7s %7s %6s\n", "bits per value",
              "entropy", "zstd -3", "fast", "bits", "enc ns", "dec ns", "small", "bits", "enc ns",
              "dec ns");
}

Series Cut(std::string name, WordKind kind, size_t run_size,
           const std::function<uint64_t(size_t)>& make) {
  constexpr size_t kValues = 1 << 18;
  Series series{std::move(name), kind, {}};
  Words run;
  for (size_t i = 0; i < kValues; ++i) {
    run.push_back(make(i));
    if (run.size() < run_size && i + 1 < kValues) continue;
    series.runs.push_back(std::move(run));
    run.clear();
  }
  return series;
}

void ReportGenerated(size_t run_size) {
  constexpr WordKind kInt = WordKind::kInteger;
  constexpr WordKind kFloat = WordKind::kFloat;
  constexpr uint64_t kStart = 1660000000000000000;
  constexpr uint64_t kMinute = 60000000000;
  std::mt19937_64 random(7);
  std::poisson_distribution<uint64_t> fifty(50);
  std::poisson_distribution<uint64_t> three(3);
  std::normal_distribution<double> normal;
  std::lognormal_distribution<double> latency(4, 1);
  uint64_t counter = 1000000;
  double walk = 500;
  const auto bits = [](double value) { return std::bit_cast<uint64_t>(value); };
  const auto report = [&](const char* name, WordKind kind,
                          const std::function<uint64_t(size_t)>& make) {
    Report(Cut(name, kind, run_size, make));
  };
  report("minutes", kInt, [&](size_t i) { return kStart + i * kMinute; });
  report("minutes, jitter in ms", kInt,
         [&](size_t i) { return kStart + i * kMinute + random() % 41 * 1000000; });
  report("counter, Poisson 50", kInt, [&](size_t) { return counter += fifty(random); });
  report("gauge walk", kInt, [&](size_t) {
    walk += normal(random);
    return static_cast<uint64_t>(static_cast<int64_t>(walk));
  });
  report("Poisson 3", kInt, [&](size_t) { return three(random); });
  report("Poisson 50", kInt, [&](size_t) { return fifty(random); });
  report("log-normal latency", kInt,
         [&](size_t) { return static_cast<uint64_t>(latency(random)); });
  report("95 % zeros, spikes", kInt, [&](size_t) {
    return random() % 20 != 0 ? 0 : static_cast<uint64_t>(latency(random) * 100);
  });
  report("period of a day", kInt, [&](size_t i) {
    return static_cast<uint64_t>(1000 + 500 * std::sin(static_cast<double>(i % 1440) / 229));
  });
  report("random 64 bits", kInt, [&](size_t) { return random(); });
  report("price, 2 decimals", kFloat,
         [&](size_t) { return bits(std::round(latency(random) * 100) / 100); });
  report("rate per minute", kFloat,
         [&](size_t) { return bits(static_cast<double>(fifty(random)) / 60); });
  report("normal doubles", kFloat, [&](size_t) { return bits(normal(random)); });
}

// Columns whose first field is a number; the first line names them.
std::map<std::string, Words> ReadColumns(const char* path) {
  std::ifstream file(path);
  std::map<std::string, Words> columns;
  std::vector<std::string> names;
  for (std::string line; std::getline(file, line);) {
    if (!line.empty() && line.back() == '\r') line.pop_back();
    std::istringstream fields(line);
    std::vector<std::string> cells;
    for (std::string cell; std::getline(fields, cell, ',');) cells.push_back(cell);
    if (names.empty()) {
      names = cells;
      continue;
    }
    for (size_t i = 0; i < std::min(names.size(), cells.size()); ++i) {
      char* end = nullptr;
      const double value = std::strtod(cells[i].c_str(), &end);
      if (end != cells[i].c_str() && *end == '\0') {
        columns[names[i]].push_back(std::bit_cast<uint64_t>(value));
      }
    }
  }
  return columns;
}

void ReportFiles(int count, char** paths) {
  std::map<std::string, Series> all;
  Series total{"all columns", WordKind::kFloat, {}};
  for (int i = 0; i < count; ++i) {
    for (auto& [name, words] : ReadColumns(paths[i])) {
      Series& series = all[name];
      series.name = name;
      series.kind = WordKind::kFloat;
      series.runs.push_back(words);
      total.runs.push_back(std::move(words));
    }
  }
  for (const auto& [name, series] : all) Report(series);
  Report(total);
}

}  // namespace
}  // namespace ficus

int main(int argc, char** argv) {
  const size_t run_size = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 8192;
  if (run_size == 0 || run_size > ficus::kRunValuesMax) {
    std::fprintf(stderr, "usage: encoding_bench [values in a run] [file.csv ...]\n");
    return 2;
  }
  ficus::ReportHead();
  if (argc > 2) {
    ficus::ReportFiles(argc - 2, argv + 2);
  } else {
    ficus::ReportGenerated(run_size);
  }
  return 0;
}
