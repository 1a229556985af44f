#include "server/rpc/call_guard.h"

#include <set>

#include <google/protobuf/descriptor.h>
#include <google/protobuf/empty.pb.h>
#include <google/protobuf/unknown_field_set.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/security/credentials.h>

#include "engine/base/log.h"
#include "server/security/password_hash.h"
#include "test/server/rpc/fake_node.h"
#include "test/server/rpc/rpc_harness.h"

namespace ficus {
namespace {

constexpr char kRight[] = "right-canary";
constexpr char kWrong[] = "wrong-canary";

// A node with two users, in plain text on loopback.
struct GuardedNode {
  SystemClock clock;
  SystemRandom random;
  MetricRegistry metrics;
  std::unique_ptr<ThreadExecutor> executor = ThreadExecutor::Create("verify", 1);
  Authenticator authenticator{{random, clock, *executor, metrics}, VerifyPassword};
  ManualClock fake_clock{0};
  MemoryLedger ledger{size_t{1} << 30};
  FakeUpkeep upkeep;
  FakeBackups backups;
  FakeSetup setup;
  FakeSchedules schedules;
  FakeConfiguration configuration;
  AdminService admin{
      AdminParts{fake_clock, ledger, upkeep, backups, setup, schedules, configuration}};
  RpcHarness node;

  explicit GuardedNode(HealthCheckAuth health = HealthCheckAuth::kOpen)
      : node(PortProtection{nullptr, &authenticator, health}, {&admin}) {
    authenticator.SetUsers({{"hashed", "", HashPassword(kRight).value()}, {"plain", kRight, ""}});
  }
  ~GuardedNode() {
    authenticator.Close();
    node.server().Stop(0);
    executor->Close();
  }
};

struct Credential {
  std::string username;
  std::string password;
};

struct Answer {
  grpc::Status status;
  std::string first_message;
};

// Calls any method of any kind: one message, then the end. `message` is the request's bytes.
Answer Call(const std::shared_ptr<grpc::Channel>& channel, const std::string& path,
            const std::optional<Credential>& credential, const std::string& message = "") {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
  if (credential.has_value()) {
    context.AddMetadata("username", credential->username);
    context.AddMetadata("password", credential->password);
  }
  grpc::CompletionQueue queue;
  grpc::GenericStub stub(channel);
  const auto call = stub.PrepareCall(&context, path, &queue);
  const auto step = [&](const auto& begin) {
    begin();
    void* tag = nullptr;
    bool ok = false;
    queue.Next(&tag, &ok);
    return ok;
  };
  Answer answer;
  grpc::ByteBuffer received;
  const grpc::Slice slice(message);
  step([&] { call->StartCall(nullptr); });
  step([&] { call->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions(), nullptr); });
  if (step([&] { call->Read(&received, nullptr); })) {
    std::vector<grpc::Slice> slices;
    REQUIRE(received.Dump(&slices).ok());
    for (const grpc::Slice& piece : slices) {
      answer.first_message.append(reinterpret_cast<const char*>(piece.begin()), piece.size());
    }
    // What answers for ever is let go.
    if (path == "/grpc.health.v1.Health/Watch") context.TryCancel();
  }
  step([&] { call->Finish(&answer.status, nullptr); });
  queue.Shutdown();
  void* tag = nullptr;
  bool ok = false;
  while (queue.Next(&tag, &ok)) {
  }
  return answer;
}

constexpr char kReflection[] = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo";

// The services that the server itself names, by reflection.
std::vector<std::string> Services(const std::shared_ptr<grpc::Channel>& channel,
                                  const Credential& credential) {
  // list_services is field 7 of the request, list_services_response field 6 of the answer; its
  // field 1 are the services, with the name as field 1.
  const Answer answer = Call(channel, kReflection, credential, std::string("\x3a\x01*", 3));
  REQUIRE(answer.status.ok());
  google::protobuf::Empty response;
  REQUIRE(response.ParseFromString(answer.first_message));
  std::vector<std::string> names;
  const auto& fields = google::protobuf::Empty::GetReflection()->GetUnknownFields(response);
  for (int i = 0; i < fields.field_count(); ++i) {
    if (fields.field(i).number() != 6) continue;
    google::protobuf::UnknownFieldSet list;
    REQUIRE(list.ParseFromString(fields.field(i).length_delimited()));
    for (int j = 0; j < list.field_count(); ++j) {
      google::protobuf::UnknownFieldSet service;
      REQUIRE(service.ParseFromString(list.field(j).length_delimited()));
      names.push_back(service.field(0).length_delimited());
    }
  }
  return names;
}

// The paths of all methods of a service.
std::vector<std::string> MethodsOf(const std::string& service) {
  if (service == "grpc.health.v1.Health")
    return {"/" + service + "/Check", "/" + service + "/Watch"};
  if (service == "grpc.reflection.v1alpha.ServerReflection") return {kReflection};
  const auto* const descriptor =
      google::protobuf::DescriptorPool::generated_pool()->FindServiceByName(service);
  CAPTURE(service);
  REQUIRE(descriptor != nullptr);
  std::vector<std::string> paths;
  for (int i = 0; i < descriptor->method_count(); ++i) {
    paths.push_back("/" + service + "/" + descriptor->method(i)->name());
  }
  return paths;
}

TEST_CASE("no method of any service answers without credentials", "[rpc][auth]") {
  GuardedNode guarded(HealthCheckAuth::kRequired);
  const auto& channel = guarded.node.channel();
  const std::vector<std::string> services = Services(channel, {"plain", kRight});
  const std::set<std::string> names(services.begin(), services.end());
  for (const char* name :
       {"grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection",
        "ficus.admin.v1.AdminService", "banyandb.common.v1.Service",
        "banyandb.measure.v1.MeasureService", "banyandb.database.v1.SnapshotService"}) {
    CAPTURE(name);
    REQUIRE(names.count(name) == 1);
  }
  size_t methods = 0;
  for (const std::string& service : services) {
    for (const std::string& path : MethodsOf(service)) {
      CAPTURE(path);
      const grpc::Status none = Call(channel, path, std::nullopt).status;
      REQUIRE(none.error_code() == grpc::StatusCode::UNAUTHENTICATED);
      REQUIRE(none.error_message() == "Invalid credentials");
      const grpc::Status wrong = Call(channel, path, Credential{"plain", kWrong}).status;
      REQUIRE(wrong.error_code() == grpc::StatusCode::UNAUTHENTICATED);
      const grpc::Status right = Call(channel, path, Credential{"plain", kRight}).status;
      REQUIRE(right.error_code() != grpc::StatusCode::UNAUTHENTICATED);
      ++methods;
    }
  }
  REQUIRE(methods > 50);
}

TEST_CASE("a path that no service has is guarded, too", "[rpc][auth]") {
  GuardedNode guarded;
  const auto& channel = guarded.node.channel();
  REQUIRE(Call(channel, "/a.B/C", std::nullopt).status.error_code() ==
          grpc::StatusCode::UNAUTHENTICATED);
  REQUIRE(Call(channel, "/a.B/C", Credential{"plain", kRight}).status.error_code() ==
          grpc::StatusCode::UNIMPLEMENTED);
}

TEST_CASE("wrong and absent credentials have BanyanDB's answer", "[rpc][auth]") {
  GuardedNode guarded;
  const std::string path = "/banyandb.database.v1.NodeQueryService/GetCurrentNode";
  const auto refused = [&](const std::optional<Credential>& credential) {
    const grpc::Status status = Call(guarded.node.channel(), path, credential).status;
    return status.error_code() == grpc::StatusCode::UNAUTHENTICATED &&
           status.error_message() == "Invalid credentials";
  };
  REQUIRE(refused(std::nullopt));
  REQUIRE(refused(Credential{"plain", kWrong}));
  REQUIRE(refused(Credential{"plain", ""}));
  REQUIRE(refused(Credential{"", kRight}));
  REQUIRE(refused(Credential{"nobody", kRight}));
  REQUIRE(refused(Credential{"hashed", kWrong}));
  REQUIRE(Call(guarded.node.channel(), path, Credential{"plain", kRight}).status.ok());
  REQUIRE(Call(guarded.node.channel(), path, Credential{"hashed", kRight}).status.ok());
  REQUIRE(Call(guarded.node.channel(), path, Credential{"hashed", kRight}).status.ok());
}

TEST_CASE("a health check is open unless it is said otherwise, watching never is", "[rpc][auth]") {
  const auto health = GENERATE(HealthCheckAuth::kOpen, HealthCheckAuth::kRequired);
  GuardedNode guarded(health);
  const auto& channel = guarded.node.channel();
  const grpc::Status check = Call(channel, "/grpc.health.v1.Health/Check", std::nullopt).status;
  REQUIRE(check.ok() == (health == HealthCheckAuth::kOpen));
  REQUIRE(Call(channel, "/grpc.health.v1.Health/Watch", std::nullopt).status.error_code() ==
          grpc::StatusCode::UNAUTHENTICATED);
  REQUIRE_FALSE(Call(channel, "/grpc.health.v1.Health/Watch", Credential{"plain", kRight})
                    .first_message.empty());
}

TEST_CASE("a server that stops does not wait for a verification", "[rpc][auth]") {
  GuardedNode guarded;
  const std::string path = "/banyandb.database.v1.NodeQueryService/GetCurrentNode";
  std::vector<std::thread> clients;
  std::atomic<int> busy{0};
  for (int i = 0; i < 12; ++i) {
    clients.emplace_back([&, i] {
      const auto code = Call(guarded.node.channel(), path, Credential{"hashed", std::to_string(i)})
                            .status.error_code();
      busy += code == grpc::StatusCode::RESOURCE_EXHAUSTED;
    });
  }
  guarded.authenticator.Close();
  for (std::thread& client : clients) client.join();
  // Four wait for one user at a time; all others are told so at once, and the rest by Close.
  REQUIRE(busy >= 8);
}

TEST_CASE("no password reaches the log", "[rpc][auth]") {
  LogCapture log;
  {
    GuardedNode guarded;
    const std::string path = "/banyandb.database.v1.NodeQueryService/GetCurrentNode";
    for (const char* name : {"plain", "hashed", "nobody"}) {
      Call(guarded.node.channel(), path, Credential{name, kRight});
      Call(guarded.node.channel(), path, Credential{name, kWrong});
    }
  }
  for (const LogCapture::Line& line : log.lines()) {
    REQUIRE(line.text.find("canary") == std::string::npos);
  }
}

}  // namespace
}  // namespace ficus
