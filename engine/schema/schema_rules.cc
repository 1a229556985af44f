#include "engine/schema/schema_rules.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "engine/base/check.h"
#include "engine/model/names.h"
#include "engine/schema/interval.h"

namespace ficus {
namespace {

Error Text(std::string text) { return {ErrorCode::kUnknown, std::move(text)}; }
Error Refused(std::string text) { return {ErrorCode::kInvalidArgument, std::move(text)}; }

std::string Quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

// How BanyanDB calls a kind in its texts.
std::string_view WordOf(SchemaKind kind) {
  switch (kind) {
    case SchemaKind::kIndexRule:
      return "indexRule";
    case SchemaKind::kIndexRuleBinding:
      return "indexRuleBinding";
    case SchemaKind::kTopNAggregation:
      return "topNAggregation";
    default:
      return SchemaKindName(kind);
  }
}

Result<> CheckIntervalRule(const std::optional<IntervalRule>& rule, const std::string& what) {
  if (!rule) return Text(what + " is nil");
  if (rule->num == 0) return Text(what + " num is invalid");
  if (rule->unit != IntervalUnit::kHour && rule->unit != IntervalUnit::kDay) {
    return Text(what + " unit is unspecified");
  }
  return Ok();
}

bool IsKnown(Catalog catalog) {
  return catalog == Catalog::kStream || catalog == Catalog::kMeasure ||
         catalog == Catalog::kProperty || catalog == Catalog::kTrace;
}

// A client may send any number for a kind of type.
bool IsKnown(TagType type) { return type > TagType::kUnspecified && type <= TagType::kTimestamp; }
bool IsKnown(FieldType type) { return type > FieldType::kUnspecified && type <= FieldType::kFloat; }
bool IsKnown(IndexType type) { return type > IndexType::kUnspecified && type <= IndexType::kTree; }

Result<> Check(const GroupSchema& group) {
  if (!IsKnown(group.catalog)) return Text("catalog is unspecified");
  const bool property = group.catalog == Catalog::kProperty;
  const std::string prefix = property ? "" : "group ";
  if (!group.resources) return Text(prefix + "resourceOpts is nil");
  if (group.resources->shard_count == 0) return Text(prefix + "shardNum is invalid");
  if (property) {
    if (group.resources->segment_interval) return Text("segmentInterval should be nil");
    if (group.resources->ttl) return Text("ttl should be nil");
    return Ok();
  }
  RETURN_IF_ERROR(CheckIntervalRule(group.resources->segment_interval, "group segmentInterval"));
  return CheckIntervalRule(group.resources->ttl, "group ttl");
}

Result<> CheckTagName(std::string_view name) {
  if (name.find('#') == std::string_view::npos) return Ok();
  return Text("tag name " + Quoted(name) + " must not contain reserved character \"#\"");
}

// A tag is found by its name alone, so one name must mean one tag.
Result<> CheckUniqueTags(const std::vector<TagFamily>& families) {
  std::map<std::string_view, std::string_view> family_of;
  for (const TagFamily& family : families) {
    for (const TagSpec& tag : family.tags) {
      const auto [known, added] = family_of.emplace(tag.name, family.name);
      if (added) continue;
      const std::string start = "tag name " + Quoted(tag.name) + " is duplicated in tag ";
      if (known->second == family.name) return Text(start + "family " + Quoted(family.name));
      return Text(start + "families " + Quoted(known->second) + " and " + Quoted(family.name) +
                  ": tag names must be unique across all tag families");
    }
  }
  return Ok();
}

Result<> CheckFamilies(const std::vector<TagFamily>& families) {
  for (const TagFamily& family : families) {
    if (family.name.empty()) return Text("tag family name is empty");
    for (const TagSpec& tag : family.tags) {
      if (tag.name.empty()) return Text("tag name is empty");
      RETURN_IF_ERROR(CheckTagName(tag.name));
      if (!IsKnown(tag.type)) return Text("tag type is unspecified");
    }
  }
  RETURN_IF_ERROR(CheckUniqueTags(families));
  std::set<std::string_view> names;
  for (const TagFamily& family : families) {
    if (!names.insert(family.name).second) {
      return Refused("tag family name " + Quoted(family.name) + " is duplicated");
    }
  }
  return Ok();
}

Result<> Check(const StreamSchema& stream) {
  if (stream.families.empty()) return Text("stream tag families is empty");
  if (stream.entity.empty()) return Text("stream entity tag names is empty");
  return CheckFamilies(stream.families);
}

Result<> CheckFields(const std::vector<FieldSpec>& fields) {
  std::set<std::string_view> names;
  for (const FieldSpec& field : fields) {
    if (field.name.empty()) return Text("field name is empty");
    if (!IsKnown(field.type)) return Text("field type is unspecified");
    if (field.compression == 0) return Text("compression method is unspecified");
    if (!names.insert(field.name).second) {
      return Refused("field name " + Quoted(field.name) + " is duplicated");
    }
  }
  return Ok();
}

Result<> Check(const MeasureSchema& measure) {
  if (!measure.interval.empty()) {
    const auto interval = ParseInterval(measure.interval);
    if (!interval) return Text("interval is malformed: " + interval.error().message);
  }
  if (measure.entity.empty()) return Text("measure entity tag names is empty");
  RETURN_IF_ERROR(CheckFields(measure.fields));
  if (measure.families.empty()) return Text("measure tag families is empty");
  if (measure.index_mode && !measure.fields.empty()) {
    return Text("index mode is enabled, but fields are not empty");
  }
  return CheckFamilies(measure.families);
}

Result<> CheckTags(const std::vector<TagSpec>& tags, const std::string& what) {
  std::set<std::string_view> names;
  for (const TagSpec& tag : tags) {
    if (tag.name.empty()) return Text(what + " tag name is empty");
    RETURN_IF_ERROR(CheckTagName(tag.name));
    if (!IsKnown(tag.type)) return Text(what + " tag type is unspecified");
    if (!names.insert(tag.name).second) {
      return Refused(what + " tag name " + Quoted(tag.name) + " is duplicated");
    }
  }
  return Ok();
}

Result<> Check(const TraceSchema& trace) {
  if (trace.tags.empty()) return Text("trace tags is empty");
  if (trace.trace_id_tag.empty()) return Text("trace_id_tag_name is empty");
  RETURN_IF_ERROR(CheckTagName(trace.trace_id_tag));
  if (trace.span_id_tag.empty()) return Text("span_id_tag_name is empty");
  RETURN_IF_ERROR(CheckTagName(trace.span_id_tag));
  if (trace.timestamp_tag.empty()) return Text("timestamp_tag_name is empty");
  RETURN_IF_ERROR(CheckTagName(trace.timestamp_tag));
  return CheckTags(trace.tags, "trace");
}

Result<> Check(const PropertySchema& property) { return CheckTags(property.tags, "property"); }

Result<> Check(const IndexRuleSchema& rule) {
  if (rule.id == 0) return Text("indexRule id is invalid");
  if (rule.tags.empty()) return Text("indexRule tags is empty");
  if (!IsKnown(rule.type)) return Text("indexRule type is unspecified");
  return Ok();
}

Result<> Check(const IndexRuleBindingSchema& binding) {
  if (binding.subject.empty()) return Text("indexRuleBinding subject name is empty");
  if (!IsKnown(binding.subject_catalog)) {
    return Text("indexRuleBinding subject catalog is unspecified");
  }
  if (binding.rules.empty()) return Text("indexRuleBinding rules is empty");
  return Ok();
}

Result<> Check(const TopNAggregationSchema& top_n) {
  if (top_n.source_measure.empty()) return Text("topNAggregation sourceMeasure name is empty");
  if (top_n.source_group.empty()) return Text("topNAggregation sourceMeasure group is empty");
  if (top_n.counters_number <= 0) return Text("topNAggregation countersNumber is invalid");
  if (top_n.field_name.empty()) return Text("topNAggregation fieldName is empty");
  return Ok();
}

Error Broken(std::string text) { return Text("validation failed: " + std::move(text)); }

// The text form in which BanyanDB shows an entity.
std::string EntityText(const std::vector<std::string>& tags) {
  std::string text;
  for (const std::string& tag : tags) {
    if (!text.empty()) text += ' ';
    text += "tag_names:" + Quoted(tag);
  }
  return text;
}

Result<> CheckEntityUpdate(const std::vector<std::string>& before,
                           const std::vector<std::string>& after) {
  if (before == after) return Ok();
  return Broken("entity is different: " + EntityText(before) + " != " + EntityText(after));
}

const TagFamily* FindFamily(const std::vector<TagFamily>& families, std::string_view name) {
  const auto found = std::find_if(families.begin(), families.end(),
                                  [&](const TagFamily& family) { return family.name == name; });
  return found == families.end() ? nullptr : &*found;
}

const TagSpec* FindTag(const std::vector<TagSpec>& tags, std::string_view name) {
  const auto found =
      std::find_if(tags.begin(), tags.end(), [&](const TagSpec& tag) { return tag.name == name; });
  return found == tags.end() ? nullptr : &*found;
}

bool HasTag(const std::vector<TagFamily>& families, std::string_view name) {
  return std::any_of(families.begin(), families.end(), [&](const TagFamily& family) {
    return FindTag(family.tags, name) != nullptr;
  });
}

Result<> CheckFamiliesUpdate(const std::vector<TagFamily>& before,
                             const std::vector<TagFamily>& after,
                             const std::vector<std::string>& entity) {
  const auto in_entity = [&](const TagSpec& tag) {
    return std::find(entity.begin(), entity.end(), tag.name) != entity.end();
  };
  for (const TagFamily& family : before) {
    const TagFamily* now = FindFamily(after, family.name);
    for (const TagSpec& tag : family.tags) {
      if (!in_entity(tag)) continue;
      if (now == nullptr) {
        return Broken("cannot delete tag family " + family.name + ": it contains entity tag " +
                      tag.name);
      }
      if (FindTag(now->tags, tag.name) == nullptr) {
        return Broken("cannot delete entity tag " + tag.name + " in tag family " + family.name);
      }
    }
  }
  // An entity may name a tag that is missing: it is left out of the series key, for good.
  for (const std::string& tag : entity) {
    if (!HasTag(before, tag) && HasTag(after, tag)) {
      return Broken("cannot add entity tag " + tag);
    }
  }
  return Ok();
}

std::string FieldText(const FieldSpec& field) {
  return "name:" + Quoted(field.name) +
         " field_type:" + std::to_string(static_cast<int>(field.type)) +
         " encoding_method:" + std::to_string(field.encoding) +
         " compression_method:" + std::to_string(field.compression);
}

Result<> CheckFieldsUpdate(const std::vector<FieldSpec>& before,
                           const std::vector<FieldSpec>& after) {
  for (const FieldSpec& field : before) {
    const auto now = std::find_if(after.begin(), after.end(), [&](const FieldSpec& candidate) {
      return candidate.name == field.name;
    });
    if (now == after.end()) continue;
    if (now->type != field.type || now->encoding != field.encoding ||
        now->compression != field.compression) {
      return Broken("field " + field.name + " is different: " + FieldText(field) +
                    " != " + FieldText(*now));
    }
  }
  return Ok();
}

// Everything of a group lies in one catalog's directory.
Result<> CheckUpdate(const GroupSchema& before, const GroupSchema& after) {
  if (before.catalog == after.catalog) return Ok();
  return Broken("catalog is different: " + std::string(CatalogName(before.catalog)) +
                " != " + std::string(CatalogName(after.catalog)));
}

Result<> CheckUpdate(const StreamSchema& before, const StreamSchema& after) {
  RETURN_IF_ERROR(CheckEntityUpdate(before.entity, after.entity));
  return CheckFamiliesUpdate(before.families, after.families, after.entity);
}

Result<> CheckUpdate(const MeasureSchema& before, const MeasureSchema& after) {
  if (before.interval != after.interval) {
    return Broken("interval is different: " + before.interval + " != " + after.interval);
  }
  RETURN_IF_ERROR(CheckEntityUpdate(before.entity, after.entity));
  if (before.index_mode != after.index_mode) {
    return Broken(std::string("index mode is different: ") +
                  (before.index_mode ? "true" : "false") +
                  " != " + (after.index_mode ? "true" : "false"));
  }
  RETURN_IF_ERROR(CheckFamiliesUpdate(before.families, after.families, after.entity));
  return CheckFieldsUpdate(before.fields, after.fields);
}

Result<> CheckUpdate(const TraceSchema& before, const TraceSchema& after) {
  for (const TagSpec& tag : before.tags) {
    const bool reserved = tag.name == after.trace_id_tag || tag.name == after.timestamp_tag ||
                          tag.name == after.span_id_tag;
    if (reserved && FindTag(after.tags, tag.name) == nullptr) {
      return Broken("cannot delete reserved tag " + tag.name);
    }
  }
  return Ok();
}

template <typename T>
Result<> CheckUpdate(const T&, const T&) {
  return Ok();
}

}  // namespace

Result<> CheckSchemaNames(const SchemaKey& key) {
  const std::string word(WordOf(key.kind));
  if (key.kind == SchemaKind::kGroup) {
    if (key.name.empty()) return Text("metadata.name is required");
    return CheckGroupName(key.name);
  }
  if (key.name.empty()) return Text(word + " name is empty");
  if (key.group.empty()) return Text(word + " group is empty");
  RETURN_IF_ERROR(CheckName(word, key.name));
  return CheckGroupName(key.group);
}

Result<> CheckSchemaProposal(const SchemaObject& proposal) {
  RETURN_IF_ERROR(CheckSchemaNames(proposal.key));
  return std::visit([&](const auto& view) { return Check(view); }, proposal.view);
}

Result<> CheckSchemaUpdate(const SchemaObject& before, const SchemaObject& after) {
  CHECK(before.key == after.key && before.view.index() == after.view.index());
  return std::visit(
      [&](const auto& view) -> Result<> {
        using View = std::decay_t<decltype(view)>;
        return CheckUpdate(view, std::get<View>(after.view));
      },
      before.view);
}

uint32_t IndexRuleIdOf(std::string_view group, std::string_view name) {
  uint32_t crc = ~uint32_t{0};
  for (const std::string_view part : {group, name}) {
    for (const char c : part) {
      crc ^= static_cast<uint8_t>(c);
      for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xEDB88320u : 0u);
    }
  }
  return ~crc;
}

}  // namespace ficus
