#include "engine/schema/own_objects.h"

namespace ficus {
namespace {

constexpr uint8_t kGorilla = 1;  // encoding and compression as on the wire
constexpr uint8_t kZstd = 1;

}  // namespace

SchemaObject TopNResultMeasure(std::string_view group) {
  MeasureSchema measure;
  measure.families = {{"_topN",
                       {{"name", TagType::kString, kNoColumn},
                        {"direction", TagType::kInt, kNoColumn},
                        {"group", TagType::kString, kNoColumn},
                        {"parameters", TagType::kString, kNoColumn}}}};
  measure.fields = {{"value", FieldType::kBinary, kGorilla, kZstd, kNoColumn}};
  measure.entity = {"name", "direction", "group", "parameters"};

  SchemaObject object;
  object.key = {SchemaKind::kMeasure, std::string(group), std::string(kTopNResultMeasure)};
  object.view = std::move(measure);
  return object;
}

SchemaObject DeletionTaskGroup() {
  GroupSchema group;
  group.catalog = Catalog::kProperty;
  group.resources = ResourceOptions{1, std::nullopt, std::nullopt};

  SchemaObject object;
  object.key = {SchemaKind::kGroup, "", std::string(kDeletionTaskGroup)};
  object.view = group;
  return object;
}

SchemaObject DeletionTaskProperty() {
  PropertySchema property;
  property.tags = {{"task_data", TagType::kBinary, kNoColumn}};

  SchemaObject object;
  object.key = {SchemaKind::kProperty, std::string(kDeletionTaskGroup),
                std::string(kDeletionTaskGroup)};
  object.view = std::move(property);
  return object;
}

}  // namespace ficus
