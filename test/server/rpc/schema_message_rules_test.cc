#include "server/rpc/schema_message_rules.h"

#include <string>

#include <catch2/catch.hpp>

#include "server/rpc/schema_convert.h"
#include "test/server/rpc/rpc_harness.h"

namespace ficus {
namespace {

namespace db = banyandb::database::v1;
namespace common = banyandb::common::v1;

common::Group RightGroup() {
  common::Group group;
  group.mutable_metadata()->set_name("g");
  group.set_catalog(common::CATALOG_MEASURE);
  auto& options = *group.mutable_resource_opts();
  options.set_shard_num(1);
  for (auto* interval : {options.mutable_segment_interval(), options.mutable_ttl()}) {
    interval->set_unit(common::IntervalRule::UNIT_DAY);
    interval->set_num(1);
  }
  return group;
}

db::Measure RightMeasure() {
  db::Measure measure;
  measure.mutable_metadata()->set_group("g");
  measure.mutable_metadata()->set_name("m");
  measure.mutable_entity()->add_tag_names("id");
  measure.mutable_sharding_key()->add_tag_names("id");
  auto& family = *measure.add_tag_families();
  family.set_name("default");
  family.add_tags()->set_name("id");
  family.mutable_tags(0)->set_type(db::TAG_TYPE_STRING);
  auto& field = *measure.add_fields();
  field.set_name("value");
  field.set_field_type(db::FIELD_TYPE_INT);
  field.set_compression_method(db::COMPRESSION_METHOD_ZSTD);
  return measure;
}

db::IndexRule RightRule() {
  db::IndexRule rule;
  rule.mutable_metadata()->set_group("g");
  rule.mutable_metadata()->set_name("r");
  rule.add_tags("id");
  rule.set_type(db::IndexRule::TYPE_INVERTED);
  return rule;
}

db::IndexRuleBinding RightBinding() {
  db::IndexRuleBinding binding;
  binding.mutable_metadata()->set_group("g");
  binding.mutable_metadata()->set_name("b");
  binding.add_rules("r");
  binding.mutable_subject()->set_catalog(common::CATALOG_MEASURE);
  binding.mutable_subject()->set_name("m");
  binding.mutable_begin_at()->set_seconds(1);
  binding.mutable_expire_at()->set_seconds(2);
  return binding;
}

db::TopNAggregation RightTopN() {
  db::TopNAggregation top_n;
  top_n.mutable_metadata()->set_group("g");
  top_n.mutable_metadata()->set_name("t");
  top_n.mutable_source_measure()->set_group("g");
  top_n.mutable_source_measure()->set_name("m");
  top_n.set_field_name("value");
  top_n.set_counters_number(1);
  return top_n;
}

// The text of an invalid argument, once `spoil` has been at the message.
template <typename Message, typename Spoil>
std::string Refusal(Message message, const Spoil& spoil) {
  REQUIRE(FromMessage(message).has_value());
  spoil(message);
  const Result<SchemaObject> object = FromMessage(message);
  REQUIRE(!object.has_value());
  CAPTURE(object.error().ToString());
  REQUIRE(object.error().code == ErrorCode::kInvalidArgument);
  return object.error().message;
}

TEST_CASE("a group that breaks a rule of the protocol is an invalid argument", "[rpc][registry]") {
  const auto refusal = [](const auto& spoil) { return Refusal(RightGroup(), spoil); };
  REQUIRE(refusal([](common::Group& group) { group.clear_metadata(); }) ==
          "invalid Group.Metadata: value is required");
  REQUIRE(refusal([](common::Group& group) { group.mutable_resource_opts()->clear_shard_num(); }) ==
          "invalid Group.ResourceOpts: embedded message failed validation | caused by: invalid "
          "ResourceOpts.ShardNum: value must be greater than 0");
  REQUIRE(refusal([](common::Group& group) {
            group.mutable_resource_opts()->mutable_ttl()->clear_num();
          }).ends_with("invalid IntervalRule.Num: value must be greater than 0"));
  REQUIRE(refusal([](common::Group& group) {
            group.mutable_resource_opts()->mutable_ttl()->set_unit(common::IntervalRule::Unit(9));
          }).ends_with("invalid IntervalRule.Unit: value must be one of the defined enum values"));
  REQUIRE(refusal([](common::Group& group) {
            group.mutable_resource_opts()->add_stages();
          }).ends_with("invalid LifecycleStage.Name: value length must be at least 1 runes"));
}

TEST_CASE("a measure that breaks a rule of the protocol is an invalid argument",
          "[rpc][registry]") {
  const auto refusal = [](const auto& spoil) { return Refusal(RightMeasure(), spoil); };
  REQUIRE(refusal([](db::Measure& measure) { measure.clear_metadata(); }) ==
          "invalid Measure.Metadata: value is required");
  REQUIRE(refusal([](db::Measure& measure) { measure.clear_tag_families(); }) ==
          "invalid Measure.TagFamilies: value must contain at least 1 item(s)");
  REQUIRE(refusal([](db::Measure& measure) { measure.clear_entity(); }) ==
          "invalid Measure.Entity: value is required");
  REQUIRE(refusal([](db::Measure& measure) { measure.mutable_entity()->clear_tag_names(); }) ==
          "invalid Measure.Entity: embedded message failed validation | caused by: invalid "
          "Entity.TagNames: value must contain at least 1 item(s)");
  REQUIRE(refusal([](db::Measure& measure) {
            measure.mutable_sharding_key()->clear_tag_names();
          }).ends_with("invalid ShardingKey.TagNames: value must contain at least 1 item(s)"));
  REQUIRE(refusal([](db::Measure& measure) {
            measure.mutable_tag_families(0)->clear_tags();
          }).ends_with("invalid TagFamilySpec.Tags: value must contain at least 1 item(s)"));
  REQUIRE(refusal([](db::Measure& measure) {
            measure.mutable_tag_families(0)->clear_name();
          }).ends_with("invalid TagFamilySpec.Name: value length must be at least 1 runes"));
  REQUIRE(refusal([](db::Measure& measure) {
            measure.mutable_tag_families(0)->mutable_tags(0)->clear_name();
          }) ==
          "invalid Measure.TagFamilies[0]: embedded message failed validation | caused by: invalid "
          "TagFamilySpec.Tags[0]: embedded message failed validation | caused by: invalid "
          "TagSpec.Name: value length must be at least 1 runes");
  REQUIRE(refusal([](db::Measure& measure) {
            measure.mutable_tag_families(0)->mutable_tags(0)->set_type(db::TagType(99));
          }).ends_with("invalid TagSpec.Type: value must be one of the defined enum values"));
  REQUIRE(refusal([](db::Measure& measure) {
            measure.mutable_fields(0)->clear_name();
          }).ends_with("invalid FieldSpec.Name: value length must be at least 1 runes"));
  REQUIRE(
      refusal([](db::Measure& measure) {
        measure.mutable_fields(0)->set_field_type(db::FieldType(99));
      }).ends_with("invalid FieldSpec.FieldType: value must be one of the defined enum values"));
}

TEST_CASE("index rules, bindings and aggregations that break a rule are invalid arguments",
          "[rpc][registry]") {
  REQUIRE(Refusal(RightRule(), [](db::IndexRule& rule) { rule.clear_metadata(); }) ==
          "invalid IndexRule.Metadata: value is required");
  REQUIRE(Refusal(RightRule(), [](db::IndexRule& rule) { rule.clear_tags(); }) ==
          "invalid IndexRule.Tags: value must contain at least 1 item(s)");
  const auto binding = [](const auto& spoil) { return Refusal(RightBinding(), spoil); };
  REQUIRE(binding([](db::IndexRuleBinding& bound) { bound.clear_metadata(); }) ==
          "invalid IndexRuleBinding.Metadata: value is required");
  REQUIRE(binding([](db::IndexRuleBinding& bound) { bound.clear_rules(); }) ==
          "invalid IndexRuleBinding.Rules: value must contain at least 1 item(s)");
  REQUIRE(binding([](db::IndexRuleBinding& bound) { bound.clear_subject(); }) ==
          "invalid IndexRuleBinding.Subject: value is required");
  REQUIRE(binding([](db::IndexRuleBinding& bound) {
            bound.mutable_subject()->clear_name();
          }).ends_with("invalid Subject.Name: value length must be at least 1 runes"));
  REQUIRE(binding([](db::IndexRuleBinding& bound) { bound.clear_begin_at(); }) ==
          "invalid IndexRuleBinding.BeginAt: value is required");
  REQUIRE(binding([](db::IndexRuleBinding& bound) { bound.clear_expire_at(); }) ==
          "invalid IndexRuleBinding.ExpireAt: value is required");
  const auto top_n = [](const auto& spoil) { return Refusal(RightTopN(), spoil); };
  REQUIRE(top_n([](db::TopNAggregation& top) { top.clear_metadata(); }) ==
          "invalid TopNAggregation.Metadata: value is required");
  REQUIRE(top_n([](db::TopNAggregation& top) { top.clear_source_measure(); }) ==
          "invalid TopNAggregation.SourceMeasure: value is required");
  REQUIRE(top_n([](db::TopNAggregation& top) { top.clear_field_name(); }) ==
          "invalid TopNAggregation.FieldName: value length must be at least 1 runes");
}

TEST_CASE("what the rules allow and the registry does not keeps the registry's code",
          "[rpc][registry]") {
  RpcHarness node;
  node.CreateSchema("g", "m");
  auto stub = db::MeasureRegistryService::NewStub(node.channel());
  const auto create = [&](const auto& spoil) {
    grpc::ClientContext call;
    db::MeasureRegistryServiceCreateRequest request;
    *request.mutable_measure() = node.Measure("g", "other");
    spoil(*request.mutable_measure());
    db::MeasureRegistryServiceCreateResponse response;
    return stub->Create(&call, request, &response);
  };
  const grpc::Status broken = create([](db::Measure& measure) { measure.clear_entity(); });
  REQUIRE(broken.error_code() == grpc::StatusCode::INVALID_ARGUMENT);
  const grpc::Status refused =
      create([](db::Measure& measure) { measure.mutable_fields(0)->clear_compression_method(); });
  REQUIRE(refused.error_code() == grpc::StatusCode::UNKNOWN);
  REQUIRE(refused.error_message() == "compression method is unspecified");
}

}  // namespace
}  // namespace ficus
