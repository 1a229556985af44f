#include "server/client/node_channel.h"

#include <arpa/inet.h>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <netinet/in.h>
#include <optional>
#include <sys/socket.h>
#include <thread>

#include <catch2/catch.hpp>
#include <unistd.h>

#include "server/security/password_hash.h"
#include "test/server/rpc/rpc_harness.h"
#include "test/support/certificates.h"
#include "test/support/temp_directory.h"

namespace ficus {
namespace {

namespace db = banyandb::database::v1;

grpc::StatusCode Ask(const NodeAddress& node) {
  const auto channel = ConnectToNode(node);
  REQUIRE(channel.has_value());
  grpc::ClientContext call;
  call.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  db::GetCurrentNodeResponse response;
  return db::NodeQueryService::NewStub(*channel)->GetCurrentNode(&call, {}, &response).error_code();
}

// A node that wants a certificate of its clients, and a name and a password.
struct SecuredNode {
  TempDirectory directory;
  SystemClock clock;
  SystemRandom random;
  MetricRegistry metrics;
  TestAuthority authority{"authority"};
  CertificateFiles files{directory.File("cert.pem"), directory.File("key.pem"),
                         directory.File("ca.pem")};
  std::unique_ptr<ThreadExecutor> executor = ThreadExecutor::Create("verify", 1);
  Authenticator authenticator{{random, clock, *executor, metrics}, VerifyPassword};
  std::unique_ptr<CertificateSource> source;
  std::optional<RpcHarness> node;

  SecuredNode() {
    const IssuedCertificate server = authority.Issue();
    PutFile(files.cert, server.certificate_pem);
    PutFile(files.key, server.key_pem);
    PutFile(files.client_ca, authority.pem());
    const IssuedCertificate client = authority.Issue();
    PutFile(directory.File("client.pem"), client.certificate_pem);
    PutFile(directory.File("client-key.pem"), client.key_pem);
    PutFile(directory.File("password"), "canary\n");
    authenticator.SetUsers({{"oap", "canary", ""}});
    source = std::make_unique<CertificateSource>("grpc", files, ReadCertificates(files).value(),
                                                 clock, metrics);
    node.emplace(PortProtection{source.get(), &authenticator, HealthCheckAuth::kOpen});
  }
  ~SecuredNode() {
    authenticator.Close();
    node->server().Stop(0);
    executor->Close();
  }
  NodeAddress Address() {
    NodeAddress address;
    address.address = "127.0.0.1:" + std::to_string(node->port());
    address.ca_file = files.client_ca;
    address.cert_file = directory.File("client.pem");
    address.key_file = directory.File("client-key.pem");
    address.username = "oap";
    address.password_file = directory.File("password");
    return address;
  }
};

TEST_CASE("a secured node answers who has everything it wants", "[client]") {
  SecuredNode secured;
  NodeAddress address = secured.Address();
  REQUIRE(Ask(address) == grpc::StatusCode::OK);
  SECTION("by the variable of the environment, too") {
    address.password_file.clear();
    ::setenv("FICUS_PASSWORD", "canary", 1);
    REQUIRE(Ask(address) == grpc::StatusCode::OK);
    ::unsetenv("FICUS_PASSWORD");
  }
  SECTION("nobody else") {
    NodeAddress other = address;
    other.username.clear();
    REQUIRE(Ask(other) == grpc::StatusCode::UNAUTHENTICATED);
    other = address;
    other.cert_file.clear();
    other.key_file.clear();
    REQUIRE(Ask(other) == grpc::StatusCode::UNAVAILABLE);
    other = address;
    other.ca_file.clear();  // the system's authorities do not know the node
    REQUIRE(Ask(other) == grpc::StatusCode::UNAVAILABLE);
  }
}

TEST_CASE("the name in the node's certificate is checked, unless another is said", "[client]") {
  SecuredNode secured;
  CertificateWish wish;
  wish.alternative_names = {"DNS:node.example"};
  const IssuedCertificate server = secured.authority.Issue(wish);
  PutFile(secured.files.cert, server.certificate_pem);
  PutFile(secured.files.key, server.key_pem);
  REQUIRE(secured.source->Refresh().has_value());
  NodeAddress address = secured.Address();
  REQUIRE(Ask(address) == grpc::StatusCode::UNAVAILABLE);
  address.server_name = "node.example";
  REQUIRE(Ask(address) == grpc::StatusCode::OK);
}

// Takes connections and ends each at once.
class Refuser {
 public:
  Refuser() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* const any = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(listener_, any, length) == 0);
    REQUIRE(::listen(listener_, 16) == 0);
    REQUIRE(::getsockname(listener_, any, &length) == 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] {
      for (;;) {
        const int connection = ::accept(listener_, nullptr, nullptr);
        if (connection < 0) return;
        ++taken_;
        ::close(connection);
      }
    });
  }
  ~Refuser() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }
  int taken() const { return taken_; }

 private:
  const int listener_;
  uint16_t port_ = 0;
  std::atomic<int> taken_{0};
  std::thread thread_;
};

TEST_CASE("a connection that fails is tried once more before anything is asked", "[client]") {
  Refuser refuser;
  NodeAddress node;
  node.address = refuser.address();
  // gRPC by itself would try again long after the wait is over.
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 600'000);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 600'000);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 600'000);
  const auto channel = ConnectToNode(node, arguments);
  REQUIRE(channel.has_value());
  Reach(*channel, std::chrono::seconds(15));
  REQUIRE(refuser.taken() >= 2);
}

TEST_CASE("where nobody listens, the wait ends", "[client]") {
  NodeAddress node;
  node.address = Refuser().address();
  const auto channel = ConnectToNode(node);
  REQUIRE(channel.has_value());
  const auto begun = std::chrono::steady_clock::now();
  Reach(*channel, std::chrono::milliseconds(100));
  REQUIRE(std::chrono::steady_clock::now() - begun < std::chrono::minutes(5));
  REQUIRE((*channel)->GetState(false) != GRPC_CHANNEL_READY);
}

std::string Complaint(const NodeAddress& node) {
  const auto channel = ConnectToNode(node);
  REQUIRE_FALSE(channel.has_value());
  REQUIRE(channel.error().message.find("canary") == std::string::npos);
  return channel.error().message;
}

TEST_CASE("settings that cannot be used are refused by name", "[client]") {
  const TempDirectory directory;
  PutFile(directory.File("password"), "canary", 0644);
  NodeAddress node;
  node.username = "oap";
  SECTION("no password") {
    REQUIRE(Complaint(node).find("--password-file or set FICUS_PASSWORD") != std::string::npos);
  }
  SECTION("a password that others may read") {
    node.password_file = directory.File("password");
    REQUIRE(Complaint(node).find("chmod 0600") != std::string::npos);
  }
  SECTION("a password over a network in plain text") {
    PutFile(directory.File("password"), "canary", 0600);
    node.password_file = directory.File("password");
    node.address = "node.example:17912";
    REQUIRE(Complaint(node).find("--tls, or say --insecure") != std::string::npos);
    node.insecure = true;
    REQUIRE(ConnectToNode(node).has_value());
  }
  SECTION("half of a certificate") {
    node.username.clear();
    node.cert_file = directory.File("password");
    REQUIRE(Complaint(node).find("give both") != std::string::npos);
  }
  SECTION("an authority that is missing") {
    node.username.clear();
    node.ca_file = directory.File("none.pem");
    REQUIRE(Complaint(node).find("none.pem: No such file") != std::string::npos);
  }
}

}  // namespace
}  // namespace ficus
