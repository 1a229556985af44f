#include "server/rpc/server_credentials.h"

#include <ctime>
#include <optional>

#include <grpcpp/security/credentials.h>
#include <openssl/bio.h>
#include <openssl/ssl.h>

#include "test/server/rpc/rpc_harness.h"
#include "test/support/certificates.h"
#include "test/support/temp_directory.h"

namespace ficus {
namespace {

namespace db = banyandb::database::v1;

// The certificate of a port in files, and clients of that port.
struct Port {
  TempDirectory directory;
  MetricRegistry metrics;
  SystemClock clock;
  TestAuthority authority{"server authority"};
  TestAuthority client_authority{"client authority"};
  CertificateFiles files{directory.File("cert.pem"), directory.File("key.pem"), ""};
  std::unique_ptr<CertificateSource> source;
  std::optional<RpcHarness> node;

  explicit Port(bool mutual = false) {
    if (mutual) {
      files.client_ca = directory.File("ca.pem");
      PutFile(files.client_ca, client_authority.pem());
    }
    Put(authority.Issue());
    source = std::make_unique<CertificateSource>("grpc", files, ReadCertificates(files).value(),
                                                 clock, metrics);
    node.emplace(PortProtection{source.get(), nullptr, HealthCheckAuth::kOpen});
  }
  void Put(const IssuedCertificate& issued) const {
    PutFile(files.cert, issued.certificate_pem);
    PutFile(files.key, issued.key_pem);
  }

  // A client with a connection of its own.
  std::shared_ptr<grpc::Channel> Connect(std::shared_ptr<grpc::ChannelCredentials> credentials) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    return grpc::CreateCustomChannel("127.0.0.1:" + std::to_string(node->port()), credentials,
                                     arguments);
  }
  std::shared_ptr<grpc::Channel> Connect(const std::string& roots,
                                         const IssuedCertificate& own = {}) {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = roots;
    options.pem_cert_chain = own.certificate_pem;
    options.pem_private_key = own.key_pem;
    return Connect(grpc::SslCredentials(options));
  }
};

grpc::StatusCode Ask(const std::shared_ptr<grpc::Channel>& channel) {
  grpc::ClientContext call;
  call.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  db::GetCurrentNodeResponse response;
  return db::NodeQueryService::NewStub(channel)->GetCurrentNode(&call, {}, &response).error_code();
}

constexpr auto kOk = grpc::StatusCode::OK;
constexpr auto kRefused = grpc::StatusCode::UNAVAILABLE;

TEST_CASE("a port with a certificate serves who trusts its authority", "[rpc][tls]") {
  Port port;
  REQUIRE(Ask(port.Connect(port.authority.pem())) == kOk);
  REQUIRE(Ask(port.Connect(port.client_authority.pem())) == kRefused);
  REQUIRE(Ask(port.Connect(grpc::InsecureChannelCredentials())) == kRefused);
}

TEST_CASE("a port that wants certificates of clients serves nobody without one", "[rpc][tls]") {
  Port port(true);
  const std::string& roots = port.authority.pem();
  REQUIRE(Ask(port.Connect(roots, port.client_authority.Issue())) == kOk);
  REQUIRE(Ask(port.Connect(roots)) == kRefused);
  REQUIRE(Ask(port.Connect(roots, port.authority.Issue())) == kRefused);
  REQUIRE(Ask(port.Connect(roots, TestAuthority("client authority").Issue())) == kRefused);
  CertificateWish ended;
  ended.begins_in_seconds = -7200;
  ended.ends_in_seconds = -3600;
  REQUIRE(Ask(port.Connect(roots, port.client_authority.Issue(ended))) == kRefused);
}

TEST_CASE("a new certificate counts for new connections, and the old ones go on", "[rpc][tls]") {
  Port port;
  const auto before = port.Connect(port.authority.pem());
  REQUIRE(Ask(before) == kOk);
  grpc::ClientContext context;
  const auto stub = banyandb::measure::v1::MeasureService::NewStub(before);
  const auto stream = stub->Write(&context);

  TestAuthority next("next authority");
  port.Put(next.Issue());
  REQUIRE(port.source->Refresh().has_value());
  REQUIRE(Ask(port.Connect(next.pem())) == kOk);
  REQUIRE(Ask(port.Connect(port.authority.pem())) == kRefused);
  REQUIRE(Ask(before) == kOk);
  REQUIRE(stream->WritesDone());
  REQUIRE(stream->Finish().ok());
}

TEST_CASE("files that cannot be used change nothing for clients", "[rpc][tls]") {
  Port port;
  TestAuthority next("next authority");
  const IssuedCertificate issued = next.Issue();
  SECTION("a certificate without its key") { PutFile(port.files.cert, issued.certificate_pem); }
  SECTION("half a certificate") {
    port.Put({issued.certificate_pem.substr(0, 100), issued.key_pem});
  }
  SECTION("empty files") { port.Put({"", ""}); }
  REQUIRE_FALSE(port.source->Refresh().has_value());
  REQUIRE(Ask(port.Connect(port.authority.pem())) == kOk);
  port.Put(issued);
  REQUIRE(port.source->Refresh().has_value());
  REQUIRE(Ask(port.Connect(next.pem())) == kOk);
}

TEST_CASE("another authority for clients counts for new connections", "[rpc][tls]") {
  Port port(true);
  TestAuthority next("next client authority");
  const std::string& roots = port.authority.pem();
  REQUIRE(Ask(port.Connect(roots, next.Issue())) == kRefused);
  PutFile(port.files.client_ca, next.pem());
  REQUIRE(port.source->Refresh().has_value());
  REQUIRE(Ask(port.Connect(roots, next.Issue())) == kOk);
  REQUIRE(Ask(port.Connect(roots, port.client_authority.Issue())) == kRefused);
}

// Shakes hands with nothing newer than `version`.
bool ShakesHands(uint16_t tcp_port, int version) {
  SSL_CTX* const context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_security_level(context, 0);
  SSL_CTX_set_min_proto_version(context, version);
  SSL_CTX_set_max_proto_version(context, version);
  SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0");
  const unsigned char protocols[] = {2, 'h', '2'};
  SSL_CTX_set_alpn_protos(context, protocols, sizeof protocols);
  BIO* const bio = BIO_new_ssl_connect(context);
  BIO_set_conn_hostname(bio, ("127.0.0.1:" + std::to_string(tcp_port)).c_str());
  const bool done = BIO_do_handshake(bio) == 1;
  BIO_free_all(bio);
  SSL_CTX_free(context);
  return done;
}

TEST_CASE("TLS begins at 1.2", "[rpc][tls]") {
  Port port;
  REQUIRE(ShakesHands(port.node->port(), TLS1_3_VERSION));
  REQUIRE(ShakesHands(port.node->port(), TLS1_2_VERSION));
  REQUIRE_FALSE(ShakesHands(port.node->port(), TLS1_1_VERSION));
  REQUIRE_FALSE(ShakesHands(port.node->port(), TLS1_VERSION));
}

}  // namespace
}  // namespace ficus
