#include "server/rpc/barrier_service.h"

#include <chrono>
#include <limits>
#include <memory>
#include <string>
#include <thread>

#include <catch2/catch.hpp>

#include "banyandb/schema/v1/barrier.grpc.pb.h"
#include "test/server/rpc/rpc_harness.h"

namespace ficus {
namespace {

namespace schema = banyandb::schema::v1;

// A client that waits `timeout_millis` at most, as it tells the node.
class Client {
 public:
  explicit Client(RpcHarness& node)
      : stub_(schema::SchemaBarrierService::NewStub(node.channel())) {}

  schema::AwaitRevisionAppliedResponse Revision(int64_t revision) {
    schema::AwaitRevisionAppliedRequest request;
    request.set_min_revision(revision);
    return Call<schema::AwaitRevisionAppliedResponse>(
        request, [&](auto... args) { return stub_->AwaitRevisionApplied(args...); });
  }
  schema::AwaitSchemaAppliedResponse Applied(schema::AwaitSchemaAppliedRequest request) {
    return Call<schema::AwaitSchemaAppliedResponse>(
        request, [&](auto... args) { return stub_->AwaitSchemaApplied(args...); });
  }
  schema::AwaitSchemaDeletedResponse Deleted(schema::AwaitSchemaDeletedRequest request) {
    return Call<schema::AwaitSchemaDeletedResponse>(
        request, [&](auto... args) { return stub_->AwaitSchemaDeleted(args...); });
  }

  int64_t timeout_millis = 50;
  grpc::StatusCode code = grpc::StatusCode::OK;  // of the next answer
  std::chrono::milliseconds deadline{60'000};

 private:
  template <typename Response, typename Request, typename Method>
  Response Call(Request request, const Method& method) {
    request.mutable_timeout()->set_seconds(timeout_millis / 1000);
    request.mutable_timeout()->set_nanos(static_cast<int32_t>(timeout_millis % 1000 * 1'000'000));
    grpc::ClientContext call;
    call.set_deadline(std::chrono::system_clock::now() + deadline);
    Response response;
    const grpc::Status status = method(&call, request, &response);
    CAPTURE(status.error_message());
    REQUIRE(status.error_code() == code);
    return response;
  }

  std::unique_ptr<schema::SchemaBarrierService::Stub> stub_;
};

schema::SchemaKey Key(const std::string& kind, const std::string& group, const std::string& name) {
  schema::SchemaKey key;
  key.set_kind(kind);
  key.set_group(group);
  key.set_name(name);
  return key;
}

TEST_CASE("a revision that is reached is answered at once, another one when time is up",
          "[rpc][barrier]") {
  RpcHarness node;
  node.CreateSchema("g", "m");
  Client client(node);
  const int64_t revision = node.database().Schema()->revision();
  client.timeout_millis = 3'600'000;
  REQUIRE(client.Revision(revision).applied());
  REQUIRE(client.Revision(0).applied());
  client.timeout_millis = 50;
  const auto late = client.Revision(revision + 1);
  REQUIRE(!late.applied());
  REQUIRE(late.laggards_size() == 1);
  REQUIRE(late.laggards(0).current_mod_revision() == revision);
}

TEST_CASE("keys are awaited with their revisions, and named when they did not come",
          "[rpc][barrier]") {
  RpcHarness node;
  node.CreateSchema("g", "m");
  Client client(node);
  const int64_t revision =
      node.database().Schema()->Find(SchemaKind::kMeasure, "g", "m")->mod_revision;
  schema::AwaitSchemaAppliedRequest request;
  *request.add_keys() = Key("group", "", "g");
  *request.add_keys() = Key("measure", "g", "m");
  REQUIRE(client.Applied(request).applied());
  request.add_min_revisions(0);
  request.add_min_revisions(revision);
  REQUIRE(client.Applied(request).applied());
  request.set_min_revisions(1, revision + 1);
  *request.add_keys() = Key("index_rule", "g", "m");
  *request.add_keys() = Key("nonsense", "g", "m");
  const auto late = client.Applied(request);
  REQUIRE(!late.applied());
  REQUIRE(late.laggards_size() == 1);
  REQUIRE(late.laggards(0).missing_keys_size() == 3);
  REQUIRE(late.laggards(0).missing_keys(0).kind() == "measure");
}

TEST_CASE("what is gone is answered at once, what is still there is named", "[rpc][barrier]") {
  RpcHarness node;
  node.CreateSchema("g", "m");
  Client client(node);
  schema::AwaitSchemaDeletedRequest request;
  *request.add_keys() = Key("measure", "g", "nothing");
  client.timeout_millis = 3'600'000;
  REQUIRE(client.Deleted(request).applied());
  client.timeout_millis = 50;
  *request.add_keys() = Key("measure", "g", "m");
  const auto late = client.Deleted(request);
  REQUIRE(!late.applied());
  REQUIRE(late.laggards_size() == 1);
  REQUIRE(late.laggards(0).still_present_keys_size() == 1);
  REQUIRE(late.laggards(0).still_present_keys(0).name() == "m");
}

TEST_CASE("a waiting call ends when the change comes", "[rpc][barrier]") {
  RpcHarness node;
  Client client(node);
  client.timeout_millis = 3'600'000;
  std::jthread change([&] {
    node.query_executor().AwaitTimer();
    node.CreateSchema("g", "m");
  });
  schema::AwaitSchemaAppliedRequest request;
  *request.add_keys() = Key("measure", "g", "m");
  const bool applied = client.Applied(request).applied();
  REQUIRE(applied);
}

TEST_CASE("too many keys are refused, and a client that goes ends its call", "[rpc][barrier]") {
  RpcHarness node;
  Client client(node);
  schema::AwaitSchemaAppliedRequest many;
  for (int i = 0; i < 10'001; ++i) *many.add_keys() = Key("measure", "g", "m");
  client.code = grpc::StatusCode::INVALID_ARGUMENT;
  client.Applied(many);
  client.code = grpc::StatusCode::DEADLINE_EXCEEDED;
  client.timeout_millis = 3'600'000;
  client.deadline = std::chrono::milliseconds(50);
  client.Revision(std::numeric_limits<int64_t>::max());
}

}  // namespace
}  // namespace ficus
