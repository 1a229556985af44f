// The paths that every node answers.
#pragma once

#include <string>
#include <vector>

#include "engine/base/metrics.h"
#include "server/http/router.h"
#include "server/observability/health.h"

namespace ficus {

// /api/healthz  BanyanDB's probe: 200 "SERVING", or 503 "gRPC health check failed: ..."; as JSON,
//               {"status":"SERVING"}, for those who ask for it
// /livez        200 unless the process should be restarted
// /readyz       200 while the node serves
// The last two list every problem, one per line. `health` outlives the router.
void AddHealthRoutes(HttpRouter& router, const Health& health);
std::vector<std::string> HealthPaths();

// /metrics, for Prometheus. `registry` outlives the router.
void AddMetricsRoute(HttpRouter& router, const MetricRegistry& registry);

}  // namespace ficus
