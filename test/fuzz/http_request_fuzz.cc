// Any bytes on a connection of the HTTP server: it answers or closes, and is there for the next.
#include <arpa/inet.h>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <netinet/in.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <utility>
#include <vector>

#include <unistd.h>

#include "engine/base/check.h"
#include "engine/base/metrics.h"
#include "server/http/http_server.h"
#include "server/http/router.h"

namespace {

std::unique_ptr<ficus::HttpServer> StartServer() {
  static ficus::MetricRegistry metrics;
  ficus::HttpListener listener{"fuzz", "127.0.0.1", 0, {}};
  listener.router.Add("GET", "/api/healthz",
                      [](const ficus::HttpRequest&) { return ficus::HttpResponse{}; });
  listener.router.Add("POST", "/echo", [](const ficus::HttpRequest& request) {
    ficus::HttpResponse response;
    response.body = request.query + request.accept + request.body;
    return response;
  });
  ficus::HttpLimits limits;
  limits.body_bytes_max = 4096;
  std::vector<ficus::HttpListener> listeners;
  listeners.push_back(std::move(listener));
  return ficus::HttpServer::Start(std::move(listeners), limits, metrics).value();
}

// Everything the server says to these bytes until it closes.
std::string Ask(uint16_t port, std::string_view bytes) {
  sockaddr_in server{};
  server.sin_family = AF_INET;
  server.sin_port = htons(port);
  server.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int connection = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  CHECK(::connect(connection, reinterpret_cast<const sockaddr*>(&server), sizeof server) == 0);
  // The ports of closed connections are free at once.
  const linger reset{1, 0};
  ::setsockopt(connection, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  // A server that has heard enough closes before it has read all.
  static_cast<void>(::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL) < 0);
  ::shutdown(connection, SHUT_WR);
  std::string answer;
  char piece[4096];
  for (ssize_t got = 1; got > 0;) {
    got = ::recv(connection, piece, sizeof piece, 0);
    if (got > 0) answer.append(piece, static_cast<size_t>(got));
  }
  ::close(connection);
  return answer;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::unique_ptr<ficus::HttpServer> server = StartServer();
  if (size > 65536) return 0;
  const std::string answer =
      Ask(server->port(0), std::string_view(reinterpret_cast<const char*>(data), size));
  CHECK(answer.empty() || answer.rfind("HTTP/1.", 0) == 0) << answer;
  return 0;
}
