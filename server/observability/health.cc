#include "server/observability/health.h"

#include <algorithm>
#include <utility>

#include "engine/base/check.h"

namespace ficus {

std::string_view HealthLevelName(HealthLevel level) {
  switch (level) {
    case HealthLevel::kDegraded:
      return "degraded";
    case HealthLevel::kNotReady:
      return "not ready";
    case HealthLevel::kNotAlive:
      return "not alive";
  }
  CHECK(false);
  return {};
}

bool HealthReport::alive() const {
  return std::none_of(problems.begin(), problems.end(), [](const HealthProblem& problem) {
    return problem.level == HealthLevel::kNotAlive;
  });
}

bool HealthReport::ready() const {
  return std::all_of(problems.begin(), problems.end(), [](const HealthProblem& problem) {
    return problem.level == HealthLevel::kDegraded;
  });
}

Health::Health() { Set("start", HealthLevel::kNotReady, "starting"); }

void Health::Set(std::string_view component, HealthLevel level, std::string_view reason) {
  MutexLock telling(telling_);
  {
    MutexLock lock(mutex_);
    problems_.insert_or_assign(std::string(component),
                               HealthProblem{std::string(component), level, std::string(reason)});
  }
  Tell();
}

void Health::Clear(std::string_view component) {
  MutexLock telling(telling_);
  {
    MutexLock lock(mutex_);
    const auto found = problems_.find(component);
    if (found != problems_.end()) problems_.erase(found);
  }
  Tell();
}

HealthReport Health::Report() const {
  MutexLock lock(mutex_);
  return ReportLocked();
}

std::shared_ptr<void> Health::Listen(Listener listener) {
  MutexLock telling(telling_);
  const int number = next_listener_++;
  listener(told_);
  listeners_.emplace(number, std::move(listener));
  return std::shared_ptr<void>(this, [this, number](void*) {
    MutexLock lock(telling_);
    listeners_.erase(number);
  });
}

HealthReport Health::ReportLocked() const {
  HealthReport report;
  for (const auto& [component, problem] : problems_) report.problems.push_back(problem);
  return report;
}

void Health::Tell() {
  HealthReport report = Report();
  if (report == told_) return;
  told_ = std::move(report);
  for (const auto& [number, listener] : listeners_) listener(told_);
}

}  // namespace ficus
