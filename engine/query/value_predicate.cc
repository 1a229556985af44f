#include "engine/query/value_predicate.h"

#include <algorithm>
#include <utility>

#include "engine/base/check.h"

namespace ficus {
namespace {

template <typename T>
void SortDistinct(std::vector<T>& values) {
  std::sort(values.begin(), values.end());
  values.erase(std::unique(values.begin(), values.end()), values.end());
}

template <typename T, typename U>
bool Contains(const std::vector<T>& ascending, const U& value) {
  if (ascending.size() == 1) return ascending.front() == value;
  const auto found = std::lower_bound(ascending.begin(), ascending.end(), value);
  return found != ascending.end() && *found == value;
}

bool IsNegated(ConditionOp op) {
  return op == ConditionOp::kNe || op == ConditionOp::kNotIn || op == ConditionOp::kNotHaving;
}

}  // namespace

ValuePredicate::ValuePredicate(ConditionOp op, const TagValue& literal) : negated_(IsNegated(op)) {
  switch (op) {
    case ConditionOp::kEq:
    case ConditionOp::kNe:
    case ConditionOp::kIn:
    case ConditionOp::kNotIn:
      mode_ = Mode::kAny;
      break;
    case ConditionOp::kHaving:
    case ConditionOp::kNotHaving:
      mode_ = Mode::kAll;
      break;
    case ConditionOp::kLt:
      mode_ = Mode::kLess;
      break;
    case ConditionOp::kGt:
      mode_ = Mode::kGreater;
      break;
    case ConditionOp::kLe:
      mode_ = Mode::kLessOrEqual;
      break;
    case ConditionOp::kGe:
      mode_ = Mode::kGreaterOrEqual;
      break;
    case ConditionOp::kUnspecified:
    case ConditionOp::kMatch:
      CHECK(false) << "operator " << static_cast<int>(op) << " has no test";
  }
  if (const auto* number = std::get_if<int64_t>(&literal)) {
    ints_ = {*number};
  } else if (const auto* text = std::get_if<std::string>(&literal)) {
    strings_ = {*text};
  } else if (const auto* binary = std::get_if<Binary>(&literal)) {
    strings_ = {binary->bytes};
  } else if (const auto* texts = std::get_if<std::vector<std::string>>(&literal)) {
    strings_ = *texts;
  } else if (const auto* numbers = std::get_if<std::vector<int64_t>>(&literal)) {
    ints_ = *numbers;
  }
  if (!ints_.empty()) kind_ = Kind::kInt;
  if (!strings_.empty()) {
    kind_ = std::holds_alternative<Binary>(literal) ? Kind::kBinary : Kind::kString;
  }
  SortDistinct(ints_);
  SortDistinct(strings_);
}

bool ValuePredicate::MatchInt(int64_t term) const {
  switch (mode_) {
    case Mode::kAny:
      return Contains(ints_, term);
    case Mode::kAll:
      return ints_.size() == 1 && ints_.front() == term;
    case Mode::kLess:
      return term < ints_.front();
    case Mode::kGreater:
      return term > ints_.front();
    case Mode::kLessOrEqual:
      return term <= ints_.front();
    case Mode::kGreaterOrEqual:
      return term >= ints_.front();
  }
  return false;
}

bool ValuePredicate::MatchBytes(std::string_view term) const {
  switch (mode_) {
    case Mode::kAny:
      return Contains(strings_, term);
    case Mode::kAll:
      return strings_.size() == 1 && strings_.front() == term;
    case Mode::kLess:
      return term < strings_.front();
    case Mode::kGreater:
      return term > strings_.front();
    case Mode::kLessOrEqual:
      return term <= strings_.front();
    case Mode::kGreaterOrEqual:
      return term >= strings_.front();
  }
  return false;
}

bool ValuePredicate::MatchInts(const std::vector<int64_t>& terms) const {
  if (mode_ == Mode::kAll) {
    return std::all_of(ints_.begin(), ints_.end(), [&](int64_t wanted) {
      return std::find(terms.begin(), terms.end(), wanted) != terms.end();
    });
  }
  return std::any_of(terms.begin(), terms.end(), [&](int64_t term) { return MatchInt(term); });
}

bool ValuePredicate::MatchStrings(const std::vector<std::string>& terms) const {
  if (mode_ == Mode::kAll) {
    return std::all_of(strings_.begin(), strings_.end(), [&](const std::string& wanted) {
      return std::find(terms.begin(), terms.end(), wanted) != terms.end();
    });
  }
  return std::any_of(terms.begin(), terms.end(),
                     [&](const std::string& term) { return MatchBytes(term); });
}

bool ValuePredicate::Matches(const TagValue& value) const {
  bool matches = false;
  if (kind_ == Kind::kInt) {
    if (const auto* number = std::get_if<int64_t>(&value)) matches = MatchInt(*number);
    if (const auto* numbers = std::get_if<std::vector<int64_t>>(&value)) {
      matches = MatchInts(*numbers);
    }
  } else if (kind_ == Kind::kString) {
    if (const auto* text = std::get_if<std::string>(&value)) matches = MatchBytes(*text);
    if (const auto* texts = std::get_if<std::vector<std::string>>(&value)) {
      matches = MatchStrings(*texts);
    }
  } else if (kind_ == Kind::kBinary) {
    if (const auto* binary = std::get_if<Binary>(&value)) matches = MatchBytes(binary->bytes);
  }
  return matches != negated_;
}

void ValuePredicate::MatchWords(const ColumnValues& column, size_t begin, size_t end,
                                uint8_t* matches) const {
  const uint64_t* words = column.words().data();
  const auto fill = [&](auto test) {
    for (size_t row = begin; row < end; ++row) {
      matches[row - begin] = test(static_cast<int64_t>(words[row])) != negated_ ? 1 : 0;
    }
  };
  const int64_t bound = ints_.front();
  switch (mode_) {
    case Mode::kAny:
    case Mode::kAll:
      if (ints_.size() == 1) {
        fill([bound](int64_t word) { return word == bound; });
      } else {
        fill([this](int64_t word) { return MatchInt(word); });
      }
      break;
    case Mode::kLess:
      fill([bound](int64_t word) { return word < bound; });
      break;
    case Mode::kGreater:
      fill([bound](int64_t word) { return word > bound; });
      break;
    case Mode::kLessOrEqual:
      fill([bound](int64_t word) { return word <= bound; });
      break;
    case Mode::kGreaterOrEqual:
      fill([bound](int64_t word) { return word >= bound; });
      break;
  }
}

void ValuePredicate::MatchCells(const ColumnValues& column, size_t begin, size_t end,
                                uint8_t* matches) const {
  // Neighbours are often equal: the answer for equal bytes is not worked out twice.
  std::string_view last;
  bool last_matches = false;
  bool any = false;
  for (size_t row = begin; row < end; ++row) {
    if (column.IsNull(row)) continue;
    const std::string_view cell = column.cell(row);
    if (!any || cell != last) {
      if (column.type() == ColumnType::kStringArray || column.type() == ColumnType::kInt64Array) {
        last_matches = Matches(ValueAt(column, row));
      } else {
        last_matches = MatchBytes(cell) != negated_;
      }
      last = cell;
      any = true;
    }
    matches[row - begin] = last_matches ? 1 : 0;
  }
}

void ValuePredicate::MatchRows(const ColumnValues& column, size_t begin, size_t end,
                               uint8_t* matches) const {
  const ColumnType type = column.type();
  const bool words = kind_ == Kind::kInt && type == ColumnType::kInt64;
  const bool cells = (kind_ == Kind::kInt && type == ColumnType::kInt64Array) ||
                     (kind_ == Kind::kString &&
                      (type == ColumnType::kString || type == ColumnType::kStringArray)) ||
                     (kind_ == Kind::kBinary && type == ColumnType::kBinary);
  if (words) {
    MatchWords(column, begin, end, matches);
  } else {
    std::fill(matches, matches + (end - begin), MatchesNull() ? uint8_t{1} : uint8_t{0});
    if (cells) MatchCells(column, begin, end, matches);
    return;
  }
  if (column.validity().all_valid()) return;
  for (size_t row = begin; row < end; ++row) {
    if (column.IsNull(row)) matches[row - begin] = MatchesNull() ? 1 : 0;
  }
}

}  // namespace ficus
