// The criteria of one group, names resolved: first asked about series, then about rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/model/column.h"
#include "engine/query/encoded_terms.h"
#include "engine/query/entity_view.h"
#include "engine/query/measure_query.h"
#include "engine/query/plan_budget.h"
#include "engine/query/value_predicate.h"

namespace ficus {

// Where the value of a tag or field of a row comes from.
struct ValueSource {
  enum class Kind : uint8_t { kAbsent, kEntity, kColumn };
  Kind kind = Kind::kAbsent;  // absent: null in every row
  size_t index = 0;           // position in the entity, or slot among the scanned columns
  friend bool operator==(const ValueSource&, const ValueSource&) = default;
};

// What compiling needs to know of a tag.
struct TagResolution {
  ValueSource source;
  // A rule of this group names it; for a tag that the measure of this group lacks, a rule of some
  // group of the query.
  bool indexed = false;
};
using TagResolver = std::function<TagResolution(const std::string& tag)>;

// What a series' entity alone says.
enum class SeriesVerdict : uint8_t {
  kNone,  // no row matches
  kAll,   // every row matches
  kSome,  // the rows decide
};

// For each position of the entity the encoded values that a matching series can have there,
// ascending and distinct; no value where it may be anything.
using EntityBounds = std::vector<std::optional<std::vector<std::string_view>>>;

// The columns of a batch by slot; null when the batch has no such column.
using ColumnSlots = std::span<const ColumnValues* const>;

// Threads: any.
class CompiledCriteria {
 public:
  // kUnknown with BanyanDB's text; kInvalidArgument; kUnimplemented; errors of `budget`, which is
  // asked before a literal is copied or encoded. `entity_size` is the number of
  // values in a series key (KeyTags).
  static Result<CompiledCriteria> Compile(const Criteria& criteria, size_t entity_size,
                                          const TagResolver& resolve, PlanBudget& budget);

  // True when series differ: then the entity of each is needed.
  bool NeedsEntity() const { return needs_entity_; }

  // A superset: Judge decides. The views live as long as this or what it is moved to.
  const EntityBounds& bounds() const { return bounds_; }

  // kCorruption: the entity is not of this measure.
  Result<SeriesVerdict> Judge(const EntityView& entity) const;

  // matches[i] for row begin + i, all of one series. `entity` may be null when NeedsEntity() is
  // false.
  Result<> MatchRows(const EntityView* entity, ColumnSlots columns, size_t begin, size_t end,
                     std::vector<uint8_t>& matches) const;

  // Slot i of a column becomes slots[i].
  void RenumberSlots(const std::vector<size_t>& slots) { RenumberSlots(root_, slots); }

  const std::string& ToText() const { return text_; }

 private:
  friend class CriteriaCompiler;
  struct Node {
    enum class Kind : uint8_t { kAnd, kOr, kEntity, kColumn, kConstant };
    Kind kind = Kind::kConstant;
    std::vector<Node> children;
    size_t index = 0;  // entity position or column slot
    ValuePredicate test;
    // Of an entity: encoded values to compare with; without it the value is decoded and tested.
    std::optional<EncodedTerms> encoded;
    bool negated = false;  // with `encoded`
    bool constant = false;
  };

  static void RenumberSlots(Node& node, const std::vector<size_t>& slots);
  Result<SeriesVerdict> Judge(const Node& node, const EntityView& entity) const;
  Result<bool> TestEntity(const Node& node, const EntityView& entity) const;
  Result<> MatchRows(const Node& node, const EntityView* entity, ColumnSlots columns, size_t begin,
                     size_t end, std::vector<uint8_t>& matches) const;

  Node root_;
  size_t entity_size_ = 0;
  bool needs_entity_ = false;
  EntityBounds bounds_;  // views into the terms of the nodes
  std::string text_;
};

}  // namespace ficus
