#include "server/ingest/row_layout.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

namespace ficus {
namespace {

// Positions of a measure's tags and fields in a message.
class Positions {
 public:
  Positions(const MeasureSchema& measure, const SpecNames* spec) : measure_(measure), spec_(spec) {
    if (spec == nullptr) return;
    for (uint32_t i = 0; i < spec->families().size(); ++i) families_[spec->families()[i].name] = i;
    for (uint32_t i = 0; i < spec->fields().size(); ++i) fields_[spec->fields()[i]] = i;
  }

  TagPosition Tag(uint32_t family, uint32_t tag) const {
    if (spec_ == nullptr) return {family, tag};
    const TagFamily& schema_family = measure_.families[family];
    const auto found = families_.find(schema_family.name);
    if (found == families_.end()) return {};
    const auto& names = spec_->families()[found->second].tags;
    const auto last = std::find(names.rbegin(), names.rend(), schema_family.tags[tag].name);
    if (last == names.rend()) return {};
    return {found->second, static_cast<uint32_t>(names.rend() - last - 1)};
  }

  uint32_t Field(uint32_t field) const {
    if (spec_ == nullptr) return field;
    const auto found = fields_.find(measure_.fields[field].name);
    return found == fields_.end() ? kNowhere : found->second;
  }

  // Of the tags by these names, without those that the schema does not have.
  std::vector<TagPosition> Tags(const std::vector<std::string>& names) const {
    std::vector<TagPosition> positions;
    for (const std::string& name : names) {
      for (uint32_t i = 0; i < measure_.families.size(); ++i) {
        const auto& tags = measure_.families[i].tags;
        const auto found = std::find_if(tags.begin(), tags.end(),
                                        [&](const TagSpec& tag) { return tag.name == name; });
        if (found == tags.end()) continue;
        positions.push_back(Tag(i, static_cast<uint32_t>(found - tags.begin())));
        break;
      }
    }
    return positions;
  }

 private:
  const MeasureSchema& measure_;
  const SpecNames* spec_;
  std::unordered_map<std::string_view, uint32_t> families_;
  std::unordered_map<std::string_view, uint32_t> fields_;
};

std::unordered_map<ColumnId, RowLayout::Slot> SlotsByColumn(const MeasureSchema& measure,
                                                            const Positions& positions) {
  std::unordered_map<ColumnId, RowLayout::Slot> slots;
  for (uint32_t i = 0; i < measure.families.size(); ++i) {
    for (uint32_t j = 0; j < measure.families[i].tags.size(); ++j) {
      RowLayout::Slot slot;
      slot.tag = positions.Tag(i, j);
      slots[measure.families[i].tags[j].column] = slot;
    }
  }
  for (uint32_t i = 0; i < measure.fields.size(); ++i) {
    RowLayout::Slot slot;
    slot.is_field = true;
    slot.field = positions.Field(i);
    slots[measure.fields[i].column] = slot;
  }
  return slots;
}

}  // namespace

SpecNames::SpecNames(const WriteRequestView& view) {
  for (const FamilySpecView& family : view.spec_families) {
    Family& copy = families_.emplace_back();
    copy.name = family.name;
    for (uint32_t i = 0; i < family.tags.count; ++i) {
      copy.tags.emplace_back(view.spec_tags[family.tags.first + i]);
    }
  }
  for (const std::string_view field : view.spec_fields) fields_.emplace_back(field);
}

bool SpecNames::Equals(const WriteRequestView& view) const {
  if (families_.size() != view.spec_families.size()) return false;
  for (size_t i = 0; i < families_.size(); ++i) {
    const FamilySpecView& family = view.spec_families[i];
    if (families_[i].name != family.name) return false;
    const auto first = view.spec_tags.begin() + family.tags.first;
    if (!std::equal(families_[i].tags.begin(), families_[i].tags.end(), first,
                    first + family.tags.count)) {
      return false;
    }
  }
  return std::equal(fields_.begin(), fields_.end(), view.spec_fields.begin(),
                    view.spec_fields.end());
}

RowLayout RowLayout::Make(const SchemaObject& object, const SpecNames* spec) {
  const MeasureSchema& measure = object.measure();
  const Positions positions(measure, spec);
  const auto by_column = SlotsByColumn(measure, positions);
  RowLayout layout;
  for (const SubjectColumn& column : measure.columns) {
    if (column.dropped) continue;
    Slot slot = by_column.at(column.id);
    slot.type = column.type;
    layout.slots.push_back(slot);
  }
  layout.entity = positions.Tags(measure.entity);
  layout.sharding = positions.Tags(measure.sharding_key);
  layout.families_max =
      static_cast<uint32_t>(spec == nullptr ? measure.families.size() : spec->families().size());
  return layout;
}

}  // namespace ficus
