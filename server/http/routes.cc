#include "server/http/routes.h"

#include <string>

#include "server/observability/prometheus_text.h"

namespace ficus {
namespace {

// "not ready: log: replaying", one problem per line, or `otherwise`.
std::string ProblemLines(const HealthReport& report, const std::string& otherwise) {
  std::string lines;
  for (const HealthProblem& problem : report.problems) {
    lines += std::string(HealthLevelName(problem.level)) + ": " + problem.component + ": " +
             problem.reason + "\n";
  }
  return lines.empty() ? otherwise : lines;
}

HttpResponse Probe(bool good, const HealthReport& report) {
  HttpResponse response;
  response.status = good ? 200 : 503;
  response.body = ProblemLines(report, "ok\n");
  return response;
}

bool WantsJson(const HttpRequest& request) {
  return request.accept.find("application/json") != std::string::npos;
}

HttpResponse Healthz(const HttpRequest& request, const HealthReport& report) {
  HttpResponse response;
  const bool ready = report.ready();
  response.status = ready ? 200 : 503;
  if (WantsJson(request)) {
    response.content_type = "application/json";
    response.body = ready ? R"({"status":"SERVING"})" : R"({"status":"NOT_SERVING"})";
  } else if (ready) {
    response.body = "SERVING";
  } else {
    response.body = "gRPC health check failed: NOT_SERVING\n" + ProblemLines(report, "");
  }
  return response;
}

}  // namespace

void AddHealthRoutes(HttpRouter& router, const Health& health) {
  router.Add("GET", "/api/healthz",
             [&health](const HttpRequest& request) { return Healthz(request, health.Report()); });
  router.Add("GET", "/livez", [&health](const HttpRequest&) {
    const HealthReport report = health.Report();
    return Probe(report.alive(), report);
  });
  router.Add("GET", "/readyz", [&health](const HttpRequest&) {
    const HealthReport report = health.Report();
    return Probe(report.ready(), report);
  });
}

std::vector<std::string> HealthPaths() { return {"/api/healthz", "/livez", "/readyz"}; }

void AddMetricsRoute(HttpRouter& router, const MetricRegistry& registry) {
  router.Add("GET", "/metrics", [&registry](const HttpRequest&) {
    HttpResponse response;
    response.content_type = kPrometheusContentType;
    response.body = PrometheusText(registry.Collect());
    return response;
  });
}

}  // namespace ficus
