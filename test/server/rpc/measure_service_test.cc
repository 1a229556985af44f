#include "server/rpc/measure_service.h"

#include <atomic>
#include <chrono>
#include <cmath>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>
#include <google/protobuf/message.h>

#include "test/server/rpc/rpc_harness.h"

namespace ficus {
namespace {

namespace measure = banyandb::measure::v1;

constexpr const char* kGroup = "sw_metric";
constexpr const char* kName = "service_cpm";

using Stream = grpc::ClientReaderWriter<measure::WriteRequest, measure::WriteResponse>;

struct Replies {
  std::map<uint64_t, std::string> by_id;
  grpc::Status status;
};

// Sends everything, half-closes, and only then reads.
Replies WriteAll(RpcHarness& node, const std::vector<measure::WriteRequest>& requests) {
  grpc::ClientContext call;
  call.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(120));
  auto stub = measure::MeasureService::NewStub(node.channel());
  std::unique_ptr<Stream> stream = stub->Write(&call);
  for (const auto& request : requests) {
    if (!stream->Write(request)) break;
  }
  stream->WritesDone();
  Replies replies;
  measure::WriteResponse response;
  while (stream->Read(&response)) {
    REQUIRE(replies.by_id.emplace(response.message_id(), response.status()).second);
    REQUIRE(response.metadata().name() == kName);
  }
  replies.status = stream->Finish();
  return replies;
}

TEST_CASE("points come back as they were written", "[rpc][measure]") {
  RpcHarness node;
  node.CreateSchema(kGroup, kName);
  const UnixNanos time = node.now();
  const Replies replies =
      WriteAll(node, {node.Point(kGroup, kName, 1, "a", time, 7, 0.5),
                      node.Point(kGroup, kName, 2, "b", time + kNanosPerSecond, -8, -0.0)});
  REQUIRE(replies.status.ok());
  REQUIRE(replies.by_id ==
          std::map<uint64_t, std::string>{{1, "STATUS_SUCCEED"}, {2, "STATUS_SUCCEED"}});

  measure::QueryResponse response;
  REQUIRE(node.Ask(node.Query(kGroup, kName), response).ok());
  REQUIRE(response.data_points_size() == 2);
  const measure::DataPoint& first = response.data_points(0);
  REQUIRE(FromMessage(first.timestamp()) == time);
  REQUIRE(first.version() == 1);
  REQUIRE(first.sid() != 0);
  REQUIRE(first.tag_families(0).name() == "default");
  REQUIRE(first.tag_families(0).tags(0).key() == "service");
  REQUIRE(first.tag_families(0).tags(0).value().str().value() == "a");
  REQUIRE(first.fields(0).name() == "total");
  REQUIRE(first.fields(0).value().int_().value() == 7);
  REQUIRE(std::signbit(response.data_points(1).fields(1).value().float_().value()));
}

TEST_CASE("a client may half-close before it reads a hundred thousand replies", "[rpc][measure]") {
  RpcHarness node;
  node.CreateSchema(kGroup, kName);
  constexpr uint64_t kPoints = 100'000;
  const UnixNanos now = node.now();
  std::vector<measure::WriteRequest> requests;
  requests.reserve(kPoints);
  for (uint64_t id = 1; id <= kPoints; ++id) {
    requests.push_back(node.Point(kGroup, kName, id, "s" + std::to_string(id % 100),
                                  now - static_cast<int64_t>(id / 100) * kNanosPerSecond,
                                  static_cast<int64_t>(id), 1.0));
  }
  const Replies replies = WriteAll(node, requests);
  REQUIRE(replies.status.ok());
  REQUIRE(replies.by_id.size() == kPoints);
  for (const auto& [id, status] : replies.by_id) REQUIRE(status == "STATUS_SUCCEED");

  measure::QueryRequest count = node.Query(kGroup, kName);
  count.mutable_agg()->set_function(banyandb::model::v1::AGGREGATION_FUNCTION_SUM);
  count.mutable_agg()->set_field_name("total");
  measure::QueryResponse response;
  const grpc::Status status = node.Ask(count, response);
  CAPTURE(status.error_message());
  REQUIRE(status.ok());
  REQUIRE(response.data_points_size() == 1);
  REQUIRE(response.data_points(0).fields(0).value().int_().value() ==
          static_cast<int64_t>(kPoints * (kPoints + 1) / 2));
}

TEST_CASE("a wrong row is answered in its place and harms no other", "[rpc][measure]") {
  RpcHarness node;
  node.CreateSchema(kGroup, kName);
  const UnixNanos time = node.now();
  auto odd_time = node.Point(kGroup, kName, 2, "a", time + 1, 1, 1);
  auto unknown = node.Point(kGroup, kName, 3, "a", time, 1, 1);
  unknown.mutable_metadata()->set_mod_revision(5);
  const Replies replies =
      WriteAll(node, {node.Point(kGroup, kName, 1, "a", time, 1, 1), odd_time, unknown,
                      node.Point(kGroup, kName, 4, "a", time + kNanosPerSecond, 1, 1)});
  REQUIRE(replies.status.ok());
  REQUIRE(replies.by_id == std::map<uint64_t, std::string>{{1, "STATUS_SUCCEED"},
                                                           {2, "STATUS_INVALID_TIMESTAMP"},
                                                           {3, "STATUS_EXPIRED_SCHEMA"},
                                                           {4, "STATUS_SUCCEED"}});
}

TEST_CASE("a broken rule ends the stream, and what came before is stored and acknowledged",
          "[rpc][measure]") {
  RpcHarness node;
  node.CreateSchema(kGroup, kName);
  const Replies replies = WriteAll(node, {node.Point(kGroup, kName, 1, "a", node.now(), 1, 1),
                                          node.Point(kGroup, kName, 0, "a", node.now(), 1, 1)});
  REQUIRE(replies.status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  REQUIRE(replies.by_id == std::map<uint64_t, std::string>{{1, "STATUS_SUCCEED"}});
}

TEST_CASE("the first message must carry metadata", "[rpc][measure]") {
  RpcHarness node;
  node.CreateSchema(kGroup, kName);
  auto request = node.Point(kGroup, kName, 1, "a", node.now(), 1, 1);
  request.clear_metadata();
  const Replies replies = WriteAll(node, {request});
  REQUIRE(replies.status.error_code() == grpc::StatusCode::UNKNOWN);
  REQUIRE(replies.status.error_message() ==
          "metadata is required for the first request of gRPC stream");
}

TEST_CASE("an empty stream ends well", "[rpc][measure]") {
  RpcHarness node;
  REQUIRE(WriteAll(node, {}).status.ok());
}

TEST_CASE("a stream that is cut in the middle leaves the node well", "[rpc][measure]") {
  RpcHarness node;
  node.CreateSchema(kGroup, kName);
  for (int round = 0; round < 20; ++round) {
    grpc::ClientContext call;
    auto stub = measure::MeasureService::NewStub(node.channel());
    std::unique_ptr<Stream> stream = stub->Write(&call);
    for (uint64_t id = 1; id <= 50; ++id) {
      stream->Write(node.Point(kGroup, kName, id, "a", node.now(), 1, 1));
    }
    call.TryCancel();
    stream->Finish();
  }
  REQUIRE(WriteAll(node, {node.Point(kGroup, kName, 1, "z", node.now(), 1, 1)}).status.ok());
}

TEST_CASE("many streams at once lose nothing", "[rpc][measure]") {
  RpcHarness node;
  node.CreateSchema(kGroup, kName);
  constexpr int kStreams = 4;
  constexpr int kPoints = 2000;
  std::atomic<int> acknowledged{0};
  const UnixNanos now = node.now();
  std::vector<std::thread> clients;
  for (int client = 0; client < kStreams; ++client) {
    clients.emplace_back([&, client] {
      std::vector<measure::WriteRequest> requests;
      for (int i = 0; i < kPoints; ++i) {
        requests.push_back(node.Point(kGroup, kName, static_cast<uint64_t>(i) + 1,
                                      "c" + std::to_string(client), now - i * kNanosPerSecond, i,
                                      i));
      }
      grpc::ClientContext call;
      auto stub = measure::MeasureService::NewStub(node.channel());
      std::unique_ptr<Stream> stream = stub->Write(&call);
      for (const auto& request : requests) stream->Write(request);
      stream->WritesDone();
      measure::WriteResponse response;
      while (stream->Read(&response)) acknowledged += response.status() == "STATUS_SUCCEED";
      stream->Finish();
    });
  }
  for (std::thread& client : clients) client.join();
  REQUIRE(acknowledged == kStreams * kPoints);
  measure::QueryResponse response;
  REQUIRE(node.Ask(node.Query(kGroup, kName), response).ok());
  REQUIRE(response.data_points_size() == kStreams * kPoints);
}

TEST_CASE("a query of an unknown measure gets BanyanDB's words", "[rpc][measure]") {
  RpcHarness node;
  node.CreateSchema(kGroup, kName);
  measure::QueryResponse response;
  const grpc::Status status = node.Ask(node.Query(kGroup, "nothing"), response);
  REQUIRE(status.error_code() == grpc::StatusCode::UNKNOWN);
  REQUIRE(status.error_message().find("measure doesn't exist") != std::string::npos);
}

TEST_CASE("a query that asks for its trace gets plan and costs", "[rpc][measure]") {
  RpcHarness node;
  node.CreateSchema(kGroup, kName);
  REQUIRE(WriteAll(node, {node.Point(kGroup, kName, 1, "a", node.now(), 1, 1)}).status.ok());
  measure::QueryRequest request = node.Query(kGroup, kName);
  request.set_trace(true);
  measure::QueryResponse response;
  REQUIRE(node.Ask(request, response).ok());
  REQUIRE(response.trace().spans_size() == 1);
  REQUIRE(response.trace().spans(0).children_size() > 0);
  REQUIRE(!response.trace().error());
}

TEST_CASE("a broken query is refused with the generated words", "[rpc][measure]") {
  RpcHarness node;
  node.CreateSchema(kGroup, kName);
  measure::QueryResponse response;
  auto no_groups = node.Query(kGroup, kName);
  no_groups.clear_groups();
  REQUIRE(node.Ask(no_groups, response).error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  auto odd = node.Query(kGroup, kName);
  odd.mutable_time_range()->mutable_begin()->set_nanos(1);
  const grpc::Status status = node.Ask(odd, response);
  REQUIRE(status.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  REQUIRE(status.error_message().find("time is not millisecond precision") != std::string::npos);
}

TEST_CASE("rows are keyed and read by the entity tags that the measure has", "[rpc][measure]") {
  namespace db = banyandb::database::v1;
  RpcHarness node;
  node.CreateSchema(kGroup, "other");
  db::MeasureRegistryServiceCreateRequest create;
  *create.mutable_measure() = node.Measure(kGroup, kName);
  db::Entity& entity = *create.mutable_measure()->mutable_entity();
  entity.clear_tag_names();
  for (const char* tag : {"missing", "layer", "service"}) entity.add_tag_names(tag);
  {
    grpc::ClientContext call;
    db::MeasureRegistryServiceCreateResponse created;
    REQUIRE(
        db::MeasureRegistryService::NewStub(node.channel())->Create(&call, create, &created).ok());
  }
  REQUIRE(WriteAll(node, {node.Point(kGroup, kName, 1, "a", node.now(), 1, 1),
                          node.Point(kGroup, kName, 2, "b", node.now(), 2, 2)})
              .status.ok());
  measure::QueryRequest request = node.Query(kGroup, kName);
  auto& condition = *request.mutable_criteria()->mutable_condition();
  condition.set_name("service");
  condition.set_op(banyandb::model::v1::Condition::BINARY_OP_EQ);
  condition.mutable_value()->mutable_str()->set_value("b");
  measure::QueryResponse response;
  const grpc::Status status = node.Ask(request, response);
  CAPTURE(status.error_message());
  REQUIRE(status.ok());
  REQUIRE(response.data_points_size() == 1);
  REQUIRE(response.data_points(0).tag_families(0).tags(0).value().str().value() == "b");
  REQUIRE(response.data_points(0).fields(0).value().int_().value() == 2);
}

// A message of a query with a field that no version of this build has.
void AddUnknownField(google::protobuf::Message& message) {
  message.GetReflection()->MutableUnknownFields(&message)->AddVarint(77, 1);
}

TEST_CASE("a query with a field that the node does not know is refused where it would change rows",
          "[rpc][measure]") {
  RpcHarness node;
  node.CreateSchema(kGroup, kName);
  const auto refusal = [&](const auto& spoil) {
    measure::QueryRequest request = node.Query(kGroup, kName);
    spoil(request);
    measure::QueryResponse response;
    const grpc::Status status = node.Ask(request, response);
    CAPTURE(status.error_message());
    REQUIRE(status.error_code() == grpc::StatusCode::UNIMPLEMENTED);
    REQUIRE(status.error_message().find("field 77") != std::string::npos);
    return status.error_message();
  };
  const auto names = [](const std::string& text, const std::string& message) {
    return text.find("banyandb." + message + " ") != std::string::npos;
  };
  using R = measure::QueryRequest;
  REQUIRE(names(refusal([](R& r) { AddUnknownField(*r.mutable_group_by()); }),
                "measure.v1.QueryRequest.GroupBy"));
  REQUIRE(names(refusal([](R& r) { AddUnknownField(*r.mutable_agg()); }),
                "measure.v1.QueryRequest.Aggregation"));
  REQUIRE(names(refusal([](R& r) { AddUnknownField(*r.mutable_top()); }),
                "measure.v1.QueryRequest.Top"));
  REQUIRE(
      names(refusal([](R& r) { AddUnknownField(*r.mutable_order_by()); }), "model.v1.QueryOrder"));
  REQUIRE(names(refusal([](R& r) { AddUnknownField(*r.mutable_field_projection()); }),
                "measure.v1.QueryRequest.FieldProjection"));
  REQUIRE(names(
      refusal([](R& r) { AddUnknownField(*r.mutable_tag_projection()->mutable_tag_families(0)); }),
      "model.v1.TagProjection.TagFamily"));
  REQUIRE(names(refusal([](R& r) {
                  AddUnknownField(
                      *r.mutable_criteria()->mutable_le()->mutable_right()->mutable_condition());
                }),
                "model.v1.Condition"));
  REQUIRE(names(refusal([](R& r) {
                  AddUnknownField(*r.mutable_criteria()->mutable_condition()->mutable_value());
                }),
                "model.v1.TagValue"));
}

TEST_CASE("a field that the node does not know beside the question is passed over",
          "[rpc][measure]") {
  RpcHarness node;
  node.CreateSchema(kGroup, kName);
  measure::QueryRequest request = node.Query(kGroup, kName);
  AddUnknownField(request);
  measure::QueryResponse response;
  REQUIRE(node.Ask(request, response).ok());
}

TEST_CASE("criteria that do not fit into the memory of queries are refused", "[rpc][measure]") {
  RpcHarness node;
  node.CreateSchema(kGroup, kName);
  measure::QueryRequest request = node.Query(kGroup, kName);
  auto& condition = *request.mutable_criteria()->mutable_condition();
  condition.set_name("service");
  condition.set_op(banyandb::model::v1::Condition::BINARY_OP_IN);
  for (int64_t i = 0; i < 100'000; ++i) {
    condition.mutable_value()->mutable_int_array()->add_value(i);
  }
  measure::QueryResponse response;
  REQUIRE(node.Ask(request, response).ok());
  // Room for the message and its copy, not for what is made of it.
  node.ledger().SetShare(MemoryConsumer::kQueries, 2'500'000);
  REQUIRE(node.Ask(request, response).error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
  // Not even for the copy.
  node.ledger().SetShare(MemoryConsumer::kQueries, 500'000);
  REQUIRE(node.Ask(request, response).error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
  REQUIRE(node.Ask(node.Query(kGroup, kName), response).ok());
}

TEST_CASE("a field without a value reads as null, of strings and bytes as empty",
          "[rpc][measure]") {
  namespace db = banyandb::database::v1;
  RpcHarness node;
  node.CreateSchema(kGroup, "other");
  db::MeasureRegistryServiceCreateRequest create;
  *create.mutable_measure() = node.Measure(kGroup, kName);
  for (const auto type : {db::FIELD_TYPE_STRING, db::FIELD_TYPE_DATA_BINARY}) {
    db::FieldSpec& field = *create.mutable_measure()->add_fields();
    field.set_name(type == db::FIELD_TYPE_STRING ? "text" : "bytes");
    field.set_field_type(type);
    field.set_compression_method(db::COMPRESSION_METHOD_ZSTD);
  }
  {
    grpc::ClientContext call;
    db::MeasureRegistryServiceCreateResponse created;
    REQUIRE(
        db::MeasureRegistryService::NewStub(node.channel())->Create(&call, create, &created).ok());
  }
  measure::WriteRequest point = node.Point(kGroup, kName, 1, "a", node.now(), 1, 1);
  point.mutable_data_point()->clear_fields();
  REQUIRE(WriteAll(node, {point}).status.ok());
  measure::QueryRequest request = node.Query(kGroup, kName);
  request.mutable_field_projection()->add_names("text");
  request.mutable_field_projection()->add_names("bytes");
  measure::QueryResponse response;
  REQUIRE(node.Ask(request, response).ok());
  REQUIRE(response.data_points_size() == 1);
  using Value = banyandb::model::v1::FieldValue;
  const auto value = [&](int field) -> const Value& {
    return response.data_points(0).fields(field).value();
  };
  REQUIRE(value(0).value_case() == Value::kNull);
  REQUIRE(value(1).value_case() == Value::kNull);
  REQUIRE(value(2).value_case() == Value::kStr);
  REQUIRE(value(2).str().value().empty());
  REQUIRE(value(3).value_case() == Value::kBinaryData);
  REQUIRE(value(3).binary_data().empty());
}

// The revision of the measure `kName` of `group`.
int64_t RevisionOf(RpcHarness& node, const std::string& group) {
  return node.database().Schema()->Find(SchemaKind::kMeasure, group, kName)->mod_revision;
}

TEST_CASE("a query that names revisions is answered when the schemas have them", "[rpc][measure]") {
  namespace model = banyandb::model::v1;
  RpcHarness node;
  node.CreateSchema(kGroup, kName);
  const UnixNanos later = node.now() + 10 * kNanosPerSecond;
  REQUIRE(WriteAll(node, {node.Point(kGroup, kName, 1, "a", later, 7, 0.5)}).status.ok());
  const int64_t revision = RevisionOf(node, kGroup);
  const auto ask = [&](std::map<std::string, int64_t> revisions) {
    measure::QueryRequest request = node.Query(kGroup, kName);
    for (const auto& [group, asked] : revisions) {
      if (group != kGroup && group != "elsewhere") request.add_groups(group);
      (*request.mutable_group_mod_revisions())[group] = asked;
    }
    measure::QueryResponse response;
    const grpc::Status status = node.Ask(request, response);
    CAPTURE(status.error_message());
    REQUIRE(status.ok());
    return response;
  };
  const auto is_only = [](const measure::QueryResponse& response, model::Status status) {
    return response.data_points().empty() && response.group_statuses_size() == 1 &&
           response.group_statuses().at(kGroup) == status;
  };
  const measure::QueryResponse right = ask({{kGroup, revision}});
  REQUIRE(right.data_points_size() == 1);
  REQUIRE(right.group_statuses().at(kGroup) == model::STATUS_SUCCEED);
  REQUIRE(is_only(ask({{kGroup, revision - 1}}), model::STATUS_EXPIRED_SCHEMA));
  REQUIRE(is_only(ask({{kGroup, revision + 1}}), model::STATUS_SCHEMA_NOT_APPLIED));

  // No revision, or one of a group that is not asked, is no question.
  for (const char* group : {kGroup, "elsewhere"}) {
    const measure::QueryResponse unasked = ask({{group, group == kGroup ? 0 : 1}});
    REQUIRE(unasked.data_points_size() == 1);
    REQUIRE(unasked.group_statuses().empty());
  }
  const measure::QueryResponse missing = ask({{kGroup, revision}, {"nowhere", 1}});
  REQUIRE(missing.data_points().empty());
  REQUIRE(missing.group_statuses_size() == 2);
  REQUIRE(missing.group_statuses().at(kGroup) == model::STATUS_SUCCEED);
  REQUIRE(missing.group_statuses().at("nowhere") == model::STATUS_NOT_FOUND);
}

TEST_CASE("a query waits for a revision that is under way", "[rpc][measure]") {
  namespace db = banyandb::database::v1;
  namespace model = banyandb::model::v1;
  RpcHarness node;
  node.CreateSchema(kGroup, kName);
  const int64_t revision = RevisionOf(node, kGroup);
  std::jthread update([&] {
    node.query_executor().AwaitTimer();
    grpc::ClientContext call;
    db::MeasureRegistryServiceUpdateRequest request;
    *request.mutable_measure() = node.Measure(kGroup, kName);
    request.mutable_measure()->mutable_fields()->RemoveLast();
    db::MeasureRegistryServiceUpdateResponse response;
    db::MeasureRegistryService::NewStub(node.channel())->Update(&call, request, &response);
  });
  measure::QueryRequest request = node.Query(kGroup, kName);
  request.mutable_field_projection()->mutable_names()->RemoveLast();
  (*request.mutable_group_mod_revisions())[kGroup] = revision + 1;
  measure::QueryResponse response;
  REQUIRE(node.Ask(request, response).ok());
  REQUIRE(response.group_statuses().at(kGroup) == model::STATUS_SUCCEED);
}

TEST_CASE("a query that names revisions sees nothing of before its measure", "[rpc][measure]") {
  RpcHarness node;
  node.CreateSchema(kGroup, kName);
  REQUIRE(WriteAll(node, {node.Point(kGroup, kName, 1, "a", node.now() - kNanosPerHour, 1, 1),
                          node.Point(kGroup, kName, 2, "a", node.now() + kNanosPerHour, 2, 2)})
              .status.ok());
  measure::QueryRequest request = node.Query(kGroup, kName);
  measure::QueryResponse all;
  REQUIRE(node.Ask(request, all).ok());
  REQUIRE(all.data_points_size() == 2);
  (*request.mutable_group_mod_revisions())[kGroup] = RevisionOf(node, kGroup);
  measure::QueryResponse since;
  REQUIRE(node.Ask(request, since).ok());
  REQUIRE(since.data_points_size() == 1);
  REQUIRE(since.data_points(0).fields(0).value().int_().value() == 2);
}

}  // namespace
}  // namespace ficus
