#include "engine/base/metrics.h"

#include <algorithm>

#include "engine/base/check.h"

namespace ficus {

Histogram::Histogram(std::vector<double> bounds)
    : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {
  CHECK(std::is_sorted(bounds_.begin(), bounds_.end()));
}

void Histogram::Observe(double value) {
  const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
  counts_[static_cast<size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  double sum = sum_.load(std::memory_order_relaxed);
  while (!sum_.compare_exchange_weak(sum, sum + value, std::memory_order_relaxed)) {
  }
}

std::vector<uint64_t> Histogram::counts() const {
  std::vector<uint64_t> counts;
  counts.reserve(counts_.size());
  for (const auto& count : counts_) counts.push_back(count.load(std::memory_order_relaxed));
  return counts;
}

double Histogram::Quantile(double q) const {
  const std::vector<uint64_t> buckets = counts();
  uint64_t total = 0;
  for (const uint64_t count : buckets) total += count;
  if (total == 0) return 0;
  const double wanted = q * static_cast<double>(total);
  uint64_t seen = 0;
  for (size_t i = 0; i < bounds_.size(); ++i) {
    seen += buckets[i];
    if (static_cast<double>(seen) >= wanted) return bounds_[i];
  }
  return bounds_.empty() ? 0 : bounds_.back();
}

std::vector<double> LatencyBounds() {
  std::vector<double> bounds;
  for (double bound = 100e-6; bound < 110; bound *= 2) bounds.push_back(bound);
  return bounds;
}

MetricRegistry::Metric& MetricRegistry::Find(std::string_view name, std::string_view help,
                                             MetricType type, MetricLabels labels) {
  auto found = families_.find(name);
  if (found == families_.end()) {
    found = families_.emplace(std::string(name), Family{std::string(help), type, {}}).first;
  }
  Family& family = found->second;
  CHECK(family.type == type) << "metric " << name << " has two types";
  for (const auto& metric : family.metrics) {
    if (metric->labels == labels) return *metric;
  }
  family.metrics.push_back(std::make_unique<Metric>());
  family.metrics.back()->labels = std::move(labels);
  return *family.metrics.back();
}

Counter& MetricRegistry::AddCounter(std::string_view name, std::string_view help,
                                    MetricLabels labels) {
  MutexLock lock(mutex_);
  Metric& metric = Find(name, help, MetricType::kCounter, std::move(labels));
  if (metric.counter == nullptr) metric.counter = std::make_unique<Counter>();
  return *metric.counter;
}

Gauge& MetricRegistry::AddGauge(std::string_view name, std::string_view help, MetricLabels labels) {
  MutexLock lock(mutex_);
  Metric& metric = Find(name, help, MetricType::kGauge, std::move(labels));
  if (metric.gauge == nullptr) metric.gauge = std::make_unique<Gauge>();
  return *metric.gauge;
}

Histogram& MetricRegistry::AddHistogram(std::string_view name, std::string_view help,
                                        std::vector<double> bounds, MetricLabels labels) {
  MutexLock lock(mutex_);
  Metric& metric = Find(name, help, MetricType::kHistogram, std::move(labels));
  if (metric.histogram == nullptr)
    metric.histogram = std::make_unique<Histogram>(std::move(bounds));
  return *metric.histogram;
}

std::shared_ptr<void> MetricRegistry::AddCollector(Collector collect) {
  auto handle = std::make_shared<Collector>(std::move(collect));
  MutexLock lock(mutex_);
  collectors_.push_back(handle);
  return handle;
}

std::vector<MetricFamily> MetricRegistry::Collect() const {
  std::vector<MetricFamily> collected;
  std::vector<std::shared_ptr<Collector>> collectors;
  {
    MutexLock lock(mutex_);
    for (const auto& [name, family] : families_) {
      MetricFamily out{name, family.help, family.type, {}};
      for (const auto& metric : family.metrics) {
        MetricSample sample{metric->labels, 0, metric->histogram.get()};
        if (metric->counter != nullptr)
          sample.value = static_cast<double>(metric->counter->value());
        if (metric->gauge != nullptr) sample.value = metric->gauge->value();
        out.samples.push_back(std::move(sample));
      }
      collected.push_back(std::move(out));
    }
    std::erase_if(collectors_, [](const auto& weak) { return weak.expired(); });
    for (const auto& weak : collectors_) {
      if (auto collector = weak.lock()) collectors.push_back(std::move(collector));
    }
  }
  for (const auto& collector : collectors) (*collector)(collected);
  std::sort(collected.begin(), collected.end(),
            [](const MetricFamily& a, const MetricFamily& b) { return a.name < b.name; });
  return collected;
}

}  // namespace ficus
