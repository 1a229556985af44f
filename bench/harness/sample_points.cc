#include "bench/harness/sample_points.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>

namespace ficus::bench {
namespace {

constexpr int64_t kMinute = 60 * kNanosPerSecond;
constexpr size_t kLateRows = 60;

// The finaliser of SplitMix64: neighbouring inputs give unrelated outputs.
uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

bool IsLate(size_t series, size_t row) { return Mix(series * 31 + row) % 100 == 0; }
bool IsTwice(size_t series, size_t row) { return Mix(series * 37 + row) % 10 == 0; }

}  // namespace

void Totals::Add(int64_t value) {
  ++count;
  sum += value;
  min = std::min(min, value);
  max = std::max(max, value);
}

SamplePoints::SamplePoints(size_t series, size_t rows, UnixNanos base, Arrival arrival)
    : series_(series), rows_(rows), base_(base), arrival_(arrival) {}

// A level of its own for each series, a wave of a day, and noise.
int64_t SamplePoints::Value(size_t series, size_t row) {
  constexpr int64_t kDayRows = 1440;
  const auto in_day = static_cast<int64_t>(row) % kDayRows;
  const auto level = static_cast<int64_t>(Mix(series) % 2000) + 20;
  const int64_t wave = std::abs(2 * in_day - kDayRows);
  return level + level * wave / kDayRows + static_cast<int64_t>(Mix(series << 32 ^ row) % 16);
}

std::string SamplePoints::Name(size_t series) {
  return "service-instance-" + std::to_string(series);
}

Totals SamplePoints::totals() const {
  Totals totals;
  for (size_t series = 0; series < series_; ++series) {
    for (size_t row = 0; row < rows_; ++row) totals.Add(Value(series, row));
  }
  return totals;
}

Totals SamplePoints::TotalsOf(size_t series) const {
  Totals totals;
  for (size_t row = 0; row < rows_; ++row) totals.Add(Value(series, row));
  return totals;
}

size_t SamplePoints::batches() const {
  // What is late comes after the last minute.
  const size_t minutes = arrival_ == Arrival::kOneLate ? rows_ + kLateRows : rows_;
  return minutes * BatchesPerMinute();
}

SamplePoint SamplePoints::At(size_t series, size_t row) const {
  return {static_cast<uint32_t>(series), base_ + static_cast<int64_t>(row) * kMinute,
          Value(series, row)};
}

std::vector<SamplePoint> SamplePoints::Batch(size_t number) const {
  const size_t minute = number / BatchesPerMinute();
  const size_t first = number % BatchesPerMinute() * kBatchRows;
  const size_t end = std::min(first + kBatchRows, series_);
  std::vector<SamplePoint> batch;
  batch.reserve(end - first);
  for (size_t series = first; series < end; ++series) {
    const bool is_late = arrival_ == Arrival::kOneLate && IsLate(series, minute);
    if (minute < rows_ && !is_late) batch.push_back(At(series, minute));
    if (arrival_ == Arrival::kOneLate && minute >= kLateRows &&
        IsLate(series, minute - kLateRows)) {
      batch.push_back(At(series, minute - kLateRows));
    }
    if (arrival_ == Arrival::kTenthTwice && minute > 0 && IsTwice(series, minute - 1)) {
      batch.push_back(At(series, minute - 1));
    }
  }
  return batch;
}

double SamplePoints::DeltaEntropyBits() const {
  double bits = 0;
  for (size_t series = 0; series < series_; ++series) {
    std::map<int64_t, size_t> counts;
    for (size_t row = 1; row < rows_; ++row) ++counts[Value(series, row) - Value(series, row - 1)];
    for (const auto& [delta, count] : counts) {
      const auto n = static_cast<double>(count);
      bits -= n * std::log2(n / static_cast<double>(rows_ - 1));
    }
  }
  return bits;
}

UnixNanos MidnightBefore(size_t rows) {
  const UnixNanos begin = SystemClock().Now() - static_cast<int64_t>(rows) * kMinute;
  return begin / kNanosPerDay * kNanosPerDay;
}

}  // namespace ficus::bench
