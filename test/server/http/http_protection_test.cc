// A listener with TLS and users, from outside.
#include <optional>

#include <catch2/catch.hpp>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "engine/base/log.h"
#include "server/http/http_server.h"
#include "server/security/password_hash.h"
#include "test/server/http/loopback_client.h"
#include "test/support/certificates.h"
#include "test/support/temp_directory.h"

namespace ficus {
namespace {

constexpr char kRight[] = "Authorization: Basic b2FwOnJpZ2h0\r\n";       // oap:right
constexpr char kWrong[] = "Authorization: Basic b2FwOndyb25n\r\n";       // oap:wrong
constexpr char kHashed[] = "Authorization: Basic aGFzaDpyaWdodA==\r\n";  // hash:right

HttpRouter Routes() {
  HttpRouter router;
  for (const char* path : {"/open", "/closed"}) {
    router.Add("GET", path, [](const HttpRequest&) {
      HttpResponse response;
      response.body = "yes\n";
      return response;
    });
  }
  return router;
}

std::string Get(const std::string& path, const std::string& header = "") {
  return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + header + "\r\n";
}

struct Fixture {
  LogCapture log;
  SystemClock clock;
  SystemRandom random;
  MetricRegistry metrics;
  std::unique_ptr<ThreadExecutor> executor = ThreadExecutor::Create("verify", 1);
  Authenticator authenticator{{random, clock, *executor, metrics}, VerifyPassword};
  std::unique_ptr<HttpServer> server;

  explicit Fixture(CertificateSource* certificates = nullptr) {
    authenticator.SetUsers({{"oap", "right", ""}, {"hash", "", HashPassword("right").value()}});
    std::vector<HttpListener> listeners;
    listeners.push_back({"http", "127.0.0.1", 0, Routes(), {}});
    listeners[0].protection = {certificates, &authenticator, {"/open"}};
    server = HttpServer::Start(std::move(listeners), {}, metrics).value();
  }
  ~Fixture() {
    authenticator.Close();
    server->Stop(std::chrono::milliseconds(500));
    executor->Close();
  }
};

TEST_CASE("a listener with users lets in who has a name and a password", "[http][auth]") {
  Fixture fixture;
  LoopbackClient client(fixture.server->port(0));
  const auto ask = [&](const std::string& path, const std::string& header) {
    REQUIRE(client.Send(Get(path, header)));
    return client.Read();
  };
  Reply missing = ask("/closed", "");
  REQUIRE(missing.status == 401);
  REQUIRE(missing.headers["WWW-Authenticate"] == "Basic realm=\"Restricted\"");
  REQUIRE(ask("/closed", kWrong).status == 401);
  REQUIRE(ask("/closed", "Authorization: Bearer x\r\n").status == 400);
  REQUIRE(ask("/nowhere", "").status == 401);  // not even which paths there are
  REQUIRE(ask("/closed", kRight).body == "yes\n");
  REQUIRE(ask("/closed", kHashed).body == "yes\n");
  REQUIRE(ask("/closed", kHashed).body == "yes\n");
  REQUIRE(ask("/open", "").body == "yes\n");
  REQUIRE(ask("/open?x", "").body == "yes\n");
  REQUIRE(ask("/nowhere", kRight).status == 404);
}

TEST_CASE("a server that stops does not wait for a verification", "[http][auth]") {
  auto fixture = std::make_unique<Fixture>();
  LoopbackClient client(fixture->server->port(0));
  REQUIRE(client.Send(Get("/closed", kHashed)));
  fixture.reset();
  client.Drain();
}

// A client that trusts `authority`; the whole answer, or none when there is no handshake.
std::optional<std::string> AskTls(uint16_t port, const std::string& authority,
                                  const std::string& request, int version = TLS1_3_VERSION) {
  SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_security_level(context, 0);
  SSL_CTX_set_min_proto_version(context, version);
  SSL_CTX_set_max_proto_version(context, version);
  BIO* const pem = BIO_new_mem_buf(authority.data(), static_cast<int>(authority.size()));
  X509* const trusted = PEM_read_bio_X509(pem, nullptr, nullptr, nullptr);
  X509_STORE_add_cert(SSL_CTX_get_cert_store(context), trusted);
  X509_free(trusted);
  BIO_free(pem);
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nullptr);
  BIO* const bio = BIO_new_ssl_connect(context);
  BIO_set_conn_hostname(bio, ("127.0.0.1:" + std::to_string(port)).c_str());
  std::optional<std::string> answer;
  if (BIO_do_handshake(bio) == 1) {
    answer.emplace();
    BIO_write(bio, request.data(), static_cast<int>(request.size()));
    char bytes[4096];
    for (int got = 0; (got = BIO_read(bio, bytes, sizeof bytes)) > 0;) {
      answer->append(bytes, static_cast<size_t>(got));
    }
  }
  BIO_free_all(bio);
  SSL_CTX_free(context);
  return answer;
}

TEST_CASE("a listener with a certificate speaks TLS 1.2 or newer", "[http][tls]") {
  const TempDirectory directory;
  TestAuthority authority("authority");
  const CertificateFiles files{directory.File("cert.pem"), directory.File("key.pem"), ""};
  const auto put = [&](TestAuthority& by) {
    const IssuedCertificate issued = by.Issue();
    PutFile(files.cert, issued.certificate_pem);
    PutFile(files.key, issued.key_pem);
  };
  put(authority);
  SystemClock clock;
  MetricRegistry metrics;
  CertificateSource source("http", files, ReadCertificates(files).value(), clock, metrics);
  Fixture fixture(&source);
  const uint16_t port = fixture.server->port(0);
  const std::string last = std::string(kRight) + "Connection: close\r\n";

  const int version = GENERATE(TLS1_2_VERSION, TLS1_3_VERSION);
  const auto answer = AskTls(port, authority.pem(), Get("/closed", last), version);
  REQUIRE(answer.has_value());
  REQUIRE_THAT(*answer, Catch::StartsWith("HTTP/1.1 200 OK\r\n"));
  REQUIRE_THAT(*answer, Catch::EndsWith("\r\n\r\nyes\n"));
  REQUIRE_FALSE(AskTls(port, authority.pem(), Get("/closed", last), TLS1_1_VERSION).has_value());

  // Nobody who does not speak TLS is answered.
  LoopbackClient plain(port);
  REQUIRE(plain.Send(Get("/open")));
  plain.Drain();

  // A new certificate counts from the next connection on; one that cannot be used does not.
  TestAuthority next("next");
  put(next);
  REQUIRE(source.Refresh().has_value());
  REQUIRE(AskTls(port, next.pem(), Get("/closed", last)).has_value());
  REQUIRE_FALSE(AskTls(port, authority.pem(), Get("/closed", last)).has_value());
  PutFile(files.key, authority.Issue().key_pem);
  REQUIRE_FALSE(source.Refresh().has_value());
  REQUIRE(AskTls(port, next.pem(), Get("/closed", last)).has_value());
}

}  // namespace
}  // namespace ficus
