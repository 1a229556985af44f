// One condition's operator and literal, ready to be asked about values.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "engine/model/column.h"
#include "engine/model/tag_value.h"
#include "engine/query/measure_query.h"

namespace ficus {

// A value is seen as a set of terms: none for null, one for a scalar, the elements for an array.
//
//   EQ, IN        some term is one of the literal's       NE, NOT_IN    not EQ, not IN
//   HAVING        every term of the literal is there      NOT_HAVING    not HAVING
//   LT GT LE GE   some term compares so: integers by number, strings and binary by bytes
//
// Terms of different kinds are never equal and never compare. A literal without terms (an empty
// array, null) matches nothing, its negation everything. Threads: any.
class ValuePredicate {
 public:
  ValuePredicate() = default;
  // Not for MATCH, nor for an unspecified operator (CHECKed). Floats and timestamps have no terms.
  ValuePredicate(ConditionOp op, const TagValue& literal);

  bool Matches(const TagValue& value) const;
  bool MatchesNull() const { return negated_; }
  // matches[i] = 1 or 0 for row begin + i of `column`. Arrays were checked when they were decoded.
  void MatchRows(const ColumnValues& column, size_t begin, size_t end, uint8_t* matches) const;

 private:
  enum class Mode : uint8_t { kAny, kAll, kLess, kGreater, kLessOrEqual, kGreaterOrEqual };
  enum class Kind : uint8_t { kNone, kInt, kString, kBinary };

  bool MatchInt(int64_t term) const;
  bool MatchBytes(std::string_view term) const;
  bool MatchInts(const std::vector<int64_t>& terms) const;
  bool MatchStrings(const std::vector<std::string>& terms) const;
  void MatchWords(const ColumnValues& column, size_t begin, size_t end, uint8_t* matches) const;
  void MatchCells(const ColumnValues& column, size_t begin, size_t end, uint8_t* matches) const;

  Mode mode_ = Mode::kAny;
  bool negated_ = false;
  Kind kind_ = Kind::kNone;
  std::vector<int64_t> ints_;         // ascending, distinct
  std::vector<std::string> strings_;  // ascending, distinct; of binary too
};

}  // namespace ficus
