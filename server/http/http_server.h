// Serves HTTP/1.1 on one or more addresses, from one thread of its own.
//
// Everything is bounded: connections for each address, bytes of a request, and the time a client
// may take to send it, to read the answer, or to do nothing.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/metrics.h"
#include "engine/base/result.h"
#include "server/http/router.h"
#include "server/security/authenticator.h"
#include "server/security/certificate_source.h"

namespace ficus {

// Null: plain text, and nobody has to say who he is. Both outlive the server.
struct HttpProtection {
  CertificateSource* certificates = nullptr;
  Authenticator* authenticator = nullptr;
  std::vector<std::string> open_paths;  // that need no password
};

struct HttpListener {
  std::string name;   // for log and metrics: "http", "metrics"
  std::string host;   // an IP address
  uint16_t port = 0;  // 0: the system chooses
  HttpRouter router;
  HttpProtection protection{};
};

// The times are BanyanDB's.
struct HttpLimits {
  size_t connections_max = 256;  // for each listener; further ones get 503 and are closed
  size_t header_bytes_max = 16 * 1024;
  size_t body_bytes_max = 64 * 1024;
  std::chrono::milliseconds request_timeout{3'000};  // from the first byte to the last
  std::chrono::milliseconds write_timeout{30'000};
  std::chrono::milliseconds idle_timeout{60'000};  // between requests
};

class HttpServer {
 public:
  // Listens on all addresses, or on none: kUnavailable names the one that is taken or unknown;
  // kResourceExhausted: the machine has no thread left.
  // Registers ficus_http_requests_total{listener,status}, ficus_http_connections{listener} and
  // ficus_http_refused_total{listener} with `registry`, which outlives the server.
  static Result<std::unique_ptr<HttpServer>> Start(std::vector<HttpListener> listeners,
                                                   const HttpLimits& limits,
                                                   MetricRegistry& registry);

  // Stop(), cutting off what does not end at once.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  // The port that the listener of that index is bound to.
  uint16_t port(size_t listener) const;

  // Accepts nothing any more, lets answers that are being sent go out for at most `grace`, closes
  // all connections and joins the thread. Any thread but a handler's; a second call does nothing.
  void Stop(std::chrono::milliseconds grace);

 private:
  class Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace ficus
