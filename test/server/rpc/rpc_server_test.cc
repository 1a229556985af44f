#include "server/rpc/rpc_server.h"

#include <condition_variable>
#include <mutex>
#include <string>

#include <catch2/catch.hpp>
#include <google/protobuf/util/message_differencer.h>
#include <grpcpp/generic/generic_stub.h>

#include "banyandb/common/v1/rpc.pb.h"
#include "test/server/rpc/rpc_harness.h"

namespace ficus {
namespace {

namespace db = banyandb::database::v1;
using google::protobuf::util::MessageDifferencer;

// Calls a unary method by its path, as clients of other languages do.
template <typename Response, typename Request>
grpc::Status CallByPath(RpcHarness& node, const std::string& path, const Request& request,
                        Response& response) {
  grpc::ClientContext call;
  grpc::TemplatedGenericStub<Request, Response> stub(node.channel());
  std::mutex mutex;
  std::condition_variable done;
  bool finished = false;
  grpc::Status status;
  stub.UnaryCall(&call, path, {}, &request, &response, [&](grpc::Status result) {
    const std::lock_guard lock(mutex);
    status = std::move(result);
    finished = true;
    done.notify_one();
  });
  std::unique_lock lock(mutex);
  done.wait(lock, [&] { return finished; });
  return status;
}

TEST_CASE("the API version is told under the path that OAP asks", "[rpc]") {
  RpcHarness node;
  banyandb::common::v1::GetAPIVersionResponse response;
  const grpc::Status status = CallByPath(node, "/banyandb.common.v1.Service/GetAPIVersion",
                                         banyandb::common::v1::GetAPIVersionRequest(), response);
  REQUIRE(status.ok());
  REQUIRE(response.version().version() == "0.10");
}

TEST_CASE("a node tells who it is", "[rpc]") {
  RpcHarness node;
  grpc::ClientContext call;
  db::GetCurrentNodeResponse response;
  REQUIRE(db::NodeQueryService::NewStub(node.channel())->GetCurrentNode(&call, {}, &response).ok());
  REQUIRE(response.node().grpc_address() == "node:17912");
  REQUIRE(response.node().roles_size() == 3);
}

TEST_CASE("a measure is echoed exactly, with what the server assigns", "[rpc][registry]") {
  RpcHarness node;
  node.CreateSchema("g", "m");
  auto stub = db::MeasureRegistryService::NewStub(node.channel());
  grpc::ClientContext call;
  db::MeasureRegistryServiceGetRequest request;
  request.mutable_metadata()->set_group("g");
  request.mutable_metadata()->set_name("m");
  db::MeasureRegistryServiceGetResponse response;
  REQUIRE(stub->Get(&call, request, &response).ok());
  db::Measure echoed = response.measure();
  REQUIRE(echoed.metadata().mod_revision() > 0);
  REQUIRE(echoed.has_updated_at());
  REQUIRE(echoed.has_created_at());
  echoed.mutable_metadata()->clear_mod_revision();
  echoed.clear_updated_at();
  echoed.clear_created_at();
  REQUIRE(MessageDifferencer::Equals(echoed, node.Measure("g", "m")));
}

TEST_CASE("fields that this build does not know are echoed, too", "[rpc][registry]") {
  RpcHarness node;
  node.CreateSchema("g", "m");
  db::MeasureRegistryServiceCreateRequest request;
  *request.mutable_measure() = node.Measure("g", "other");
  auto* const unknown =
      db::Measure::GetReflection()->MutableUnknownFields(request.mutable_measure());
  unknown->AddVarint(999, 7);
  auto stub = db::MeasureRegistryService::NewStub(node.channel());
  {
    grpc::ClientContext call;
    db::MeasureRegistryServiceCreateResponse response;
    REQUIRE(stub->Create(&call, request, &response).ok());
  }
  grpc::ClientContext call;
  db::MeasureRegistryServiceGetRequest get;
  get.mutable_metadata()->set_group("g");
  get.mutable_metadata()->set_name("other");
  db::MeasureRegistryServiceGetResponse response;
  REQUIRE(stub->Get(&call, get, &response).ok());
  const auto& echoed = db::Measure::GetReflection()->GetUnknownFields(response.measure());
  REQUIRE(echoed.field_count() == 1);
  REQUIRE(echoed.field(0).number() == 999);
}

TEST_CASE("the registries answer with BanyanDB's codes and texts", "[rpc][registry]") {
  RpcHarness node;
  node.CreateSchema("g", "m");
  auto stub = db::MeasureRegistryService::NewStub(node.channel());

  SECTION("get of what is missing") {
    grpc::ClientContext call;
    db::MeasureRegistryServiceGetRequest request;
    request.mutable_metadata()->set_group("g");
    request.mutable_metadata()->set_name("nothing");
    db::MeasureRegistryServiceGetResponse response;
    const grpc::Status status = stub->Get(&call, request, &response);
    REQUIRE(status.error_code() == grpc::StatusCode::NOT_FOUND);
    REQUIRE(status.error_message() == "banyandb: resource not found");
  }
  SECTION("create of what is there") {
    grpc::ClientContext call;
    db::MeasureRegistryServiceCreateRequest request;
    *request.mutable_measure() = node.Measure("g", "m");
    db::MeasureRegistryServiceCreateResponse response;
    const grpc::Status status = stub->Create(&call, request, &response);
    REQUIRE(status.error_code() == grpc::StatusCode::ALREADY_EXISTS);
  }
  SECTION("create in an unknown group") {
    grpc::ClientContext call;
    db::MeasureRegistryServiceCreateRequest request;
    *request.mutable_measure() = node.Measure("nowhere", "m");
    db::MeasureRegistryServiceCreateResponse response;
    REQUIRE(stub->Create(&call, request, &response).error_code() == grpc::StatusCode::NOT_FOUND);
  }
  SECTION("list without a group") {
    grpc::ClientContext call;
    db::MeasureRegistryServiceListResponse response;
    const grpc::Status status = stub->List(&call, {}, &response);
    REQUIRE(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
    REQUIRE(status.error_message() == "banyandb: input is invalid");
    REQUIRE(status.error_details().find("google.rpc.BadRequest") != std::string::npos);
  }
  SECTION("list of a group has the node's own measure, too") {
    grpc::ClientContext call;
    db::MeasureRegistryServiceListRequest request;
    request.set_group("g");
    db::MeasureRegistryServiceListResponse response;
    REQUIRE(stub->List(&call, request, &response).ok());
    REQUIRE(response.measure_size() == 2);
    REQUIRE(response.measure(0).metadata().name() == "_top_n_result");
  }
  SECTION("exist") {
    grpc::ClientContext call;
    db::MeasureRegistryServiceExistRequest request;
    request.mutable_metadata()->set_group("g");
    request.mutable_metadata()->set_name("nothing");
    db::MeasureRegistryServiceExistResponse response;
    REQUIRE(stub->Exist(&call, request, &response).ok());
    REQUIRE(response.has_group());
    REQUIRE(!response.has_measure());
  }
  SECTION("update that changes the entity") {
    grpc::ClientContext call;
    db::MeasureRegistryServiceUpdateRequest request;
    *request.mutable_measure() = node.Measure("g", "m");
    request.mutable_measure()->mutable_entity()->set_tag_names(0, "layer");
    db::MeasureRegistryServiceUpdateResponse response;
    const grpc::Status status = stub->Update(&call, request, &response);
    REQUIRE(status.error_code() == grpc::StatusCode::UNKNOWN);
    REQUIRE(status.error_message().find("validation failed") != std::string::npos);
  }
  SECTION("delete twice") {
    for (const bool deleted : {true, false}) {
      grpc::ClientContext call;
      db::MeasureRegistryServiceDeleteRequest request;
      request.mutable_metadata()->set_group("g");
      request.mutable_metadata()->set_name("m");
      db::MeasureRegistryServiceDeleteResponse response;
      REQUIRE(stub->Delete(&call, request, &response).ok());
      REQUIRE(response.deleted() == deleted);
      REQUIRE(response.delete_time() > 0);
    }
  }
}

TEST_CASE("index rules and bindings are registered and get their ids", "[rpc][registry]") {
  RpcHarness node;
  node.CreateSchema("g", "m");
  db::IndexRuleRegistryServiceCreateRequest rule;
  rule.mutable_index_rule()->mutable_metadata()->set_group("g");
  rule.mutable_index_rule()->mutable_metadata()->set_name("layer");
  rule.mutable_index_rule()->add_tags("layer");
  rule.mutable_index_rule()->set_type(db::IndexRule::TYPE_INVERTED);
  auto rules = db::IndexRuleRegistryService::NewStub(node.channel());
  {
    grpc::ClientContext call;
    db::IndexRuleRegistryServiceCreateResponse response;
    const grpc::Status status = rules->Create(&call, rule, &response);
    CAPTURE(status.error_message());
    REQUIRE(status.ok());
  }
  grpc::ClientContext call;
  db::IndexRuleRegistryServiceGetRequest get;
  *get.mutable_metadata() = rule.index_rule().metadata();
  db::IndexRuleRegistryServiceGetResponse response;
  REQUIRE(rules->Get(&call, get, &response).ok());
  // CRC-32 of "g" and "layer" together.
  REQUIRE(response.index_rule().metadata().id() != 0);

  db::IndexRuleBindingRegistryServiceCreateRequest binding;
  auto& bound = *binding.mutable_index_rule_binding();
  bound.mutable_metadata()->set_group("g");
  bound.mutable_metadata()->set_name("m-binding");
  bound.add_rules("layer");
  bound.mutable_subject()->set_catalog(banyandb::common::v1::CATALOG_MEASURE);
  bound.mutable_subject()->set_name("m");
  auto bindings = db::IndexRuleBindingRegistryService::NewStub(node.channel());
  {
    grpc::ClientContext without_times;
    db::IndexRuleBindingRegistryServiceCreateResponse refused;
    REQUIRE(bindings->Create(&without_times, binding, &refused).error_code() ==
            grpc::StatusCode::INVALID_ARGUMENT);
  }
  ToMessage(0, *bound.mutable_begin_at());
  ToMessage(node.now() + kNanosPerDay, *bound.mutable_expire_at());
  grpc::ClientContext bind;
  db::IndexRuleBindingRegistryServiceCreateResponse made;
  REQUIRE(bindings->Create(&bind, binding, &made).ok());
}

TEST_CASE("a group with rows is deleted only by force", "[rpc][registry]") {
  RpcHarness node;
  node.CreateSchema("g", "m");
  {
    grpc::ClientContext call;
    auto stream = banyandb::measure::v1::MeasureService::NewStub(node.channel())->Write(&call);
    stream->Write(node.Point("g", "m", 1, "a", node.now(), 1, 1));
    stream->WritesDone();
    banyandb::measure::v1::WriteResponse response;
    while (stream->Read(&response)) REQUIRE(response.status() == "STATUS_SUCCEED");
    REQUIRE(stream->Finish().ok());
  }
  auto stub = db::GroupRegistryService::NewStub(node.channel());
  const auto remove = [&](bool force, bool dry_run,
                          db::GroupRegistryServiceDeleteResponse& response) {
    grpc::ClientContext call;
    db::GroupRegistryServiceDeleteRequest request;
    request.set_group("g");
    request.set_force(force);
    request.set_dry_run(dry_run);
    return stub->Delete(&call, request, &response);
  };
  db::GroupRegistryServiceDeleteResponse response;
  REQUIRE(remove(false, true, response).ok());
  REQUIRE(response.schema_info().measures_size() == 2);
  const grpc::Status refused = remove(false, false, response);
  REQUIRE(refused.error_code() == grpc::StatusCode::FAILED_PRECONDITION);
  REQUIRE(refused.error_message() ==
          "group g is not empty, use force=true to delete non-empty groups");
  REQUIRE(remove(true, false, response).ok());
  grpc::ClientContext call;
  db::GroupRegistryServiceExistRequest exist;
  exist.set_group("g");
  db::GroupRegistryServiceExistResponse exists;
  REQUIRE(stub->Exist(&call, exist, &exists).ok());
  REQUIRE(!exists.has_group());
}

TEST_CASE("a port that is taken is an error that names it", "[rpc]") {
  RpcHarness node;
  const auto second = RpcServer::Start(node.context(), {.port = node.port()});
  REQUIRE(second.error().code == ErrorCode::kUnavailable);
  REQUIRE(second.error().message.find(std::to_string(node.port())) != std::string::npos);
}

}  // namespace
}  // namespace ficus
