#include "engine/base/metrics.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>

#include "engine/base/check.h"

namespace ficus {

Histogram::Histogram(std::vector<double> bounds)
    : bounds_(std::move(bounds)), counts_(bounds_.size() + 1) {
  CHECK(std::adjacent_find(bounds_.begin(), bounds_.end(), std::greater_equal<>()) == bounds_.end())
      << "bounds of a histogram do not rise";
}

void Histogram::Observe(double value) {
  if (std::isnan(value)) return;
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
  const double wanted = std::max(1.0, q * static_cast<double>(total));
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
  CHECK(name.substr(0, 6) == "ficus_") << name;
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
  if (metric.histogram == nullptr) {
    metric.histogram = std::make_unique<Histogram>(std::move(bounds));
  } else {
    CHECK(metric.histogram->bounds() == bounds) << "metric " << name << " has two sets of bounds";
  }
  return *metric.histogram;
}

std::shared_ptr<void> MetricRegistry::AddCollector(Collector collect) {
  auto slot = std::make_shared<CollectorSlot>();
  {
    MutexLock lock(slot->mutex);
    slot->collect = std::move(collect);
  }
  {
    MutexLock lock(mutex_);
    collectors_.push_back(slot);
  }
  CollectorSlot* const raw = slot.get();
  return std::shared_ptr<void>(raw, [slot = std::move(slot)](void*) mutable {
    MutexLock lock(slot->mutex);
    slot->collect = nullptr;
  });
}

namespace {

// Orders families by name and gives the samples of equally named ones to the first.
void OrderAndJoin(std::vector<MetricFamily>& families) {
  std::stable_sort(families.begin(), families.end(),
                   [](const MetricFamily& a, const MetricFamily& b) { return a.name < b.name; });
  size_t kept = 0;
  for (size_t i = 1; i < families.size(); ++i) {
    MetricFamily& last = families[kept];
    if (families[i].name == last.name && families[i].type == last.type) {
      std::move(families[i].samples.begin(), families[i].samples.end(),
                std::back_inserter(last.samples));
    } else if (++kept != i) {
      families[kept] = std::move(families[i]);
    }
  }
  if (!families.empty()) families.resize(kept + 1);
}

}  // namespace

std::vector<MetricFamily> MetricRegistry::Collect() const {
  std::vector<MetricFamily> collected;
  std::vector<std::shared_ptr<CollectorSlot>> slots;
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
      if (auto slot = weak.lock()) slots.push_back(std::move(slot));
    }
  }
  for (const auto& slot : slots) {
    MutexLock lock(slot->mutex);
    if (slot->collect) slot->collect(collected);
  }
  OrderAndJoin(collected);
  return collected;
}

}  // namespace ficus
