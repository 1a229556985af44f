// Counters, gauges and histograms of the whole program, named once and read by whoever exposes
// them.
//
// A metric is registered with a registry, lives as long as it, and costs one relaxed atomic
// operation to change.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/mutex.h"

namespace ficus {

class Counter {
 public:
  void Add(uint64_t n = 1) { value_.fetch_add(n, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

class Gauge {
 public:
  void Set(double value) { value_.store(value, std::memory_order_relaxed); }
  double value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

// Counts values in buckets with fixed upper bounds.
class Histogram {
 public:
  // `bounds` strictly ascending (CHECKed); a last bucket without bound is added.
  explicit Histogram(std::vector<double> bounds);

  // NaN is not counted: it would make the sum useless for good.
  void Observe(double value);

  const std::vector<double>& bounds() const { return bounds_; }
  // Not cumulative; bounds().size() + 1 of them.
  std::vector<uint64_t> counts() const;
  double sum() const { return sum_.load(std::memory_order_relaxed); }
  // The upper bound of the bucket in which the `q` quantile lies, the largest bound when it lies
  // above all of them; 0 when nothing was observed.
  double Quantile(double q) const;

 private:
  const std::vector<double> bounds_;
  std::vector<std::atomic<uint64_t>> counts_;
  std::atomic<double> sum_{0};
};

// 100 µs to about 100 s, doubling: fit for latencies in seconds.
std::vector<double> LatencyBounds();

using MetricLabels = std::vector<std::pair<std::string, std::string>>;

enum class MetricType { kCounter, kGauge, kHistogram };

struct MetricSample {
  MetricLabels labels;
  double value = 0;                      // counter, gauge
  const Histogram* histogram = nullptr;  // histogram
};

struct MetricFamily {
  std::string name;
  std::string help;
  MetricType type = MetricType::kCounter;
  std::vector<MetricSample> samples;
};

// All members: any thread. Names start with "ficus_" (CHECKed); the same name and labels give the
// same metric again.
class MetricRegistry {
 public:
  Counter& AddCounter(std::string_view name, std::string_view help, MetricLabels labels = {});
  Gauge& AddGauge(std::string_view name, std::string_view help, MetricLabels labels = {});
  Histogram& AddHistogram(std::string_view name, std::string_view help, std::vector<double> bounds,
                          MetricLabels labels = {});

  // Calls `collect` at each Collect() to add families computed on the spot. The returned handle
  // removes it and may outlive the registry: once it is gone, `collect` neither runs nor will run
  // again, so what it captured may be freed. Therefore the handle is not dropped inside `collect`,
  // nor under a lock that `collect` takes.
  using Collector = std::function<void(std::vector<MetricFamily>&)>;
  std::shared_ptr<void> AddCollector(Collector collect);

  // All families, ordered by name; families of one name and type are joined. Histogram pointers
  // stay valid as long as the registry.
  std::vector<MetricFamily> Collect() const;

 private:
  struct Metric {
    MetricLabels labels;
    std::unique_ptr<Counter> counter;
    std::unique_ptr<Gauge> gauge;
    std::unique_ptr<Histogram> histogram;
  };
  struct Family {
    std::string help;
    MetricType type = MetricType::kCounter;
    std::vector<std::unique_ptr<Metric>> metrics;
  };

  struct CollectorSlot {
    Mutex mutex;  // held while the collector runs
    Collector collect GUARDED_BY(mutex);
  };

  Metric& Find(std::string_view name, std::string_view help, MetricType type, MetricLabels labels)
      REQUIRES(mutex_);

  mutable Mutex mutex_;
  std::map<std::string, Family, std::less<>> families_ GUARDED_BY(mutex_);
  mutable std::vector<std::weak_ptr<CollectorSlot>> collectors_ GUARDED_BY(mutex_);
};

}  // namespace ficus
