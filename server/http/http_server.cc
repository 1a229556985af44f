#include "server/http/http_server.h"

#include <algorithm>
#include <ctime>
#include <string_view>
#include <thread>
#include <unordered_set>
#include <utility>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <boost/optional/optional.hpp>
#include <fmt/core.h>

#include "engine/base/check.h"
#include "engine/base/log.h"
#include "engine/runtime/thread.h"
#include "server/http/basic_auth.h"

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

using PlainStream = beast::tcp_stream;
using TlsStream = beast::ssl_stream<beast::tcp_stream>;
using TlsContext = asio::ssl::context;

// What handshakes need, made from certificates that were checked before. Null when the library
// refuses them all the same.
std::shared_ptr<TlsContext> MakeTlsContext(const Certificates& certificates) {
  const auto context = std::make_shared<TlsContext>(TlsContext::tls_server);
  ErrorOf error;
  context->set_options(TlsContext::default_workarounds | TlsContext::no_sslv2 |
                           TlsContext::no_sslv3 | TlsContext::no_tlsv1 | TlsContext::no_tlsv1_1,
                       error);
  if (!error) context->use_certificate_chain(asio::buffer(certificates.chain_pem), error);
  if (!error) {
    context->use_private_key(asio::buffer(certificates.key_pem), TlsContext::pem, error);
  }
  if (!error) return context;
  LogError("http.tls", "the certificate cannot be used: {}", error.message());
  return nullptr;
}

// One client, as its listener sees it.
class Client {
 public:
  virtual void Close() = 0;
  virtual bool answering() const = 0;

 protected:
  ~Client() = default;
};

// One address: accepts, counts and knows its connections. All on the server's thread.
class Listener {
 public:
  Listener(asio::io_context& io, HttpListener listener, const HttpLimits& limits,
           MetricRegistry& registry)
      : limits_(limits),
        name_(std::move(listener.name)),
        router_(std::move(listener.router)),
        protection_(std::move(listener.protection)),
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
  // Null for a path that everybody may ask for.
  Authenticator* AuthenticatorFor(const std::string& path) const {
    const auto& open = protection_.open_paths;
    return std::find(open.begin(), open.end(), path) == open.end() ? protection_.authenticator
                                                                   : nullptr;
  }
  bool draining() const { return draining_; }
  bool empty() const { return connections_.empty(); }

  void Count(int status) {
    registry_
        .AddCounter("ficus_http_requests_total", "HTTP requests answered.",
                    {{"listener", name_}, {"status", std::to_string(status)}})
        .Add();
  }
  void Enter(Client* client);
  void Leave(Client* client);
  // Called when the last connection has left.
  void OnEmpty(std::function<void()> on_empty) { on_empty_ = std::move(on_empty); }

 private:
  void OnAccept(const ErrorOf& error, tcp::socket socket);
  void Serve(tcp::socket socket);
  void Refuse(tcp::socket socket);

  // Constant after construction.
  const HttpLimits limits_;
  const std::string name_;
  const HttpRouter router_;
  const HttpProtection protection_;
  const std::string host_;
  const uint16_t wanted_port_;

  tcp::acceptor acceptor_;
  asio::steady_timer retry_;
  uint16_t port_ = 0;
  bool draining_ = false;
  std::unordered_set<Client*> connections_;
  std::shared_ptr<const Certificates> context_of_;  // what `context_` was made from
  std::shared_ptr<TlsContext> context_;
  std::function<void()> on_empty_;

  MetricRegistry& registry_;
  Gauge& open_;
  Counter& refused_;
};

// One client: read a request, answer it, again. Keeps itself alive by the operation it waits for.
template <typename Stream>
class Connection final : public Client, public std::enable_shared_from_this<Connection<Stream>> {
 public:
  // `context` is null for a PlainStream.
  Connection(tcp::socket socket, std::shared_ptr<TlsContext> context, Listener& listener)
      : listener_(listener),
        context_(std::move(context)),
        stream_(MakeStream(std::move(socket), context_.get())),
        // One request, and what a client that pipelines sent behind it.
        buffer_(listener.limits().header_bytes_max + 4096) {
    listener_.Enter(this);
  }
  ~Connection() { listener_.Leave(this); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void Start() {
    tcp_stream().socket().set_option(tcp::no_delay(true), ignored_);
    if constexpr (kIsTls) {
      tcp_stream().expires_after(listener_.limits().request_timeout);
      stream_.async_handshake(asio::ssl::stream_base::server,
                              [self = this->shared_from_this()](const ErrorOf& error) {
                                if (!error) self->AwaitRequest();
                              });
    } else {
      AwaitRequest();
    }
  }

  void Close() override { tcp_stream().close(); }
  bool answering() const override { return answering_; }

 private:
  static constexpr bool kIsTls = std::is_same_v<Stream, TlsStream>;

  static Stream MakeStream(tcp::socket socket, TlsContext* context) {
    if constexpr (kIsTls) {
      return Stream(beast::tcp_stream(std::move(socket)), *context);
    } else {
      return Stream(std::move(socket));
    }
  }
  beast::tcp_stream& tcp_stream() { return beast::get_lowest_layer(stream_); }

  // An idle client may be silent for long; one that has begun a request may not.
  void AwaitRequest() {
    if (buffer_.size() > 0) {
      ReadHeader();
      return;
    }
    tcp_stream().expires_after(listener_.limits().idle_timeout);
    stream_.async_read_some(buffer_.prepare(512),
                            [self = this->shared_from_this()](const ErrorOf& error, size_t bytes) {
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
    tcp_stream().expires_after(listener_.limits().request_timeout);
    http::async_read_header(stream_, buffer_, *parser_,
                            [self = this->shared_from_this()](const ErrorOf& error, size_t bytes) {
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
                     [self = this->shared_from_this()](const ErrorOf& error, size_t) {
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
                      [self = this->shared_from_this()](const ErrorOf& error, size_t) {
                        if (!error) self->ReadBody();
                      });
  }

  void Answer() {
    const auto& message = parser_->get();
    HttpRequest request;
    request.method = View(message.method_string());
    SplitTarget(View(message.target()), request);
    request.accept = View(message[http::field::accept]);
    request.authorization = View(message[http::field::authorization]);
    request.body = std::move(parser_->get().body());
    Authenticator* const authenticator = listener_.AuthenticatorFor(request.path);
    if (authenticator == nullptr) {
      AnswerWith(listener_.router().Handle(request), request);
    } else if (request.authorization.empty()) {
      AnswerWith(HeaderIsMissing(), request);
    } else if (const auto credential = ParseBasicAuth(request.authorization); credential) {
      Authenticate(*authenticator, *credential, std::move(request));
    } else {
      AnswerWith(HeaderIsWrong(credential.error()), request);
    }
  }

  // The verdict may come later and on another thread; the server's thread waits for it.
  void Authenticate(Authenticator& authenticator, const BasicCredential& credential,
                    HttpRequest request) {
    const auto executor = stream_.get_executor();
    // Moved on with the verdict: the connection ends on the server's thread, wherever that comes
    // from.
    authenticator.Check(credential.username, credential.password,
                        [self = this->shared_from_this(), request = std::move(request),
                         work = asio::make_work_guard(executor)](AuthVerdict verdict) mutable {
                          asio::post(work.get_executor(),
                                     [self = std::move(self), request = std::move(request),
                                      verdict] { self->AnswerVerdict(verdict, request); });
                        });
  }

  void AnswerVerdict(AuthVerdict verdict, const HttpRequest& request) {
    AnswerWith(
        verdict == AuthVerdict::kGranted ? listener_.router().Handle(request) : NotLetIn(verdict),
        request);
  }

  void AnswerWith(HttpResponse response, const HttpRequest& request) {
    Send(std::move(response), parser_->get().keep_alive(), request.method == "HEAD");
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
    if (!response.challenge.empty()) {
      response_.set(http::field::www_authenticate, response.challenge);
    }
    response_.keep_alive(keep_alive && !listener_.draining());
    response_.content_length(response.body.size());
    if (!head) response_.body() = std::move(response.body);

    answering_ = true;
    tcp_stream().expires_after(listener_.limits().write_timeout);
    http::async_write(stream_, response_,
                      [self = this->shared_from_this()](const ErrorOf& error, size_t) {
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
    if constexpr (kIsTls) {
      tcp_stream().expires_after(listener_.limits().request_timeout);
      stream_.async_shutdown(
          [self = this->shared_from_this()](const ErrorOf&) { self->FinishTcp(); });
    } else {
      FinishTcp();
    }
  }

  void FinishTcp() {
    tcp_stream().socket().shutdown(tcp::socket::shutdown_send, ignored_);
    if (listener_.draining()) return;
    tcp_stream().expires_after(listener_.limits().request_timeout);
    Discard();
  }

  void Discard() {
    buffer_.clear();
    tcp_stream().async_read_some(buffer_.prepare(4096),
                                 [self = this->shared_from_this()](const ErrorOf& error, size_t) {
                                   if (!error) self->Discard();
                                 });
  }

  Listener& listener_;
  const std::shared_ptr<TlsContext> context_;
  Stream stream_;
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
    Serve(std::move(socket));
  }
  Accept();
}

void Listener::Serve(tcp::socket socket) {
  if (protection_.certificates == nullptr) {
    std::make_shared<Connection<PlainStream>>(std::move(socket), nullptr, *this)->Start();
    return;
  }
  std::shared_ptr<const Certificates> current = protection_.certificates->Current();
  if (current != context_of_) {
    if (auto context = MakeTlsContext(*current); context != nullptr) context_ = std::move(context);
    context_of_ = std::move(current);
  }
  if (context_ == nullptr) return;
  std::make_shared<Connection<TlsStream>>(std::move(socket), context_, *this)->Start();
}

void Listener::Refuse(tcp::socket socket) {
  refused_.Add();
  static constexpr std::string_view kAnswer =
      "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
  // One attempt without waiting, and without TLS: a client that is not told sees a closed
  // connection.
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
  for (Client* connection : connections_) {
    if (!connection->answering()) connection->Close();
  }
}

void Listener::CutOff() {
  for (Client* connection : connections_) connection->Close();
}

void Listener::Enter(Client* client) {
  connections_.insert(client);
  open_.Set(static_cast<double>(connections_.size()));
}

void Listener::Leave(Client* client) {
  connections_.erase(client);
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
    ASSIGN_OR_RETURN(thread_, StartThread("the HTTP server", [this] { io_.run(); }));
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
  std::jthread thread_;
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
