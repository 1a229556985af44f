#include "server/rpc/measure_query_convert.h"

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include <fmt/core.h>
#include <google/protobuf/message.h>
#include <google/protobuf/unknown_field_set.h>

#include "engine/base/check.h"
#include "engine/model/tag_value.h"
#include "server/rpc/timestamp_convert.h"

namespace ficus {
namespace {

namespace measure = banyandb::measure::v1;
namespace model = banyandb::model::v1;

Error Invalid(std::string text) { return Error{ErrorCode::kInvalidArgument, std::move(text)}; }

template <typename Enum>
Enum EnumOf(int value) {
  return value < 0 || value > 255 ? Enum{255} : static_cast<Enum>(value);
}

Result<UnixNanos> TimeOf(bool present, const google::protobuf::Timestamp& message,
                         const model::TimeRange& range) {
  const auto invalid = [&](std::string_view reason) {
    return Invalid(fmt::format("{} is invalid :{}", range.ShortDebugString(), reason));
  };
  if (!present) return invalid("time is empty");
  const std::optional<UnixNanos> time = FromMessage(message);
  if (!time.has_value()) return invalid("time is out of range");
  if (*time % kNanosPerMilli != 0) return invalid("time is not millisecond precision");
  return *time;
}

std::optional<TagValue> ValueOf(const model::TagValue& value) {
  switch (value.value_case()) {
    case model::TagValue::kNull:
      return TagValue(Null{});
    case model::TagValue::kStr:
      return TagValue(value.str().value());
    case model::TagValue::kStrArray:
      return TagValue(std::vector<std::string>(value.str_array().value().begin(),
                                               value.str_array().value().end()));
    case model::TagValue::kInt:
      return TagValue(value.int_().value());
    case model::TagValue::kIntArray:
      return TagValue(
          std::vector<int64_t>(value.int_array().value().begin(), value.int_array().value().end()));
    case model::TagValue::kBinaryData:
      return TagValue(Binary{value.binary_data()});
    case model::TagValue::kTimestamp: {
      const std::optional<UnixNanos> time = FromMessage(value.timestamp());
      if (!time.has_value()) return std::nullopt;
      return TagValue(Timestamp{*time});
    }
    case model::TagValue::VALUE_NOT_SET:
      return std::nullopt;
  }
  return std::nullopt;
}

// Depth is bounded by protobuf's own limit of nested messages; planning bounds it again.
std::unique_ptr<Criteria> CriteriaOf(const model::Criteria& message) {
  auto criteria = std::make_unique<Criteria>();
  if (message.has_condition()) {
    const model::Condition& condition = message.condition();
    criteria->condition =
        Condition{condition.name(), EnumOf<ConditionOp>(condition.op()),
                  condition.has_value() ? ValueOf(condition.value()) : std::nullopt};
  } else if (message.has_le()) {
    LogicalExpression expression;
    expression.op = EnumOf<LogicalOp>(message.le().op());
    if (message.le().has_left()) expression.left = CriteriaOf(message.le().left());
    if (message.le().has_right()) expression.right = CriteriaOf(message.le().right());
    criteria->expression = std::move(expression);
  }
  return criteria;
}

std::vector<FamilyTags> ProjectionOf(const model::TagProjection& message) {
  std::vector<FamilyTags> families;
  for (const model::TagProjection::TagFamily& family : message.tag_families()) {
    families.push_back({family.name(), {family.tags().begin(), family.tags().end()}});
  }
  return families;
}

// A field that this build does not know asks for something that the answer would not be: refused,
// wherever in `message` it is.
Result<> RefuseUnknownFields(const google::protobuf::Message& message) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  const google::protobuf::UnknownFieldSet& unknown = reflection.GetUnknownFields(message);
  if (!unknown.empty()) {
    return Error{ErrorCode::kUnimplemented,
                 fmt::format("the query uses field {} of {} which is not supported",
                             unknown.field(0).number(), message.GetTypeName())};
  }
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  reflection.ListFields(message, &fields);
  for (const google::protobuf::FieldDescriptor* field : fields) {
    if (field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) {
      RETURN_IF_ERROR(RefuseUnknownFields(reflection.GetMessage(message, field)));
      continue;
    }
    for (int i = 0; i < reflection.FieldSize(message, field); ++i) {
      RETURN_IF_ERROR(RefuseUnknownFields(reflection.GetRepeatedMessage(message, field, i)));
    }
  }
  return Ok();
}

// Of the parts that decide about rows; beside them unknown fields do no harm.
Result<> RefuseUnknownFields(const measure::QueryRequest& request) {
  for (const google::protobuf::Message* part :
       std::initializer_list<const google::protobuf::Message*>{
           &request.criteria(), &request.tag_projection(), &request.field_projection(),
           &request.group_by(), &request.agg(), &request.top(), &request.order_by()}) {
    RETURN_IF_ERROR(RefuseUnknownFields(*part));
  }
  return Ok();
}

}  // namespace

Result<MeasureQuery> FromMessage(const measure::QueryRequest& request) {
  if (request.groups().empty()) {
    return Invalid("invalid QueryRequest.Groups: value must contain at least 1 item(s)");
  }
  if (request.name().empty()) {
    return Invalid("invalid QueryRequest.Name: value length must be at least 1 runes");
  }
  if (!request.has_time_range()) {
    return Invalid("invalid QueryRequest.TimeRange: value is required");
  }
  RETURN_IF_ERROR(RefuseUnknownFields(request));
  MeasureQuery query;
  query.groups = {request.groups().begin(), request.groups().end()};
  query.name = request.name();
  const model::TimeRange& range = request.time_range();
  ASSIGN_OR_RETURN(query.begin, TimeOf(range.has_begin(), range.begin(), range));
  ASSIGN_OR_RETURN(query.end, TimeOf(range.has_end(), range.end(), range));
  if (request.has_criteria()) query.criteria = CriteriaOf(request.criteria());
  query.tags = ProjectionOf(request.tag_projection());
  query.fields = {request.field_projection().names().begin(),
                  request.field_projection().names().end()};
  if (request.has_group_by()) query.group_by = ProjectionOf(request.group_by().tag_projection());
  if (request.has_agg()) {
    query.aggregation = Aggregation{EnumOf<AggregationFunction>(request.agg().function()),
                                    request.agg().field_name()};
  }
  if (request.has_top()) {
    query.top = Top{request.top().number(), request.top().field_name(),
                    EnumOf<SortOrder>(request.top().field_value_sort())};
  }
  query.offset = request.offset();
  query.limit = request.limit();
  query.order_rule = request.order_by().index_rule_name();
  query.order = EnumOf<SortOrder>(request.order_by().sort());
  return query;
}

void ToMessage(const QuerySpan& span, banyandb::common::v1::Span& message) {
  ToMessage(span.begin, *message.mutable_start_time());
  ToMessage(span.end, *message.mutable_end_time());
  message.set_error(span.error);
  message.set_message(span.name);
  message.set_duration(span.duration_nanos);
  for (const auto& [key, value] : span.tags) {
    banyandb::common::v1::Tag& tag = *message.add_tags();
    tag.set_key(key);
    tag.set_value(value);
  }
  for (const auto& child : span.children) ToMessage(*child, *message.add_children());
}

}  // namespace ficus
