// Health as metrics.
#pragma once

#include <memory>

#include "engine/base/metrics.h"
#include "server/observability/health.h"

namespace ficus {

// ficus_alive, ficus_ready, and ficus_health_problem{component,level} 1 for each problem. `health`
// outlives the handle.
std::shared_ptr<void> AddHealthMetrics(MetricRegistry& registry, const Health& health);

}  // namespace ficus
