// Where a measure's columns and keys are found in a message: by position in the schema, or by the
// names of a spec.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/model/column.h"
#include "engine/schema/schema_object.h"
#include "server/ingest/write_request_view.h"

namespace ficus {

// The names of a spec, kept beyond the message that brought them.
class SpecNames {
 public:
  struct Family {
    std::string name;
    std::vector<std::string> tags;
    friend bool operator==(const Family&, const Family&) = default;
  };

  SpecNames() = default;
  // The spec of a message that has one.
  explicit SpecNames(const WriteRequestView& view);
  // True when the message's spec says the same.
  bool Equals(const WriteRequestView& view) const;
  friend bool operator==(const SpecNames&, const SpecNames&) = default;

  const std::vector<Family>& families() const { return families_; }
  const std::vector<std::string>& fields() const { return fields_; }

 private:
  std::vector<Family> families_;
  std::vector<std::string> fields_;
};

// Nowhere: the spec does not name it, so it is null.
inline constexpr uint32_t kNowhere = UINT32_MAX;

struct TagPosition {
  uint32_t family = kNowhere;
  uint32_t tag = kNowhere;
};

// The value at `position`, or null when the message ends before it (or it is nowhere).
inline const ValueView* ValueOf(const WriteRequestView& view, TagPosition position) {
  if (position.family >= view.families.size()) return nullptr;
  const ItemRange& family = view.families[position.family];
  return position.tag < family.count ? &view.tags[family.first + position.tag] : nullptr;
}

struct RowLayout {
  // A column of the batch, in the batch's order.
  struct Slot {
    ColumnType type = ColumnType::kInt64;
    bool is_field = false;
    uint32_t field = kNowhere;
    TagPosition tag;
  };

  std::vector<Slot> slots;            // one per live column, ascending ids
  std::vector<TagPosition> entity;    // of the tags that the schema has
  std::vector<TagPosition> sharding;  // empty: the entity
  uint32_t families_max = 0;          // a message with more is malformed

  // `spec` is null where the schema's positions count. Of a name that stands twice in a spec the
  // last one counts.
  static RowLayout Make(const SchemaObject& measure, const SpecNames* spec);
};

}  // namespace ficus
