// What a client asks of measures: plain values, names not yet looked up.
//
// The values of the enumerations are those of the wire, and one that the wire does not know may
// stand in a request: planning refuses it. Source: BanyanDB's public API, measure.v1 and model.v1.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "engine/model/tag_value.h"
#include "engine/schema/schema_object.h"

namespace ficus {

enum class ConditionOp : uint8_t {
  kUnspecified = 0,
  kEq = 1,
  kNe = 2,
  kLt = 3,
  kGt = 4,
  kLe = 5,
  kGe = 6,
  kHaving = 7,
  kNotHaving = 8,
  kIn = 9,
  kNotIn = 10,
  kMatch = 11,
};

struct Condition {
  std::string tag;
  ConditionOp op = ConditionOp::kUnspecified;
  std::optional<TagValue> value;  // none: the message had no value, or one without a kind
};

enum class LogicalOp : uint8_t { kUnspecified = 0, kAnd = 1, kOr = 2 };

struct Criteria;

struct LogicalExpression {
  LogicalOp op = LogicalOp::kUnspecified;
  std::unique_ptr<Criteria> left;
  std::unique_ptr<Criteria> right;
};

// A node of the tree: a condition, an expression over two trees (either may be missing), or, when
// neither is set, a message without content, which planning refuses.
struct Criteria {
  using Expression = LogicalExpression;
  std::optional<Condition> condition;
  std::optional<LogicalExpression> expression;
};

// Deeper or larger trees are refused (kInvalidArgument).
inline constexpr size_t kCriteriaDepthMax = 500;
inline constexpr size_t kCriteriaNodesMax = 10'000;

struct FamilyTags {
  std::string family;
  std::vector<std::string> tags;
  friend bool operator==(const FamilyTags&, const FamilyTags&) = default;
};

enum class AggregationFunction : uint8_t {
  kUnspecified = 0,
  kMean = 1,
  kMax = 2,
  kMin = 3,
  kCount = 4,
  kSum = 5,
};

struct Aggregation {
  AggregationFunction function = AggregationFunction::kUnspecified;
  std::string field;
};

struct Top {
  int32_t number = 0;  // none or less: no row
  std::string field;
  SortOrder order = SortOrder::kUnspecified;  // ascending: the smallest; otherwise the largest
};

inline constexpr uint32_t kMeasureQueryDefaultLimit = 100;

struct MeasureQuery {
  std::vector<std::string> groups;  // at least one
  std::string name;
  UnixNanos begin = 0;  // both ends included; begin > end: no row
  UnixNanos end = 0;
  std::unique_ptr<Criteria> criteria;  // null: every row
  std::vector<FamilyTags> tags;        // projection, in the order of the answer
  std::vector<std::string> fields;
  std::optional<std::vector<FamilyTags>> group_by;
  std::optional<Aggregation> aggregation;
  std::optional<Top> top;
  uint32_t offset = 0;
  uint32_t limit = 0;                         // 0: kMeasureQueryDefaultLimit
  std::string order_rule;                     // an index rule; empty: time
  SortOrder order = SortOrder::kUnspecified;  // unspecified: ascending
};

}  // namespace ficus
