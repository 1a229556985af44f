#include "engine/schema/schema_object.h"

#include <algorithm>
#include <iterator>
#include <limits>

#include "engine/base/check.h"

namespace ficus {
namespace {

template <typename T>
const T& ViewOf(const SchemaObject& object) {
  const T* view = std::get_if<T>(&object.view);
  CHECK(view != nullptr) << SchemaKindName(object.key.kind) << " " << object.key.group << "/"
                         << object.key.name << " has no such view";
  return *view;
}

}  // namespace

std::string_view SchemaKindName(SchemaKind kind) {
  switch (kind) {
    case SchemaKind::kGroup:
      return "group";
    case SchemaKind::kStream:
      return "stream";
    case SchemaKind::kMeasure:
      return "measure";
    case SchemaKind::kTrace:
      return "trace";
    case SchemaKind::kProperty:
      return "property";
    case SchemaKind::kIndexRule:
      return "index_rule";
    case SchemaKind::kIndexRuleBinding:
      return "index_rule_binding";
    case SchemaKind::kTopNAggregation:
      return "top_n_aggregation";
  }
  return "unknown";
}

bool IsSubject(SchemaKind kind) {
  return kind == SchemaKind::kStream || kind == SchemaKind::kMeasure ||
         kind == SchemaKind::kTrace || kind == SchemaKind::kProperty;
}

Catalog CatalogOf(SchemaKind kind) {
  CHECK(IsSubject(kind)) << SchemaKindName(kind);
  switch (kind) {
    case SchemaKind::kStream:
      return Catalog::kStream;
    case SchemaKind::kMeasure:
      return Catalog::kMeasure;
    case SchemaKind::kTrace:
      return Catalog::kTrace;
    default:
      return Catalog::kProperty;
  }
}

ColumnType ColumnTypeOf(TagType type) {
  switch (type) {
    case TagType::kString:
      return ColumnType::kString;
    case TagType::kInt:
      return ColumnType::kInt64;
    case TagType::kStringArray:
      return ColumnType::kStringArray;
    case TagType::kIntArray:
      return ColumnType::kInt64Array;
    case TagType::kBinary:
      return ColumnType::kBinary;
    case TagType::kTimestamp:
      return ColumnType::kTimestamp;
    case TagType::kUnspecified:
      break;
  }
  CHECK(false) << "tag type " << static_cast<int>(type);
  return ColumnType::kString;
}

ColumnType ColumnTypeOf(FieldType type) {
  switch (type) {
    case FieldType::kString:
      return ColumnType::kString;
    case FieldType::kInt:
      return ColumnType::kInt64;
    case FieldType::kBinary:
      return ColumnType::kBinary;
    case FieldType::kFloat:
      return ColumnType::kFloat64;
    case FieldType::kUnspecified:
      break;
  }
  CHECK(false) << "field type " << static_cast<int>(type);
  return ColumnType::kString;
}

int64_t IntervalRule::nanos() const {
  const int64_t one = unit == IntervalUnit::kDay ? kNanosPerDay : kNanosPerHour;
  if (static_cast<int64_t>(num) > std::numeric_limits<int64_t>::max() / one) {
    return std::numeric_limits<int64_t>::max();
  }
  return one * static_cast<int64_t>(num);
}

const GroupSchema& SchemaObject::group() const { return ViewOf<GroupSchema>(*this); }
const StreamSchema& SchemaObject::stream() const { return ViewOf<StreamSchema>(*this); }
const MeasureSchema& SchemaObject::measure() const { return ViewOf<MeasureSchema>(*this); }
const TraceSchema& SchemaObject::trace() const { return ViewOf<TraceSchema>(*this); }
const PropertySchema& SchemaObject::property() const { return ViewOf<PropertySchema>(*this); }
const IndexRuleSchema& SchemaObject::index_rule() const { return ViewOf<IndexRuleSchema>(*this); }
const IndexRuleBindingSchema& SchemaObject::binding() const {
  return ViewOf<IndexRuleBindingSchema>(*this);
}
const TopNAggregationSchema& SchemaObject::top_n() const {
  return ViewOf<TopNAggregationSchema>(*this);
}

const std::vector<SubjectColumn>& SchemaObject::columns() const {
  switch (key.kind) {
    case SchemaKind::kStream:
      return stream().columns;
    case SchemaKind::kTrace:
      return trace().columns;
    case SchemaKind::kProperty:
      return property().columns;
    default:
      return measure().columns;
  }
}

std::vector<std::string_view> KeyTags(const MeasureSchema& measure) {
  const auto has = [&](const std::string& name) {
    return std::any_of(measure.families.begin(), measure.families.end(), [&](const auto& family) {
      return std::any_of(family.tags.begin(), family.tags.end(),
                         [&](const TagSpec& tag) { return tag.name == name; });
    });
  };
  std::vector<std::string_view> tags;
  std::copy_if(measure.entity.begin(), measure.entity.end(), std::back_inserter(tags), has);
  return tags;
}

bool ViewFits(SchemaKind kind, const SchemaView& view) {
  switch (kind) {
    case SchemaKind::kGroup:
      return std::holds_alternative<GroupSchema>(view);
    case SchemaKind::kStream:
      return std::holds_alternative<StreamSchema>(view);
    case SchemaKind::kMeasure:
      return std::holds_alternative<MeasureSchema>(view);
    case SchemaKind::kTrace:
      return std::holds_alternative<TraceSchema>(view);
    case SchemaKind::kProperty:
      return std::holds_alternative<PropertySchema>(view);
    case SchemaKind::kIndexRule:
      return std::holds_alternative<IndexRuleSchema>(view);
    case SchemaKind::kIndexRuleBinding:
      return std::holds_alternative<IndexRuleBindingSchema>(view);
    case SchemaKind::kTopNAggregation:
      return std::holds_alternative<TopNAggregationSchema>(view);
  }
  return false;
}

}  // namespace ficus
