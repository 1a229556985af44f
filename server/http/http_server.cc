#include "server/http/http_server.h"

#include <ctime>
#include <string_view>
#include <thread>
#include <unordered_set>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/optional/optional.hpp>
#include <fmt/core.h>

#include "engine/base/check.h"
#include "engine/base/log.h"

namespace ficus {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using ErrorOf = boost::system::error_code;

std::string_view View(beast::string_view text) { return {text.data(), text.size()}; }

// "Fri, 20 Nov 2026 11:12:55 GMT", as RFC 9110 wants it, whatever the locale.
std::string HttpDate(std::time_t now) {
  static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm utc;
  ::gmtime_r(&now, &utc);
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT", kDays[utc.tm_wday], utc.tm_mday,
                     kMonths[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

// The answer to a request that could not be read, or 0 when there is nobody to answer.
int StatusOfReadError(const ErrorOf& error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow) return 431;
  if (error == http::error::body_limit) return 413;
  if (error == http::error::bad_version) return 505;
  if (error == http::error::end_of_stream || error == http::error::partial_message) return 0;
  return error.category() == http::make_error_code(http::error::bad_method).category() ? 400 : 0;
}

class Connection;

// One address: accepts, counts and knows its connections. All on the server's thread.
class Listener {
 public:
  Listener(asio::io_context& io, HttpListener listener, const HttpLimits& limits,
           MetricRegistry& registry)
      : limits_(limits),
        name_(std::move(listener.name)),
        router_(std::move(listener.router)),
        host_(std::move(listener.host)),
        wanted_port_(listener.port),
        acceptor_(io),
        retry_(io),
        registry_(registry),
        open_(registry.AddGauge("ficus_http_connections", "Open HTTP connections.",
                                {{"listener", name_}})),
        refused_(registry.AddCounter("ficus_http_refused_total",
                                     "Connections refused because too many were open.",
                                     {{"listener", name_}})) {}

  Result<> Open();
  void Accept();
  // Closes the door, and every connection that is not sending an answer.
  void Drain();
  void CutOff();

  uint16_t port() const { return port_; }
  const HttpLimits& limits() const { return limits_; }
  const HttpRouter& router() const { return router_; }
  bool draining() const { return draining_; }
  bool empty() const { return connections_.empty(); }

  void Count(int status) {
    registry_
        .AddCounter("ficus_http_requests_total", "HTTP requests answered.",
                    {{"listener", name_}, {"status", std::to_string(status)}})
        .Add();
  }
  void Enter(Connection* connection);
  void Leave(Connection* connection);
  // Called when the last connection has left.
  void OnEmpty(std::function<void()> on_empty) { on_empty_ = std::move(on_empty); }

 private:
  void OnAccept(const ErrorOf& error, tcp::socket socket);
  void Refuse(tcp::socket socket);

  // Constant after construction.
  const HttpLimits limits_;
  const std::string name_;
  const HttpRouter router_;
  const std::string host_;
  const uint16_t wanted_port_;

  tcp::acceptor acceptor_;
  asio::steady_timer retry_;
  uint16_t port_ = 0;
  bool draining_ = false;
  std::unordered_set<Connection*> connections_;
  std::function<void()> on_empty_;

  MetricRegistry& registry_;
  Gauge& open_;
  Counter& refused_;
};

// One client: read a request, answer it, again. Keeps itself alive by the operation it waits for.
class Connection final : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, Listener& listener)
      : listener_(listener),
        stream_(std::move(socket)),
        // One request, and what a client that pipelines sent behind it.
        buffer_(listener.limits().header_bytes_max + 4096) {
    listener_.Enter(this);
  }
  ~Connection() { listener_.Leave(this); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void Start() {
    stream_.socket().set_option(tcp::no_delay(true), ignored_);
    AwaitRequest();
  }

  void Close() { stream_.close(); }
  bool answering() const { return answering_; }

 private:
  // An idle client may be silent for long; one that has begun a request may not.
  void AwaitRequest() {
    if (buffer_.size() > 0) {
      ReadHeader();
      return;
    }
    stream_.expires_after(listener_.limits().idle_timeout);
    stream_.async_read_some(buffer_.prepare(512),
                            [self = shared_from_this()](const ErrorOf& error, size_t bytes) {
                              // Gone, silent for too long, or cut off: nobody waits for an answer.
                              if (error) return;
                              self->buffer_.commit(bytes);
                              self->ReadHeader();
                            });
  }

  void ReadHeader() {
    parser_.emplace();
    parser_->header_limit(static_cast<uint32_t>(listener_.limits().header_bytes_max));
    parser_->body_limit(listener_.limits().body_bytes_max);
    stream_.expires_after(listener_.limits().request_timeout);
    http::async_read_header(stream_, buffer_, *parser_,
                            [self = shared_from_this()](const ErrorOf& error, size_t bytes) {
                              if (error) {
                                self->AnswerReadError(error);
                              } else if (bytes > self->listener_.limits().header_bytes_max) {
                                // Beast lets a header that came in one piece be longer.
                                self->AnswerPlainly(431);
                              } else {
                                self->ReadBody();
                              }
                            });
  }

  // The time of ReadHeader goes on.
  void ReadBody() {
    // RFC 9112, 3.2: exactly one Host since version 1.1.
    if (parser_->get().version() == 11 && parser_->get().count(http::field::host) != 1) {
      AnswerPlainly(400);
      return;
    }
    if (beast::iequals(parser_->get()[http::field::expect], "100-continue")) {
      SendContinue();
      return;
    }
    http::async_read(stream_, buffer_, *parser_,
                     [self = shared_from_this()](const ErrorOf& error, size_t) {
                       if (error) {
                         self->AnswerReadError(error);
                       } else {
                         self->Answer();
                       }
                     });
  }

  // The client waits for a word before it sends the body.
  void SendContinue() {
    parser_->get().erase(http::field::expect);
    continue_ = {http::status::continue_, 11};
    http::async_write(stream_, continue_,
                      [self = shared_from_this()](const ErrorOf& error, size_t) {
                        if (!error) self->ReadBody();
                      });
  }

  void Answer() {
    const auto& message = parser_->get();
    HttpRequest request;
    request.method = View(message.method_string());
    SplitTarget(View(message.target()), request);
    request.accept = View(message[http::field::accept]);
    request.body = std::move(parser_->get().body());
    Send(listener_.router().Handle(request), message.keep_alive(), request.method == "HEAD");
  }

  // "/path?query", or "http://host/path?query" as a proxy sends it.
  static void SplitTarget(std::string_view target, HttpRequest& request) {
    const size_t scheme_end = target.find("://");
    if (!target.empty() && target.front() != '/' && scheme_end != std::string_view::npos) {
      const size_t path = target.find('/', scheme_end + 3);
      target = path == std::string_view::npos ? "/" : target.substr(path);
    }
    const size_t question = target.find('?');
    request.path = target.substr(0, question);
    if (question != std::string_view::npos) request.query = target.substr(question + 1);
  }

  void AnswerReadError(const ErrorOf& error) {
    const int status = StatusOfReadError(error);
    if (status != 0) AnswerPlainly(status);
  }

  // For requests that cannot be understood: what follows them cannot be either.
  void AnswerPlainly(int status) {
    HttpResponse response;
    response.status = status;
    response.body =
        std::string(
            View(http::obsolete_reason(http::int_to_status(static_cast<unsigned>(status))))) +
        "\n";
    Send(std::move(response), false, false);
  }

  void Send(HttpResponse response, bool keep_alive, bool head) {
    listener_.Count(response.status);
    response_ = {};
    response_.result(static_cast<unsigned>(response.status));
    response_.set(http::field::server, "ficus");
    response_.set(http::field::date, HttpDate(std::time(nullptr)));
    response_.set(http::field::content_type, response.content_type);
    response_.set(http::field::cache_control, "no-store");
    response_.set("X-Content-Type-Options", "nosniff");
    if (!response.allow.empty()) response_.set(http::field::allow, response.allow);
    response_.keep_alive(keep_alive && !listener_.draining());
    response_.content_length(response.body.size());
    if (!head) response_.body() = std::move(response.body);

    answering_ = true;
    stream_.expires_after(listener_.limits().write_timeout);
    http::async_write(stream_, response_,
                      [self = shared_from_this()](const ErrorOf& error, size_t) {
                        self->answering_ = false;
                        if (error) return;
                        if (self->response_.keep_alive() && !self->listener_.draining()) {
                          self->AwaitRequest();
                        } else {
                          self->Finish();
                        }
                      });
  }

  // Says that no more comes and waits for the client to say the same: closing with unread bytes
  // would reset the connection and take the answer with it.
  void Finish() {
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored_);
    if (listener_.draining()) return;
    stream_.expires_after(listener_.limits().request_timeout);
    Discard();
  }

  void Discard() {
    buffer_.clear();
    stream_.async_read_some(buffer_.prepare(4096),
                            [self = shared_from_this()](const ErrorOf& error, size_t) {
                              if (!error) self->Discard();
                            });
  }

  Listener& listener_;
  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  boost::optional<http::request_parser<http::string_body>> parser_;
  http::response<http::empty_body> continue_;
  http::response<http::string_body> response_;
  bool answering_ = false;
  ErrorOf ignored_;  // of calls whose failure the next operation reports
};

Result<> Listener::Open() {
  ErrorOf error;
  const auto failed = [&] {
    return Error{ErrorCode::kUnavailable, fmt::format("listen for {} on {} port {}: {}", name_,
                                                      host_, wanted_port_, error.message())};
  };
  const asio::ip::address address = asio::ip::make_address(host_, error);
  if (error) return failed();
  const tcp::endpoint endpoint(address, wanted_port_);
  acceptor_.open(endpoint.protocol(), error);
  if (error) return failed();
  acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  if (error) return failed();
  acceptor_.bind(endpoint, error);
  if (error) return failed();
  acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) return failed();
  const tcp::endpoint bound = acceptor_.local_endpoint(error);
  if (error) return failed();
  port_ = bound.port();
  LogInfo("http.listening", "{} listens on {} port {}", name_, host_, port_);
  return Ok();
}

void Listener::Accept() {
  acceptor_.async_accept(
      [this](const ErrorOf& error, tcp::socket socket) { OnAccept(error, std::move(socket)); });
}

void Listener::OnAccept(const ErrorOf& error, tcp::socket socket) {
  if (draining_) return;
  if (error) {
    // No descriptor left, most likely: trying again at once would only burn time.
    LogWarn("http.accept_failed", "{}: {}", name_, error.message());
    retry_.expires_after(std::chrono::milliseconds(100));
    retry_.async_wait([this](const ErrorOf& cancelled) {
      if (!cancelled) Accept();
    });
    return;
  }
  if (connections_.size() >= limits_.connections_max) {
    Refuse(std::move(socket));
  } else {
    std::make_shared<Connection>(std::move(socket), *this)->Start();
  }
  Accept();
}

void Listener::Refuse(tcp::socket socket) {
  refused_.Add();
  static constexpr std::string_view kAnswer =
      "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
  // One attempt without waiting: a client that is not told sees a closed connection.
  ErrorOf ignored;
  socket.non_blocking(true, ignored);
  socket.write_some(asio::buffer(kAnswer.data(), kAnswer.size()), ignored);
  socket.shutdown(tcp::socket::shutdown_both, ignored);
}

void Listener::Drain() {
  draining_ = true;
  ErrorOf ignored;
  acceptor_.close(ignored);
  retry_.cancel();
  for (Connection* connection : connections_) {
    if (!connection->answering()) connection->Close();
  }
}

void Listener::CutOff() {
  for (Connection* connection : connections_) connection->Close();
}

void Listener::Enter(Connection* connection) {
  connections_.insert(connection);
  open_.Set(static_cast<double>(connections_.size()));
}

void Listener::Leave(Connection* connection) {
  connections_.erase(connection);
  open_.Set(static_cast<double>(connections_.size()));
  if (connections_.empty() && on_empty_) on_empty_();
}

}  // namespace

class HttpServer::Impl {
 public:
  Impl() : grace_(io_) {}
  ~Impl() { Stop(std::chrono::milliseconds(0)); }

  Result<> Open(std::vector<HttpListener> listeners, const HttpLimits& limits,
                MetricRegistry& registry) {
    for (HttpListener& listener : listeners) {
      listeners_.push_back(std::make_unique<Listener>(io_, std::move(listener), limits, registry));
      RETURN_IF_ERROR(listeners_.back()->Open());
    }
    for (const auto& listener : listeners_) {
      listener->OnEmpty([this] { EndGraceWhenEmpty(); });
      listener->Accept();
    }
    thread_ = std::thread([this] { io_.run(); });
    return Ok();
  }

  uint16_t port(size_t listener) const {
    CHECK(listener < listeners_.size());
    return listeners_[listener]->port();
  }

  void Stop(std::chrono::milliseconds grace) {
    if (!thread_.joinable()) return;
    asio::post(io_, [this, grace] {
      for (const auto& listener : listeners_) listener->Drain();
      grace_.expires_after(grace);
      grace_.async_wait([this](const ErrorOf&) {
        for (const auto& listener : listeners_) listener->CutOff();
      });
      stopping_ = true;
      EndGraceWhenEmpty();
    });
    // run() returns when no operation is left: every connection has gone.
    thread_.join();
  }

 private:
  void EndGraceWhenEmpty() {
    if (!stopping_) return;
    for (const auto& listener : listeners_) {
      if (!listener->empty()) return;
    }
    grace_.cancel();
  }

  // The listeners hold sockets of the io_context and die before it; their connections have gone
  // when run() returns.
  asio::io_context io_{1};
  asio::steady_timer grace_;
  std::vector<std::unique_ptr<Listener>> listeners_;
  bool stopping_ = false;
  std::thread thread_;
};

Result<std::unique_ptr<HttpServer>> HttpServer::Start(std::vector<HttpListener> listeners,
                                                      const HttpLimits& limits,
                                                      MetricRegistry& registry) {
  auto impl = std::make_unique<Impl>();
  RETURN_IF_ERROR(impl->Open(std::move(listeners), limits, registry));
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;

uint16_t HttpServer::port(size_t listener) const { return impl_->port(listener); }
void HttpServer::Stop(std::chrono::milliseconds grace) { impl_->Stop(grace); }

}  // namespace ficus
