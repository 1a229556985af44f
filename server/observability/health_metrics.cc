#include "server/observability/health_metrics.h"

#include <string>
#include <utility>

namespace ficus {

std::shared_ptr<void> AddHealthMetrics(MetricRegistry& registry, const Health& health) {
  return registry.AddCollector([&health](std::vector<MetricFamily>& families) {
    const HealthReport report = health.Report();
    const auto flag = [&](const char* name, const char* help, bool value) {
      families.push_back({name, help, MetricType::kGauge, {{{}, value ? 1.0 : 0.0, nullptr}}});
    };
    flag("ficus_alive", "1 unless the process should be restarted.", report.alive());
    flag("ficus_ready", "1 while the node serves.", report.ready());
    MetricFamily problems{
        "ficus_health_problem", "1 for each component that has a problem.", MetricType::kGauge, {}};
    for (const HealthProblem& problem : report.problems) {
      MetricLabels labels = {{"component", problem.component},
                             {"level", std::string(HealthLevelName(problem.level))}};
      problems.samples.push_back({std::move(labels), 1, nullptr});
    }
    families.push_back(std::move(problems));
  });
}

}  // namespace ficus
