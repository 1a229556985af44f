// Proposals as a client would send them, for the tests of this room and of those above it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/schema/schema_object.h"
#include "engine/schema/schema_registry.h"

namespace ficus {

inline SchemaObject ProposeGroup(std::string name, Catalog catalog = Catalog::kMeasure) {
  GroupSchema group;
  group.catalog = catalog;
  group.resources.emplace();
  group.resources->shard_count = 2;
  if (catalog != Catalog::kProperty) {
    group.resources->segment_interval = IntervalRule{IntervalUnit::kDay, 1};
    group.resources->ttl = IntervalRule{IntervalUnit::kDay, 7};
  }
  SchemaObject object;
  object.key = {SchemaKind::kGroup, "", name};
  object.payload = "group " + name;
  object.view = group;
  return object;
}

// Family "default": id (the entity), layer, count; fields value (int), rate (float).
inline SchemaObject ProposeMeasure(std::string group, std::string name) {
  MeasureSchema measure;
  measure.families = {{"default",
                       {{"id", TagType::kString, kNoColumn},
                        {"layer", TagType::kString, kNoColumn},
                        {"count", TagType::kInt, kNoColumn}}}};
  measure.fields = {{"value", FieldType::kInt, 1, 1, kNoColumn},
                    {"rate", FieldType::kFloat, 1, 1, kNoColumn}};
  measure.entity = {"id"};
  measure.interval = "1m";
  SchemaObject object;
  object.key = {SchemaKind::kMeasure, std::move(group), name};
  object.payload = "measure " + name;
  object.view = std::move(measure);
  return object;
}

inline SchemaObject ProposeStream(std::string group, std::string name) {
  StreamSchema stream;
  stream.families = {
      {"searchable",
       {{"service", TagType::kString, kNoColumn}, {"state", TagType::kInt, kNoColumn}}}};
  stream.entity = {"service"};
  SchemaObject object;
  object.key = {SchemaKind::kStream, std::move(group), name};
  object.payload = "stream " + name;
  object.view = std::move(stream);
  return object;
}

inline SchemaObject ProposeTrace(std::string group, std::string name) {
  TraceSchema trace;
  trace.tags = {{"trace_id", TagType::kString, kNoColumn},
                {"span_id", TagType::kString, kNoColumn},
                {"time", TagType::kTimestamp, kNoColumn},
                {"service", TagType::kString, kNoColumn}};
  trace.trace_id_tag = "trace_id";
  trace.span_id_tag = "span_id";
  trace.timestamp_tag = "time";
  SchemaObject object;
  object.key = {SchemaKind::kTrace, std::move(group), name};
  object.payload = "trace " + name;
  object.view = std::move(trace);
  return object;
}

inline SchemaObject ProposeProperty(std::string group, std::string name) {
  PropertySchema property;
  property.tags = {{"content", TagType::kString, kNoColumn}};
  SchemaObject object;
  object.key = {SchemaKind::kProperty, std::move(group), name};
  object.payload = "property " + name;
  object.view = std::move(property);
  return object;
}

inline SchemaObject ProposeIndexRule(std::string group, std::string name,
                                     std::vector<std::string> tags) {
  IndexRuleSchema rule;
  rule.tags = std::move(tags);
  rule.type = IndexType::kInverted;
  SchemaObject object;
  object.key = {SchemaKind::kIndexRule, std::move(group), name};
  object.payload = "rule " + name;
  object.view = std::move(rule);
  return object;
}

inline SchemaObject ProposeBinding(std::string group, std::string name, std::string subject,
                                   std::vector<std::string> rules, UnixNanos begin_at = 0,
                                   UnixNanos expire_at = 4'000'000'000'000'000'000) {
  IndexRuleBindingSchema binding;
  binding.rules = std::move(rules);
  binding.subject_catalog = Catalog::kMeasure;
  binding.subject = std::move(subject);
  binding.begin_at = begin_at;
  binding.expire_at = expire_at;
  SchemaObject object;
  object.key = {SchemaKind::kIndexRuleBinding, std::move(group), name};
  object.payload = "binding " + name;
  object.view = std::move(binding);
  return object;
}

inline SchemaObject ProposeTopN(std::string group, std::string name, std::string source) {
  TopNAggregationSchema top_n;
  top_n.source_group = group;
  top_n.source_measure = std::move(source);
  top_n.field_name = "value";
  top_n.group_by_tags = {"layer"};
  top_n.counters_number = 1000;
  SchemaObject object;
  object.key = {SchemaKind::kTopNAggregation, std::move(group), name};
  object.payload = "top n " + name;
  object.view = std::move(top_n);
  return object;
}

// Proposals that the registry cannot refuse, one after another.
inline void CreateAll(SchemaRegistry& registry, UnixNanos now, RandomSource& random,
                      const std::vector<SchemaObject>& proposals) {
  for (const SchemaObject& proposal : proposals) {
    registry.Apply(registry.PrepareCreate(proposal, now, random).value());
  }
}

}  // namespace ficus
