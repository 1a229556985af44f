#include "server/rpc/schema_convert.h"

#include <optional>
#include <string>
#include <utility>

#include "engine/base/check.h"
#include "server/rpc/schema_message_rules.h"
#include "server/rpc/timestamp_convert.h"

namespace ficus {
namespace {

namespace common = banyandb::common::v1;
namespace database = banyandb::database::v1;

// Removes what the server assigns; what is left is the client's word.
template <typename Message>
std::string PayloadOf(Message message) {
  message.mutable_metadata()->clear_create_revision();
  message.mutable_metadata()->clear_mod_revision();
  message.clear_updated_at();
  message.clear_created_at();
  return message.SerializeAsString();
}

template <typename Message>
SchemaObject ObjectOf(SchemaKind kind, const Message& message, SchemaView view) {
  SchemaObject object;
  object.key = {kind, message.metadata().group(), message.metadata().name()};
  object.payload = PayloadOf(message);
  object.view = std::move(view);
  return object;
}

template <typename Message>
void FillAssigned(const SchemaObject& object, Message& message) {
  common::Metadata& metadata = *message.mutable_metadata();
  metadata.set_mod_revision(object.mod_revision);
  ToMessage(object.updated_at, *message.mutable_updated_at());
  ToMessage(object.created_at, *message.mutable_created_at());
}

// The message as the client sent it; false for an object that the node made itself.
template <typename Message>
bool ParsePayload(const SchemaObject& object, Message& message) {
  message.Clear();
  if (object.payload.empty()) {
    message.mutable_metadata()->set_group(object.key.group);
    message.mutable_metadata()->set_name(object.key.name);
    return false;
  }
  CHECK(message.ParseFromString(object.payload)) << "a stored schema message does not parse";
  return true;
}

// A value of an enumeration as a byte; `none` for one that the byte cannot hold, which no rule
// accepts.
template <typename Enum>
Enum EnumOf(int value) {
  return value < 0 || value > 255 ? Enum{255} : static_cast<Enum>(value);
}

std::optional<IntervalRule> IntervalOf(bool present, const common::IntervalRule& message) {
  if (!present) return std::nullopt;
  return IntervalRule{EnumOf<IntervalUnit>(message.unit()), message.num()};
}

void ToMessage(const IntervalRule& interval, common::IntervalRule& message) {
  message.set_unit(static_cast<common::IntervalRule::Unit>(interval.unit));
  message.set_num(interval.num);
}

template <typename Names>
std::vector<std::string> StringsOf(const Names& names) {
  return {names.begin(), names.end()};
}

}  // namespace

// --- Group

Result<SchemaObject> FromMessage(const common::Group& message) {
  RETURN_IF_ERROR(CheckRules(message));
  GroupSchema schema;
  schema.catalog = EnumOf<Catalog>(message.catalog());
  if (message.has_resource_opts()) {
    const common::ResourceOpts& options = message.resource_opts();
    schema.resources = ResourceOptions{
        options.shard_num(), IntervalOf(options.has_segment_interval(), options.segment_interval()),
        IntervalOf(options.has_ttl(), options.ttl())};
  }
  SchemaObject object = ObjectOf(SchemaKind::kGroup, message, schema);
  // A group names itself; what the client put into metadata.group stays in the echo only.
  object.key.group.clear();
  return object;
}

void ToMessage(const SchemaObject& object, common::Group& message) {
  if (!ParsePayload(object, message)) {
    const GroupSchema& schema = object.group();
    message.set_catalog(static_cast<common::Catalog>(schema.catalog));
    if (schema.resources.has_value()) {
      common::ResourceOpts& options = *message.mutable_resource_opts();
      options.set_shard_num(schema.resources->shard_count);
      if (schema.resources->segment_interval.has_value()) {
        ToMessage(*schema.resources->segment_interval, *options.mutable_segment_interval());
      }
      if (schema.resources->ttl.has_value()) {
        ToMessage(*schema.resources->ttl, *options.mutable_ttl());
      }
    }
  }
  FillAssigned(object, message);
}

// --- Measure

Result<SchemaObject> FromMessage(const database::Measure& message) {
  RETURN_IF_ERROR(CheckRules(message));
  MeasureSchema schema;
  for (const database::TagFamilySpec& family : message.tag_families()) {
    TagFamily& made = schema.families.emplace_back();
    made.name = family.name();
    for (const database::TagSpec& tag : family.tags()) {
      made.tags.push_back({tag.name(), EnumOf<TagType>(tag.type()), kNoColumn});
    }
  }
  for (const database::FieldSpec& field : message.fields()) {
    schema.fields.push_back({field.name(), EnumOf<FieldType>(field.field_type()),
                             EnumOf<uint8_t>(field.encoding_method()),
                             EnumOf<uint8_t>(field.compression_method()), kNoColumn});
  }
  schema.entity = StringsOf(message.entity().tag_names());
  schema.sharding_key = StringsOf(message.sharding_key().tag_names());
  schema.interval = message.interval();
  schema.index_mode = message.index_mode();
  return ObjectOf(SchemaKind::kMeasure, message, std::move(schema));
}

void ToMessage(const SchemaObject& object, database::Measure& message) {
  if (!ParsePayload(object, message)) {
    const MeasureSchema& schema = object.measure();
    for (const TagFamily& family : schema.families) {
      database::TagFamilySpec& made = *message.add_tag_families();
      made.set_name(family.name);
      for (const TagSpec& tag : family.tags) {
        database::TagSpec& spec = *made.add_tags();
        spec.set_name(tag.name);
        spec.set_type(static_cast<database::TagType>(tag.type));
      }
    }
    for (const FieldSpec& field : schema.fields) {
      database::FieldSpec& spec = *message.add_fields();
      spec.set_name(field.name);
      spec.set_field_type(static_cast<database::FieldType>(field.type));
      spec.set_encoding_method(static_cast<database::EncodingMethod>(field.encoding));
      spec.set_compression_method(static_cast<database::CompressionMethod>(field.compression));
    }
    for (const std::string& name : schema.entity) message.mutable_entity()->add_tag_names(name);
    for (const std::string& name : schema.sharding_key) {
      message.mutable_sharding_key()->add_tag_names(name);
    }
    message.set_interval(schema.interval);
    message.set_index_mode(schema.index_mode);
  }
  FillAssigned(object, message);
}

// --- Index rule

Result<SchemaObject> FromMessage(const database::IndexRule& message) {
  RETURN_IF_ERROR(CheckRules(message));
  IndexRuleSchema schema;
  schema.id = message.metadata().id();
  schema.tags = StringsOf(message.tags());
  schema.type = EnumOf<IndexType>(message.type());
  schema.analyzer = message.analyzer();
  schema.no_sort = message.no_sort();
  return ObjectOf(SchemaKind::kIndexRule, message, std::move(schema));
}

void ToMessage(const SchemaObject& object, database::IndexRule& message) {
  const IndexRuleSchema& schema = object.index_rule();
  if (!ParsePayload(object, message)) {
    for (const std::string& tag : schema.tags) message.add_tags(tag);
    message.set_type(static_cast<database::IndexRule::Type>(schema.type));
    message.set_analyzer(schema.analyzer);
    message.set_no_sort(schema.no_sort);
  }
  message.mutable_metadata()->set_id(schema.id);
  FillAssigned(object, message);
}

// --- Index rule binding

Result<SchemaObject> FromMessage(const database::IndexRuleBinding& message) {
  RETURN_IF_ERROR(CheckRules(message));
  const std::optional<UnixNanos> begin = FromMessage(message.begin_at());
  const std::optional<UnixNanos> expire = FromMessage(message.expire_at());
  if (!begin.has_value() || !expire.has_value()) {
    return Error{ErrorCode::kInvalidArgument,
                 "invalid IndexRuleBinding: begin_at or expire_at is out of range"};
  }
  IndexRuleBindingSchema schema;
  schema.rules = StringsOf(message.rules());
  schema.subject_catalog = EnumOf<Catalog>(message.subject().catalog());
  schema.subject = message.subject().name();
  schema.begin_at = *begin;
  schema.expire_at = *expire;
  return ObjectOf(SchemaKind::kIndexRuleBinding, message, std::move(schema));
}

void ToMessage(const SchemaObject& object, database::IndexRuleBinding& message) {
  if (!ParsePayload(object, message)) {
    const IndexRuleBindingSchema& schema = object.binding();
    for (const std::string& rule : schema.rules) message.add_rules(rule);
    message.mutable_subject()->set_catalog(static_cast<common::Catalog>(schema.subject_catalog));
    message.mutable_subject()->set_name(schema.subject);
    ToMessage(schema.begin_at, *message.mutable_begin_at());
    ToMessage(schema.expire_at, *message.mutable_expire_at());
  }
  FillAssigned(object, message);
}

// --- Top-N aggregation

Result<SchemaObject> FromMessage(const database::TopNAggregation& message) {
  RETURN_IF_ERROR(CheckRules(message));
  TopNAggregationSchema schema;
  schema.source_group = message.source_measure().group();
  schema.source_measure = message.source_measure().name();
  schema.field_name = message.field_name();
  schema.sort = EnumOf<SortOrder>(message.field_value_sort());
  schema.group_by_tags = StringsOf(message.group_by_tag_names());
  schema.counters_number = message.counters_number();
  schema.lru_size = message.lru_size();
  return ObjectOf(SchemaKind::kTopNAggregation, message, std::move(schema));
}

void ToMessage(const SchemaObject& object, database::TopNAggregation& message) {
  if (!ParsePayload(object, message)) {
    const TopNAggregationSchema& schema = object.top_n();
    message.mutable_source_measure()->set_group(schema.source_group);
    message.mutable_source_measure()->set_name(schema.source_measure);
    message.set_field_name(schema.field_name);
    message.set_field_value_sort(static_cast<banyandb::model::v1::Sort>(schema.sort));
    for (const std::string& tag : schema.group_by_tags) message.add_group_by_tag_names(tag);
    message.set_counters_number(schema.counters_number);
    message.set_lru_size(schema.lru_size);
  }
  FillAssigned(object, message);
}

}  // namespace ficus
