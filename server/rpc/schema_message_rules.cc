#include "server/rpc/schema_message_rules.h"

#include <string>
#include <string_view>

#include <fmt/core.h>

namespace ficus {
namespace {

namespace common = banyandb::common::v1;
namespace database = banyandb::database::v1;

// `field` is the message and the field, as generated code calls them: "Measure.Entity".
Error Broken(std::string_view field, std::string_view reason) {
  return {ErrorCode::kInvalidArgument, fmt::format("invalid {}: {}", field, reason)};
}

Result<> Required(bool present, std::string_view field) {
  return present ? Ok() : Broken(field, "value is required");
}

Result<> NotEmpty(const std::string& text, std::string_view field) {
  return !text.empty() ? Ok() : Broken(field, "value length must be at least 1 runes");
}

template <typename Items>
Result<> SomeItem(const Items& items, std::string_view field) {
  return !items.empty() ? Ok() : Broken(field, "value must contain at least 1 item(s)");
}

Result<> Positive(uint32_t number, std::string_view field) {
  return number > 0 ? Ok() : Broken(field, "value must be greater than 0");
}

Result<> Defined(bool valid, std::string_view field) {
  return valid ? Ok() : Broken(field, "value must be one of the defined enum values");
}

// A message inside of another.
Result<> Embedded(Result<> checked, std::string_view field) {
  if (checked.has_value()) return checked;
  return Broken(field,
                "embedded message failed validation | caused by: " + checked.error().message);
}

template <typename Items, typename Check>
Result<> EachEmbedded(const Items& items, std::string_view field, const Check& check) {
  int number = 0;
  for (const auto& item : items) {
    RETURN_IF_ERROR(Embedded(check(item), fmt::format("{}[{}]", field, number++)));
  }
  return Ok();
}

Result<> Check(const common::IntervalRule& rule) {
  RETURN_IF_ERROR(Defined(common::IntervalRule::Unit_IsValid(rule.unit()), "IntervalRule.Unit"));
  return Positive(rule.num(), "IntervalRule.Num");
}

Result<> Check(const common::LifecycleStage& stage) {
  RETURN_IF_ERROR(NotEmpty(stage.name(), "LifecycleStage.Name"));
  RETURN_IF_ERROR(Positive(stage.shard_num(), "LifecycleStage.ShardNum"));
  RETURN_IF_ERROR(Required(stage.has_segment_interval(), "LifecycleStage.SegmentInterval"));
  RETURN_IF_ERROR(Embedded(Check(stage.segment_interval()), "LifecycleStage.SegmentInterval"));
  RETURN_IF_ERROR(Required(stage.has_ttl(), "LifecycleStage.Ttl"));
  RETURN_IF_ERROR(Embedded(Check(stage.ttl()), "LifecycleStage.Ttl"));
  return NotEmpty(stage.node_selector(), "LifecycleStage.NodeSelector");
}

Result<> Check(const common::ResourceOpts& options) {
  RETURN_IF_ERROR(Positive(options.shard_num(), "ResourceOpts.ShardNum"));
  if (options.has_segment_interval()) {
    RETURN_IF_ERROR(Embedded(Check(options.segment_interval()), "ResourceOpts.SegmentInterval"));
  }
  if (options.has_ttl()) RETURN_IF_ERROR(Embedded(Check(options.ttl()), "ResourceOpts.Ttl"));
  return EachEmbedded(options.stages(), "ResourceOpts.Stages",
                      [](const common::LifecycleStage& stage) { return Check(stage); });
}

Result<> Check(const database::TagSpec& tag) {
  RETURN_IF_ERROR(NotEmpty(tag.name(), "TagSpec.Name"));
  return Defined(database::TagType_IsValid(tag.type()), "TagSpec.Type");
}

Result<> Check(const database::TagFamilySpec& family) {
  RETURN_IF_ERROR(NotEmpty(family.name(), "TagFamilySpec.Name"));
  RETURN_IF_ERROR(SomeItem(family.tags(), "TagFamilySpec.Tags"));
  return EachEmbedded(family.tags(), "TagFamilySpec.Tags",
                      [](const database::TagSpec& tag) { return Check(tag); });
}

Result<> Check(const database::FieldSpec& field) {
  RETURN_IF_ERROR(NotEmpty(field.name(), "FieldSpec.Name"));
  RETURN_IF_ERROR(Defined(database::FieldType_IsValid(field.field_type()), "FieldSpec.FieldType"));
  RETURN_IF_ERROR(Defined(database::EncodingMethod_IsValid(field.encoding_method()),
                          "FieldSpec.EncodingMethod"));
  return Defined(database::CompressionMethod_IsValid(field.compression_method()),
                 "FieldSpec.CompressionMethod");
}

}  // namespace

Result<> CheckRules(const common::Group& group) {
  RETURN_IF_ERROR(Required(group.has_metadata(), "Group.Metadata"));
  if (!group.has_resource_opts()) return Ok();
  return Embedded(Check(group.resource_opts()), "Group.ResourceOpts");
}

Result<> CheckRules(const database::Measure& measure) {
  RETURN_IF_ERROR(Required(measure.has_metadata(), "Measure.Metadata"));
  RETURN_IF_ERROR(SomeItem(measure.tag_families(), "Measure.TagFamilies"));
  RETURN_IF_ERROR(
      EachEmbedded(measure.tag_families(), "Measure.TagFamilies",
                   [](const database::TagFamilySpec& family) { return Check(family); }));
  RETURN_IF_ERROR(EachEmbedded(measure.fields(), "Measure.Fields",
                               [](const database::FieldSpec& field) { return Check(field); }));
  RETURN_IF_ERROR(Required(measure.has_entity(), "Measure.Entity"));
  RETURN_IF_ERROR(
      Embedded(SomeItem(measure.entity().tag_names(), "Entity.TagNames"), "Measure.Entity"));
  if (!measure.has_sharding_key()) return Ok();
  return Embedded(SomeItem(measure.sharding_key().tag_names(), "ShardingKey.TagNames"),
                  "Measure.ShardingKey");
}

Result<> CheckRules(const database::IndexRule& rule) {
  RETURN_IF_ERROR(Required(rule.has_metadata(), "IndexRule.Metadata"));
  RETURN_IF_ERROR(SomeItem(rule.tags(), "IndexRule.Tags"));
  return Defined(database::IndexRule::Type_IsValid(rule.type()), "IndexRule.Type");
}

Result<> CheckRules(const database::IndexRuleBinding& binding) {
  RETURN_IF_ERROR(Required(binding.has_metadata(), "IndexRuleBinding.Metadata"));
  RETURN_IF_ERROR(SomeItem(binding.rules(), "IndexRuleBinding.Rules"));
  RETURN_IF_ERROR(Required(binding.has_subject(), "IndexRuleBinding.Subject"));
  RETURN_IF_ERROR(
      Embedded(NotEmpty(binding.subject().name(), "Subject.Name"), "IndexRuleBinding.Subject"));
  RETURN_IF_ERROR(Required(binding.has_begin_at(), "IndexRuleBinding.BeginAt"));
  return Required(binding.has_expire_at(), "IndexRuleBinding.ExpireAt");
}

Result<> CheckRules(const database::TopNAggregation& top_n) {
  RETURN_IF_ERROR(Required(top_n.has_metadata(), "TopNAggregation.Metadata"));
  RETURN_IF_ERROR(Required(top_n.has_source_measure(), "TopNAggregation.SourceMeasure"));
  return NotEmpty(top_n.field_name(), "TopNAggregation.FieldName");
}

}  // namespace ficus
