#include "server/http/http_server.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/log.h"
#include "server/http/routes.h"
#include "server/observability/prometheus_text.h"
#include "test/server/http/loopback_client.h"
#include "test/support/forbidden_calls.h"
#include "test/support/skip.h"

namespace ficus {
namespace {

using std::chrono::milliseconds;

const std::string kGet = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n";

// Ends a wait for something that does not come.
class Deadline {
 public:
  void Check() const {
    if (std::chrono::steady_clock::now() > end_) throw std::runtime_error("waited for too long");
    std::this_thread::yield();
  }

 private:
  const std::chrono::steady_clock::time_point end_ =
      std::chrono::steady_clock::now() + std::chrono::seconds(60);
};

// A server on a port of the system's choice.
class Fixture {
 public:
  explicit Fixture(const HttpLimits& limits = {}) {
    router.Add("GET", "/hello", [](const HttpRequest& request) {
      HttpResponse response;
      response.body = "hello" + (request.query.empty() ? "" : " " + request.query);
      return response;
    });
    router.Add("POST", "/echo", [](const HttpRequest& request) {
      HttpResponse response;
      response.body = request.body;
      return response;
    });
    router.Add("GET", "/large", [this](const HttpRequest&) {
      HttpResponse response;
      response.body.assign(large_bytes, 'x');
      large_asked = true;
      return response;
    });
    auto started = HttpServer::Start({{"http", "127.0.0.1", 0, router}}, limits, registry);
    REQUIRE(started);
    server = std::move(started).value();
  }

  uint16_t port() const { return server->port(0); }
  double Metric(const std::string& line) const {
    const std::string text = "\n" + PrometheusText(registry.Collect());
    const size_t at = text.find("\n" + line + " ");
    return at == std::string::npos ? -1 : std::stod(text.substr(at + line.size() + 2));
  }
  double open() const { return Metric("ficus_http_connections{listener=\"http\"}"); }
  double answered(int status) const {
    return Metric("ficus_http_requests_total{listener=\"http\",status=\"" + std::to_string(status) +
                  "\"}");
  }
  void AwaitOpen(double count) const {
    const Deadline deadline;
    while (open() != count) deadline.Check();
  }

  void AwaitLargeAsked() const {
    const Deadline deadline;
    while (!large_asked) deadline.Check();
  }

  LogCapture capture;
  MetricRegistry registry;
  HttpRouter router;
  size_t large_bytes = 64 << 20;
  std::atomic<bool> large_asked = false;
  std::unique_ptr<HttpServer> server;
};

TEST_CASE("a request is answered and the connection kept", "[http]") {
  const Fixture fixture;
  LoopbackClient client(fixture.port());
  for (int i = 0; i < 3; ++i) {
    const Reply reply = client.Get("/hello?a=" + std::to_string(i));
    REQUIRE(reply.status == 200);
    REQUIRE(reply.body == "hello a=" + std::to_string(i));
    REQUIRE(reply.headers.at("Content-Type") == "text/plain; charset=utf-8");
    REQUIRE(reply.headers.at("Server") == "ficus");
    REQUIRE(reply.headers.at("Cache-Control") == "no-store");
    REQUIRE_THAT(reply.headers.at("Date"), Catch::EndsWith(" GMT"));
    REQUIRE(reply.headers.at("Date").size() == 29);
  }
  REQUIRE(fixture.open() == 1);
  REQUIRE(fixture.answered(200) == 3);
}

TEST_CASE("a client that asks for it, or speaks 1.0, is closed after the answer", "[http]") {
  const Fixture fixture;
  const std::string request =
      GENERATE(as<std::string>(), "GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
               "GET /hello HTTP/1.0\r\n\r\n");
  LoopbackClient client(fixture.port());
  client.Send(request);
  REQUIRE(client.Read().status == 200);
  REQUIRE(client.AtEnd());
}

TEST_CASE("a 1.0 client may ask to be kept", "[http]") {
  const Fixture fixture;
  LoopbackClient client(fixture.port());
  for (int i = 0; i < 2; ++i) {
    client.Send("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    REQUIRE(client.Read().body == "hello");
  }
}

TEST_CASE("HEAD is answered without body and with its length", "[http]") {
  const Fixture fixture;
  LoopbackClient client(fixture.port());
  client.Send("HEAD /hello HTTP/1.1\r\nHost: x\r\n\r\n");
  const Reply reply = client.Read(true);
  REQUIRE(reply.status == 200);
  REQUIRE(reply.headers.at("Content-Length") == "5");
  REQUIRE(client.Get("/hello").body == "hello");
}

TEST_CASE("unknown paths and methods keep the connection", "[http]") {
  const Fixture fixture;
  LoopbackClient client(fixture.port());
  REQUIRE(client.Get("/nothing").status == 404);
  client.Send("POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
  const Reply reply = client.Read();
  REQUIRE(reply.status == 405);
  REQUIRE(reply.headers.at("Allow") == "GET, HEAD");
  REQUIRE(client.Get("/hello").status == 200);
}

TEST_CASE("a target may name the host, as a proxy writes it", "[http]") {
  const Fixture fixture;
  LoopbackClient client(fixture.port());
  REQUIRE(client.Get("http://x:80/hello?q").body == "hello q");
  REQUIRE(client.Get("http://x").status == 404);
  REQUIRE(client.Get("/nothing?u=http://x/hello").status == 404);
}

TEST_CASE("a body is read whole, in chunks too", "[http]") {
  const Fixture fixture;
  LoopbackClient client(fixture.port());
  client.Send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab");
  client.Send("cde");
  REQUIRE(client.Read().body == "abcde");
  client.Send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  client.Send("2\r\nde\r\n0\r\n\r\n");
  REQUIRE(client.Read().body == "abcde");
}

TEST_CASE("a client that waits for a word before its body gets it", "[http]") {
  const Fixture fixture;
  LoopbackClient client(fixture.port());
  client.Send(
      "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-Continue\r\n\r\n");
  REQUIRE(client.Read(true).status == 100);
  client.Send("abcde");
  REQUIRE(client.Read().body == "abcde");
}

TEST_CASE("requests sent ahead are answered in order", "[http]") {
  const Fixture fixture;
  LoopbackClient client(fixture.port());
  std::string all;
  for (int i = 0; i < 300; ++i) {
    all += "GET /hello?" + std::to_string(i) + " HTTP/1.1\r\nHost: x\r\n\r\n";
  }
  client.Send(all);
  for (int i = 0; i < 300; ++i) REQUIRE(client.Read().body == "hello " + std::to_string(i));
}

TEST_CASE("requests sent ahead of a half-closed connection are all answered", "[http]") {
  const Fixture fixture;
  LoopbackClient client(fixture.port());
  client.Send(kGet + kGet + kGet);
  client.FinishSending();
  for (int i = 0; i < 3; ++i) REQUIRE(client.Read().status == 200);
  REQUIRE(client.AtEnd());
}

TEST_CASE("a request may arrive byte by byte", "[http]") {
  const Fixture fixture;
  LoopbackClient client(fixture.port());
  for (const char c : kGet) client.Send(std::string(1, c));
  REQUIRE(client.Read().body == "hello");
}

TEST_CASE("a request that cannot be understood is refused and the connection closed", "[http]") {
  const auto [request, status] = GENERATE(table<std::string, int>({
      {"nonsense\r\n\r\n", 400},
      {"GET /hello\r\n\r\n", 400},
      {"GET  /hello HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"GET /hello HTTP/1.1\r\nHost x\r\n\r\n", 400},
      {"GET /hello HTTP/1.1\r\n\r\n", 400},
      {"GET /hello HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400},
      {"GET /he\x01llo HTTP/1.1\r\nHost: x\r\n\r\n", 400},
      {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400},
      {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400},
      {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: "
       "chunked\r\n\r\n0\r\n\r\n",
       400},
      {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400},
      {"GET /hello HTTP/2.0\r\nHost: x\r\n\r\n", 505},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
  }));
  CAPTURE(request);
  const Fixture fixture;
  LoopbackClient client(fixture.port());
  client.Send(request);
  const Reply reply = client.Read();
  REQUIRE(reply.status == status);
  REQUIRE(reply.headers.at("Connection") == "close");
  REQUIRE(client.AtEnd());
  REQUIRE(fixture.answered(status) == 1);
}

TEST_CASE("headers and bodies are bounded", "[http]") {
  HttpLimits limits;
  limits.header_bytes_max = 1000;
  limits.body_bytes_max = 1000;
  const Fixture fixture(limits);
  const auto [request, status] = GENERATE(table<std::string, int>({
      {"GET /hello HTTP/1.1\r\nHost: x\r\nX: " + std::string(900, 'x') + "\r\n\r\n", 200},
      {"GET /hello HTTP/1.1\r\nHost: x\r\nX: " + std::string(1000, 'x') + "\r\n\r\n", 431},
      {"GET /hello HTTP/1.1\r\nHost: x\r\nX: " + std::string(100'000, 'x'), 431},
      {"GET /hello?" + std::string(1000, 'x') + " HTTP/1.1\r\nHost: x\r\n\r\n", 431},
      {"GET /hello?" + std::string(100'000, 'x'), 431},
      {"GET /hello HTTP/1.1\r\n" + std::string(100'000, '\n'), 400},
      {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n" + std::string(1000, 'x'),
       200},
      {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1001\r\n\r\n", 413},
      {"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000000\r\n\r\n" +
           std::string(100'000, 'x'),
       413},
      {"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" +
           std::string(1001, 'x') + "\r\n0\r\n\r\n",
       413},
  }));
  CAPTURE(request.substr(0, 80), request.size());
  LoopbackClient client(fixture.port());
  client.Send(request);
  const Reply reply = client.Read();
  REQUIRE(reply.status == status);
  if (status != 200) REQUIRE(client.AtEnd());
}

TEST_CASE("many lines of header count together", "[http]") {
  HttpLimits limits;
  limits.header_bytes_max = 1000;
  const Fixture fixture(limits);
  LoopbackClient client(fixture.port());
  std::string request = "GET /hello HTTP/1.1\r\nHost: x\r\n";
  for (int i = 0; i < 200; ++i) request += "A: b\r\n";
  client.Send(request + "\r\n");
  REQUIRE(client.Read().status == 431);
}

TEST_CASE("a client that sends its request too slowly is closed", "[http]") {
  HttpLimits limits;
  limits.request_timeout = milliseconds(50);
  const Fixture fixture(limits);
  const std::string begun =
      GENERATE(as<std::string>(), "G", "GET /hello HTTP/1.1\r\nHost: x\r\n",
               "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab");
  LoopbackClient client(fixture.port());
  client.Send(begun);
  REQUIRE(client.Read().status == 0);
  fixture.AwaitOpen(0);
}

TEST_CASE("a byte now and then does not keep a slow request alive", "[http]") {
  HttpLimits limits;
  limits.request_timeout = milliseconds(100);
  limits.header_bytes_max = 64 << 20;  // so that only the time can end it
  const Fixture fixture(limits);
  LoopbackClient client(fixture.port());
  client.Send("GET /hello HTTP/1.1\r\nHost: x\r\nX: ");
  // Ends because the server closes, however the bytes keep coming.
  const Deadline deadline;
  while (client.Send("x")) deadline.Check();
  fixture.AwaitOpen(0);
}

TEST_CASE("an idle client is closed after its time and not before", "[http]") {
  HttpLimits limits;
  limits.idle_timeout = milliseconds(1000);  // a client asks within it, also on a busy machine
  const Fixture fixture(limits);
  LoopbackClient silent(fixture.port());
  REQUIRE(silent.AtEnd());
  LoopbackClient kept(fixture.port());
  const auto start = std::chrono::steady_clock::now();
  REQUIRE(kept.Get("/hello").status == 200);
  REQUIRE(kept.AtEnd());
  REQUIRE(std::chrono::steady_clock::now() - start >= milliseconds(990));
}

TEST_CASE("a client that does not read its answer is closed", "[http]") {
  HttpLimits limits;
  limits.write_timeout = milliseconds(50);
  const Fixture fixture(limits);
  LoopbackClient client(fixture.port());
  client.ShrinkReceiveBuffer();
  client.Send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
  fixture.AwaitLargeAsked();
  fixture.AwaitOpen(0);
}

TEST_CASE("a client that ignores the end of its connection is closed", "[http]") {
  HttpLimits limits;
  limits.request_timeout = milliseconds(300);
  const Fixture fixture(limits);
  LoopbackClient client(fixture.port());
  client.Send("nonsense\r\n\r\n");
  REQUIRE(client.Read().status == 400);
  // It never closes, and keeps sending.
  const Deadline deadline;
  while (client.Send("x")) deadline.Check();
  fixture.AwaitOpen(0);
}

TEST_CASE("connections are bounded, and free again when one ends", "[http]") {
  HttpLimits limits;
  limits.connections_max = 3;
  const Fixture fixture(limits);
  std::vector<std::unique_ptr<LoopbackClient>> clients;
  for (int i = 0; i < 3; ++i) {
    clients.push_back(std::make_unique<LoopbackClient>(fixture.port()));
    REQUIRE(clients.back()->Get("/hello").status == 200);
  }
  LoopbackClient refused(fixture.port());
  REQUIRE(refused.Read().status == 503);
  REQUIRE(refused.AtEnd());
  REQUIRE(fixture.Metric("ficus_http_refused_total{listener=\"http\"}") == 1);
  REQUIRE(clients.front()->Get("/hello").status == 200);

  clients.pop_back();
  fixture.AwaitOpen(2);
  LoopbackClient accepted(fixture.port());
  REQUIRE(accepted.Get("/hello").status == 200);
}

TEST_CASE("clients that vanish leave nothing behind", "[http]") {
  const Fixture fixture;
  for (int round = 0; round < 50; ++round) {
    LoopbackClient client(fixture.port());
    if (round % 2 == 0) client.Send(kGet.substr(0, static_cast<size_t>(round) % kGet.size()));
  }
  fixture.AwaitOpen(0);
}

TEST_CASE("many clients at once are all answered", "[http]") {
  const Fixture fixture;
  std::atomic<int> answered = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      LoopbackClient client(fixture.port());
      for (int round = 0; round < 100; ++round) {
        if (client.Get("/hello").body == "hello") ++answered;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  REQUIRE(answered == 800);
}

TEST_CASE("each listener has its own routes and its own connections", "[http]") {
  const LogCapture capture;
  MetricRegistry registry;
  Health health;
  health.Clear("start");
  HttpRouter probes;
  AddHealthRoutes(probes, health);
  HttpRouter metrics;
  AddMetricsRoute(metrics, registry);
  HttpLimits limits;
  limits.connections_max = 1;
  const auto server = HttpServer::Start(
      {{"http", "127.0.0.1", 0, probes}, {"metrics", "127.0.0.1", 0, metrics}}, limits, registry);
  REQUIRE(server);
  LoopbackClient prober((*server)->port(0));
  REQUIRE(prober.Get("/api/healthz").body == "SERVING");
  REQUIRE(prober.Get("/metrics").status == 404);
  LoopbackClient scraper((*server)->port(1));
  REQUIRE_THAT(scraper.Get("/metrics").body,
               Catch::Contains("ficus_http_connections{listener=\"http\"} 1\n"));
  REQUIRE(scraper.Get("/livez").status == 404);
  REQUIRE(capture.Count("http.listening") == 2);
}

TEST_CASE("an address that is taken or unknown is named, and none is listened on", "[http]") {
  const Fixture fixture;
  MetricRegistry registry;
  const std::string port = std::to_string(fixture.port());
  const auto taken = HttpServer::Start(
      {{"http", "127.0.0.1", 0, {}}, {"metrics", "127.0.0.1", fixture.port(), {}}}, {}, registry);
  REQUIRE_FALSE(taken);
  REQUIRE(taken.error() == Error{ErrorCode::kUnavailable, "listen for metrics on 127.0.0.1 port " +
                                                              port + ": Address already in use"});
  const auto unknown = HttpServer::Start({{"http", "nowhere", 1, {}}}, {}, registry);
  REQUIRE_FALSE(unknown);
  REQUIRE(unknown.error().message == "listen for http on nowhere port 1: Invalid argument");
}

TEST_CASE("a port is free again as soon as the server has stopped", "[http]") {
  auto fixture = std::make_unique<Fixture>();
  const uint16_t port = fixture->port();
  LoopbackClient client(port);
  REQUIRE(client.Get("/hello").status == 200);
  fixture.reset();
  REQUIRE(client.AtEnd());
  MetricRegistry registry;
  const LogCapture capture;
  REQUIRE(HttpServer::Start({{"http", "127.0.0.1", port, {}}}, {}, registry));
}

TEST_CASE("stopping closes idle clients at once", "[http]") {
  HttpLimits limits;
  limits.request_timeout = std::chrono::minutes(10);
  const Fixture fixture(limits);
  LoopbackClient idle(fixture.port());
  LoopbackClient kept(fixture.port());
  LoopbackClient begun(fixture.port());
  REQUIRE(kept.Get("/hello").status == 200);
  begun.Send("GET /hel");
  fixture.AwaitOpen(3);
  const auto start = std::chrono::steady_clock::now();
  fixture.server->Stop(std::chrono::minutes(10));
  REQUIRE(std::chrono::steady_clock::now() - start < std::chrono::minutes(5));
  REQUIRE(idle.AtEnd());
  REQUIRE(kept.AtEnd());
  REQUIRE(begun.AtEnd());
  REQUIRE(fixture.open() == 0);
  fixture.server->Stop(milliseconds(0));
}

TEST_CASE("stopping lets an answer out that is being sent", "[http]") {
  Fixture fixture;
  LoopbackClient client(fixture.port());
  client.Send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
  fixture.AwaitLargeAsked();
  std::jthread stopping([&] { fixture.server->Stop(std::chrono::minutes(10)); });
  const Reply reply = client.Read();
  REQUIRE(reply.body.size() == fixture.large_bytes);
  REQUIRE(client.AtEnd());
}

TEST_CASE("stopping cuts off an answer when the grace is over", "[http]") {
  Fixture fixture;
  LoopbackClient client(fixture.port());
  client.ShrinkReceiveBuffer();
  client.Send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
  fixture.AwaitLargeAsked();
  fixture.server->Stop(milliseconds(20));
  REQUIRE(fixture.open() == 0);
}

TEST_CASE("after a stop nobody is let in", "[http]") {
  const Fixture fixture;
  const uint16_t port = fixture.port();
  fixture.server->Stop(milliseconds(0));
  REQUIRE_THROWS(LoopbackClient(port));
}

// The status says what went wrong.
TEST_CASE("a server that gets no thread does not start", "[http]") {
  const int status = RunWithoutThreads([] {
    const LogCapture log;
    MetricRegistry registry;
    const auto refused =
        HttpServer::Start({{"http", "127.0.0.1", 0, HttpRouter()}}, HttpLimits(), registry);
    if (refused) return 1;
    return refused.error().code == ErrorCode::kResourceExhausted ? 0 : 2;
  });
  if (status == kFiltersRefused) SKIP_TEST("seccomp filters are not allowed here");
  REQUIRE(status == 0);
}

}  // namespace
}  // namespace ficus
