#include "server/rpc/bounded_calls.h"

#include <thread>

#include <grpcpp/impl/codegen/client_unary_call.h>

#include "test/server/rpc/rpc_harness.h"

namespace ficus {
namespace {

namespace measure = banyandb::measure::v1;
namespace db = banyandb::database::v1;

// Whether everything of calls that are over has been given back, sooner or later.
bool HoldsNothing(RpcHarness& node, MemoryConsumer consumer) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (node.ledger().used_bytes(consumer) > 0) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::yield();
  }
  return true;
}

// Small on the wire, hundreds of MiB once it is parsed.
measure::QueryRequest Bomb() {
  measure::QueryRequest request;
  for (int i = 0; i < 1'000'000; ++i) request.mutable_tag_projection()->add_tag_families();
  return request;
}

TEST_CASE("a request that would take too much memory is refused before it is parsed",
          "[rpc][limits]") {
  RpcHarness node;
  node.CreateSchema("g", "m");
  measure::QueryResponse response;
  const grpc::Status status = node.Ask(Bomb(), response);
  REQUIRE(status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
  REQUIRE(status.error_message().find("more than 64 MiB of memory") != std::string::npos);
  // A registry, too: the message is an unknown field for it, over and over.
  db::GroupRegistryServiceGetRequest get;
  auto* const unknown =
      db::GroupRegistryServiceGetRequest::GetReflection()->MutableUnknownFields(&get);
  for (int i = 0; i < 2'000'000; ++i) unknown->AddVarint(1000, 1);
  grpc::ClientContext call;
  db::GroupRegistryServiceGetResponse group;
  REQUIRE(db::GroupRegistryService::NewStub(node.channel())->Get(&call, get, &group).error_code() ==
          grpc::StatusCode::RESOURCE_EXHAUSTED);
  // The node is as before.
  REQUIRE(node.Ask(node.Query("g", "m"), response).ok());
  REQUIRE(HoldsNothing(node, MemoryConsumer::kRequests));
}

TEST_CASE("a request that the ledger has no room for is refused", "[rpc][limits]") {
  RpcHarness node;
  node.CreateSchema("g", "m");
  MemoryReservation everything =
      node.ledger().Account(MemoryConsumer::kCaches, node.ledger().limit_bytes());
  measure::QueryResponse response;
  REQUIRE(node.Ask(node.Query("g", "m"), response).error_code() ==
          grpc::StatusCode::RESOURCE_EXHAUSTED);
  everything.Release();
  REQUIRE(node.Ask(node.Query("g", "m"), response).ok());
}

TEST_CASE("bytes that are no message are an invalid argument, not an unknown method",
          "[rpc][limits]") {
  RpcHarness node;
  grpc::ClientContext call;
  // A query's bytes are no group's: a text where a message belongs.
  grpc::internal::RpcMethod method("/banyandb.database.v1.GroupRegistryService/Create",
                                   grpc::internal::RpcMethod::NORMAL_RPC, node.channel());
  db::GroupRegistryServiceGetRequest text;
  text.set_group("\xff\xff\xff\xff");
  db::GroupRegistryServiceCreateResponse response;
  const grpc::Status status =
      grpc::internal::BlockingUnaryCall(node.channel().get(), method, &call, text, &response);
  REQUIRE(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_CASE("a call that is over holds nothing of the ledger", "[rpc][limits]") {
  RpcHarness node;
  node.CreateSchema("g", "m");
  measure::QueryResponse response;
  REQUIRE(node.Ask(node.Query("g", "m"), response).ok());
  REQUIRE(HoldsNothing(node, MemoryConsumer::kQueries));
}

}  // namespace
}  // namespace ficus
