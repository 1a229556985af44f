#include "server/http/routes.h"

#include <string>

#include <catch2/catch.hpp>

#include "server/observability/prometheus_text.h"

namespace ficus {
namespace {

HttpResponse Ask(const HttpRouter& router, const std::string& path,
                 const std::string& accept = "") {
  HttpRequest request;
  request.method = "GET";
  request.path = path;
  request.accept = accept;
  return router.Handle(request);
}

TEST_CASE("BanyanDB's probe answers SERVING once the node is ready", "[http][health]") {
  Health health;
  HttpRouter router;
  AddHealthRoutes(router, health);
  REQUIRE(Ask(router, "/api/healthz").status == 503);
  REQUIRE(Ask(router, "/api/healthz").body ==
          "gRPC health check failed: NOT_SERVING\nnot ready: start: starting\n");
  health.Clear("start");
  REQUIRE(Ask(router, "/api/healthz").status == 200);
  REQUIRE(Ask(router, "/api/healthz").body == "SERVING");
  health.Set("disk", HealthLevel::kDegraded, "86% full");
  REQUIRE(Ask(router, "/api/healthz").body == "SERVING");
}

TEST_CASE("the probe speaks JSON to those who ask for it", "[http][health]") {
  Health health;
  HttpRouter router;
  AddHealthRoutes(router, health);
  const std::string accept = "text/html, application/json;q=0.9";
  HttpResponse response = Ask(router, "/api/healthz", accept);
  REQUIRE(response.status == 503);
  REQUIRE(response.body == R"({"status":"NOT_SERVING"})");
  health.Clear("start");
  response = Ask(router, "/api/healthz", accept);
  REQUIRE(response.status == 200);
  REQUIRE(response.content_type == "application/json");
  REQUIRE(response.body == R"({"status":"SERVING"})");
}

TEST_CASE("liveness and readiness differ and list every problem", "[http][health]") {
  Health health;
  HttpRouter router;
  AddHealthRoutes(router, health);
  REQUIRE(Ask(router, "/livez").status == 200);
  REQUIRE(Ask(router, "/readyz").status == 503);
  REQUIRE(Ask(router, "/readyz").body == "not ready: start: starting\n");
  health.Clear("start");
  REQUIRE(Ask(router, "/livez").body == "ok\n");
  REQUIRE(Ask(router, "/readyz").body == "ok\n");
  health.Set("disk", HealthLevel::kDegraded, "86% full");
  REQUIRE(Ask(router, "/readyz").status == 200);
  REQUIRE(Ask(router, "/readyz").body == "degraded: disk: 86% full\n");
  health.Set("log", HealthLevel::kNotAlive, "no answer for 60s");
  REQUIRE(Ask(router, "/livez").status == 503);
  REQUIRE(Ask(router, "/livez").body ==
          "degraded: disk: 86% full\nnot alive: log: no answer for 60s\n");
  REQUIRE(Ask(router, "/readyz").status == 503);
}

TEST_CASE("metrics are served as Prometheus wants them", "[http][metrics]") {
  MetricRegistry registry;
  registry.AddCounter("ficus_rows_total", "Rows.").Add(3);
  HttpRouter router;
  AddMetricsRoute(router, registry);
  const HttpResponse response = Ask(router, "/metrics");
  REQUIRE(response.status == 200);
  REQUIRE(response.content_type == "text/plain; version=0.0.4; charset=utf-8");
  REQUIRE(response.body ==
          "# HELP ficus_rows_total Rows.\n# TYPE ficus_rows_total counter\nficus_rows_total 3\n");
}

}  // namespace
}  // namespace ficus
