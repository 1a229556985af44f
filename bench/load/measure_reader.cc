#include "bench/load/measure_reader.h"

#include <chrono>
#include <limits>
#include <thread>
#include <utility>

#include <fmt/format.h>
#include <grpcpp/client_context.h>
#include <grpcpp/completion_queue.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/impl/codegen/proto_utils.h>

#include "banyandb/measure/v1/query.pb.h"
#include "bench/load/channel.h"
#include "engine/base/check.h"

namespace ficus::load {
namespace {

namespace measure = banyandb::measure::v1;
namespace model = banyandb::model::v1;

constexpr std::chrono::seconds kPatience{120};
constexpr std::chrono::milliseconds kRetryDelay{200};

void FillTime(int64_t millis, google::protobuf::Timestamp& time) {
  time.set_seconds(millis / 1000);
  time.set_nanos(static_cast<int32_t>(millis % 1000) * 1'000'000);
}

Error Malformed(std::string_view what) {
  return Error{ErrorCode::kUnknown, fmt::format("the answer {}", what)};
}

Result<Cell> CellOf(const model::FieldValue& value) {
  switch (value.value_case()) {
    case model::FieldValue::kInt:
      return Cell::Int(value.int_().value());
    case model::FieldValue::kFloat:
      return Cell::Float(value.float_().value());
    case model::FieldValue::kNull:
      return Cell::Null();
    default:
      return Malformed("has a field that is no number");
  }
}

// The whole number that an aggregation answers, which is a float for a float field.
Result<int64_t> WholeNumber(const measure::DataPoint& row) {
  if (row.fields_size() != 1) return Malformed("has not one field");
  ASSIGN_OR_RETURN(const Cell cell, CellOf(row.fields(0).value()));
  return cell.kind == Cell::Kind::kFloat ? static_cast<int64_t>(cell.number) : cell.integer;
}

Result<ReadPoint> PointOf(const measure::DataPoint& row, const MeasureShape& shape) {
  ReadPoint point;
  point.timestamp_ms = row.timestamp().seconds() * 1000 + row.timestamp().nanos() / 1'000'000;
  if (row.timestamp().nanos() % 1'000'000 != 0) return Malformed("has a time between milliseconds");
  if (row.tag_families_size() != 1 ||
      static_cast<size_t>(row.tag_families(0).tags_size()) != shape.tags.size() ||
      static_cast<size_t>(row.fields_size()) != shape.fields.size()) {
    return Malformed("lacks tags or fields that were asked for");
  }
  for (size_t i = 0; i < shape.tags.size(); ++i) {
    const model::Tag& tag = row.tag_families(0).tags(static_cast<int>(i));
    if (tag.key() != shape.tags[i]) return Malformed("has its tags in another order");
    point.tags.push_back(tag.value().has_str() ? tag.value().str().value() : "(null)");
  }
  for (size_t i = 0; i < shape.fields.size(); ++i) {
    const auto& field = row.fields(static_cast<int>(i));
    if (field.name() != shape.fields[i].name) return Malformed("has its fields in another order");
    ASSIGN_OR_RETURN(const Cell cell, CellOf(field.value()));
    point.cells.push_back(cell);
  }
  return point;
}

measure::QueryRequest RequestFor(const std::string& group, const MeasureShape& shape,
                                 const ReadRange& range, uint32_t limit) {
  measure::QueryRequest request;
  request.add_groups(group);
  request.set_name(shape.name);
  FillTime(range.begin_ms, *request.mutable_time_range()->mutable_begin());
  FillTime(range.end_ms, *request.mutable_time_range()->mutable_end());
  request.set_limit(limit);
  if (!range.entities.empty()) {
    model::Condition& condition = *request.mutable_criteria()->mutable_condition();
    condition.set_name(shape.tags[0]);
    condition.set_op(model::Condition::BINARY_OP_IN);
    for (const std::string& entity : range.entities) {
      condition.mutable_value()->mutable_str_array()->add_value(entity);
    }
  }
  return request;
}

void Project(const MeasureShape& shape, size_t tags, model::TagProjection& projection) {
  auto& family = *projection.add_tag_families();
  family.set_name(shape.tag_family);
  for (size_t i = 0; i < tags; ++i) family.add_tags(shape.tags[i]);
}

// One call, its answer as bytes.
grpc::Status CallQuery(const std::shared_ptr<grpc::Channel>& channel, grpc::ClientContext& context,
                       const measure::QueryRequest& request, grpc::ByteBuffer& answer) {
  grpc::TemplatedGenericStub<measure::QueryRequest, grpc::ByteBuffer> stub(channel);
  grpc::CompletionQueue queue;
  const auto call =
      stub.PrepareUnaryCall(&context, "/banyandb.measure.v1.MeasureService/Query", request, &queue);
  call->StartCall();
  grpc::Status status;
  call->Finish(&answer, &status, nullptr);
  void* tag = nullptr;
  bool ok = false;
  CHECK(queue.Next(&tag, &ok));
  return status;
}

Result<grpc::ByteBuffer> AskForBytes(const std::shared_ptr<grpc::Channel>& channel,
                                     const measure::QueryRequest& request) {
  const auto deadline = std::chrono::system_clock::now() + kPatience;
  while (true) {
    grpc::ClientContext context;
    context.set_deadline(deadline);
    context.set_wait_for_ready(true);
    grpc::ByteBuffer answer;
    const grpc::Status status = CallQuery(channel, context, request, answer);
    if (status.ok()) return answer;
    if (status.error_code() != grpc::StatusCode::RESOURCE_EXHAUSTED ||
        std::chrono::system_clock::now() + kRetryDelay > deadline) {
      return ErrorOf(status, "query " + request.name());
    }
    std::this_thread::sleep_for(kRetryDelay);
  }
}

Result<measure::QueryResponse> ResponseOf(const grpc::ByteBuffer& bytes) {
  grpc::ByteBuffer answer = bytes;  // shares them
  measure::QueryResponse response;
  if (!grpc::SerializationTraits<measure::QueryResponse>::Deserialize(&answer, &response).ok()) {
    return Malformed("is no response");
  }
  return response;
}

Result<measure::QueryResponse> Ask(const std::shared_ptr<grpc::Channel>& channel,
                                   const measure::QueryRequest& request) {
  ASSIGN_OR_RETURN(const grpc::ByteBuffer answer, AskForBytes(channel, request));
  return ResponseOf(answer);
}

}  // namespace

MeasureReader::MeasureReader(std::shared_ptr<grpc::Channel> channel, std::string group,
                             MeasureShape shape)
    : channel_(std::move(channel)), group_(std::move(group)), shape_(std::move(shape)) {}

Result<std::vector<ReadPoint>> MeasureReader::Read(const ReadRange& range, uint32_t limit,
                                                   ReadOrder order) const {
  measure::QueryRequest request = RequestFor(group_, shape_, range, limit);
  Project(shape_, shape_.tags.size(), *request.mutable_tag_projection());
  for (const FieldShape& field : shape_.fields) {
    request.mutable_field_projection()->add_names(field.name);
  }
  request.mutable_order_by()->set_sort(order == ReadOrder::kOldestFirst ? model::SORT_ASC
                                                                        : model::SORT_DESC);
  ASSIGN_OR_RETURN(const measure::QueryResponse response, Ask(channel_, request));
  std::vector<ReadPoint> points;
  points.reserve(static_cast<size_t>(response.data_points_size()));
  for (const measure::DataPoint& row : response.data_points()) {
    ASSIGN_OR_RETURN(ReadPoint point, PointOf(row, shape_));
    points.push_back(std::move(point));
  }
  return points;
}

Result<uint64_t> MeasureReader::Count(const ReadRange& range) const {
  const std::string& field = shape_.fields[0].name;
  measure::QueryRequest request = RequestFor(group_, shape_, range, 1);
  request.mutable_field_projection()->add_names(field);
  request.mutable_agg()->set_function(model::AGGREGATION_FUNCTION_COUNT);
  request.mutable_agg()->set_field_name(field);
  ASSIGN_OR_RETURN(const measure::QueryResponse response, Ask(channel_, request));
  if (response.data_points_size() == 0) return uint64_t{0};
  ASSIGN_OR_RETURN(const int64_t count, WholeNumber(response.data_points(0)));
  return static_cast<uint64_t>(count);
}

Result<std::map<std::string, int64_t>> MeasureReader::Sums(const ReadRange& range) const {
  ASSIGN_OR_RETURN(const grpc::ByteBuffer answer, AskForSums(range));
  return SumsOf(answer);
}

Result<grpc::ByteBuffer> MeasureReader::AskForSums(const ReadRange& range) const {
  const std::string& field = shape_.fields[0].name;
  measure::QueryRequest request =
      RequestFor(group_, shape_, range, std::numeric_limits<int32_t>::max());
  Project(shape_, 1, *request.mutable_tag_projection());
  Project(shape_, 1, *request.mutable_group_by()->mutable_tag_projection());
  request.mutable_group_by()->set_field_name(field);
  request.mutable_field_projection()->add_names(field);
  request.mutable_agg()->set_function(model::AGGREGATION_FUNCTION_SUM);
  request.mutable_agg()->set_field_name(field);
  return AskForBytes(channel_, request);
}

Result<std::map<std::string, int64_t>> MeasureReader::SumsOf(const grpc::ByteBuffer& answer) {
  ASSIGN_OR_RETURN(const measure::QueryResponse response, ResponseOf(answer));
  std::map<std::string, int64_t> sums;
  for (const measure::DataPoint& row : response.data_points()) {
    if (row.tag_families_size() != 1 || row.tag_families(0).tags_size() != 1) {
      return Malformed("lacks the tag of the groups");
    }
    ASSIGN_OR_RETURN(const int64_t sum, WholeNumber(row));
    const std::string& entity = row.tag_families(0).tags(0).value().str().value();
    if (!sums.emplace(entity, sum).second) return Malformed("has a group twice");
  }
  return sums;
}

}  // namespace ficus::load
