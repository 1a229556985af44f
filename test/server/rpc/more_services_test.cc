// Services that the daemon adds to the server's own.
#include <string>
#include <vector>

#include <grpcpp/generic/generic_stub.h>

#include "ficus/admin/v1/admin.grpc.pb.h"
#include "test/server/rpc/rpc_harness.h"

namespace ficus {
namespace {

namespace v1 = admin::v1;

class OneRemote final : public v1::AdminService::Service {
 public:
  grpc::Status ListRemotes(grpc::ServerContext*, const v1::ListRemotesRequest*,
                           v1::ListRemotesResponse* response) override {
    response->add_remotes()->set_name("disk");
    return grpc::Status::OK;
  }
};

// The answer of the reflection service to "list services", as bytes: the names stand in it.
std::string ListedServices(const std::shared_ptr<grpc::Channel>& channel) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext call;
  grpc::CompletionQueue queue;
  const auto wait = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    REQUIRE(queue.Next(&tag, &ok));
    REQUIRE(ok);
  };
  const auto stream = stub.PrepareCall(
      &call, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", &queue);
  stream->StartCall(nullptr);
  wait();
  const grpc::Slice list_services(std::string("\x3a\x00", 2));  // field 7, an empty string
  stream->Write(grpc::ByteBuffer(&list_services, 1), nullptr);
  wait();
  grpc::ByteBuffer answer;
  stream->Read(&answer, nullptr);
  wait();
  grpc::Status status;
  call.TryCancel();
  stream->Finish(&status, nullptr);
  wait();
  queue.Shutdown();
  std::vector<grpc::Slice> slices;
  REQUIRE(answer.Dump(&slices).ok());
  std::string bytes;
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return bytes;
}

TEST_CASE("a service that is added is served and shown by reflection", "[rpc][admin]") {
  RpcHarness node;
  OneRemote service;
  auto server = RpcServer::Start(node.context(), {}, {&service});
  REQUIRE(server.has_value());
  const auto channel = grpc::CreateChannel("127.0.0.1:" + std::to_string((*server)->port()),
                                           grpc::InsecureChannelCredentials());
  grpc::ClientContext call;
  v1::ListRemotesResponse response;
  REQUIRE(v1::AdminService::NewStub(channel)->ListRemotes(&call, {}, &response).ok());
  REQUIRE(response.remotes(0).name() == "disk");
  REQUIRE(ListedServices(channel).find("ficus.admin.v1.AdminService") != std::string::npos);
  REQUIRE(ListedServices(node.channel()).find("ficus.admin") == std::string::npos);
  (*server)->Stop(0);
}

}  // namespace
}  // namespace ficus
