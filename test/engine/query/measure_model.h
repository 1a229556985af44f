// Measures as a list of rows, and queries as loops over it: what an answer must equal. Written for
// being obviously right, not for speed.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "engine/base/check.h"
#include "engine/model/entity.h"
#include "engine/query/measure_query.h"
#include "engine/schema/schema_object.h"
#include "test/engine/query/query_harness.h"

namespace ficus {

class MeasureModel {
 public:
  void AddGroup(const std::string& group, const MeasureSchema& schema, int64_t ttl_nanos) {
    groups_[group] = {schema, ttl_nanos, {}};
  }

  // The measure of `group` has another schema from here on. What is stored in a tag or field that
  // goes, moves to another family or changes its type is gone.
  void ChangeSchema(const std::string& group, const MeasureSchema& schema) {
    Group& stored = groups_.at(group);
    const auto drop = [&](const std::string& name, auto member) {
      for (auto& [key, row] : stored.rows) (row.point.*member).erase(name);
    };
    for (const TagFamily& family : stored.schema.families) {
      for (const TagSpec& tag : family.tags) {
        const TagSpec* const now = Spec(schema, family.name, tag.name);
        const bool stays = now != nullptr && now->type == tag.type;
        if (!stays && !IsEntity(schema, tag.name)) drop(tag.name, &TestPoint::tags);
      }
    }
    for (const FieldSpec& field : stored.schema.fields) {
      const bool stays =
          std::any_of(schema.fields.begin(), schema.fields.end(),
                      [&](const FieldSpec& candidate) { return candidate.name == field.name; });
      if (!stays) drop(field.name, &TestPoint::fields);
    }
    stored.schema = schema;
  }

  void Write(const std::string& group, const std::string& measure, const TestPoint& point) {
    Group& stored = groups_.at(group);
    Row row;
    row.group = group;
    row.point = point;
    std::vector<TagValue> entity;
    for (const std::string& tag : stored.schema.entity) entity.push_back(Get(point.tags, tag));
    const std::string key = *EncodeSeriesKey(measure, entity);
    row.series = SeriesIdOf(key);
    const auto [found, added] = stored.rows.try_emplace({key, point.time}, row);
    if (!added && point.version > found->second.point.version) found->second = row;
  }

  // The answer to a query that planning accepts.
  std::vector<MeasureRow> Ask(const MeasureQuery& query, UnixNanos now) const {
    const RowPointers rows = Ordered(query, now);
    std::vector<MeasureRow> answer;
    if (query.group_by.has_value() || query.aggregation.has_value()) {
      answer = Grouped(query, rows);
    } else {
      for (const Row* row : rows) answer.push_back(Shown(query, *row));
    }
    if (query.top.has_value()) KeepTop(query, answer);
    const size_t limit = query.limit == 0 ? kMeasureQueryDefaultLimit : query.limit;
    const size_t skipped = std::min<size_t>(query.offset, answer.size());
    answer.erase(answer.begin(), answer.begin() + static_cast<ptrdiff_t>(skipped));
    if (answer.size() > limit) answer.resize(limit);
    return answer;
  }

  // Projected tags with those of group_by added.
  static std::vector<FamilyTags> ShownTags(const MeasureQuery& query) {
    std::vector<FamilyTags> tags = query.tags;
    if (!query.group_by.has_value()) return tags;
    const FamilyTags& group_by = query.group_by->front();
    auto family = std::find_if(tags.begin(), tags.end(), [&](const FamilyTags& candidate) {
      return candidate.family == group_by.family;
    });
    if (family == tags.end()) family = tags.insert(tags.end(), {group_by.family, {}});
    for (const std::string& tag : group_by.tags) {
      if (std::find(family->tags.begin(), family->tags.end(), tag) == family->tags.end()) {
        family->tags.push_back(tag);
      }
    }
    return tags;
  }

 private:
  struct Row {
    std::string group;
    SeriesId series;
    TestPoint point;
  };
  struct Group {
    MeasureSchema schema;
    int64_t ttl_nanos = 0;
    std::map<std::pair<std::string, UnixNanos>, Row> rows;
  };

  using RowPointers = std::vector<const Row*>;

  static TagValue Get(const std::map<std::string, TagValue>& values, const std::string& name) {
    const auto found = values.find(name);
    return found == values.end() ? TagValue(Null{}) : found->second;
  }

  static const TagSpec* Spec(const MeasureSchema& schema, const std::string& tag) {
    for (const TagFamily& family : schema.families) {
      for (const TagSpec& spec : family.tags) {
        if (spec.name == tag) return &spec;
      }
    }
    return nullptr;
  }

  static const TagSpec* Spec(const MeasureSchema& schema, const std::string& family,
                             const std::string& tag) {
    for (const TagFamily& candidate : schema.families) {
      if (candidate.name != family) continue;
      for (const TagSpec& spec : candidate.tags) {
        if (spec.name == tag) return &spec;
      }
    }
    return nullptr;
  }

  static bool IsEntity(const MeasureSchema& schema, const std::string& tag) {
    return std::count(schema.entity.begin(), schema.entity.end(), tag) > 0;
  }

  // As a client sees it: null where the group lacks the tag, and for an empty string of an entity.
  TagValue Tag(const Row& row, const std::string& tag) const {
    const MeasureSchema& schema = groups_.at(row.group).schema;
    if (Spec(schema, tag) == nullptr) return Null{};
    const TagValue value = Get(row.point.tags, tag);
    if (IsEntity(schema, tag) && value == TagValue(std::string())) return Null{};
    return value;
  }

  // Null where the group has the tag in another family.
  TagValue Tag(const Row& row, const std::string& family, const std::string& tag) const {
    const bool there = Spec(groups_.at(row.group).schema, family, tag) != nullptr;
    return there ? Tag(row, tag) : TagValue(Null{});
  }

  TagValue Field(const Row& row, const std::string& field) const {
    for (const FieldSpec& spec : groups_.at(row.group).schema.fields) {
      if (spec.name == field) return Get(row.point.fields, field);
    }
    return Null{};
  }

  RowPointers Ordered(const MeasureQuery& query, UnixNanos now) const {
    // Of rows that match in several groups: the highest version, then the group named first.
    std::map<std::pair<UnixNanos, uint64_t>, const Row*> winners;
    std::set<std::string> seen;
    for (const std::string& name : query.groups) {
      if (!seen.insert(name).second) continue;
      const Group& group = groups_.at(name);
      for (const auto& [key, row] : group.rows) {
        const UnixNanos time = row.point.time;
        if (time < query.begin || time > query.end || time < now - group.ttl_nanos) continue;
        if (query.criteria != nullptr && !Holds(*query.criteria, row)) continue;
        const auto [found, added] = winners.try_emplace({time, row.series.value()}, &row);
        if (!added && row.point.version > found->second->point.version) found->second = &row;
      }
    }
    RowPointers rows;
    for (const auto& [key, row] : winners) rows.push_back(row);
    if (query.order == SortOrder::kDescending) {
      std::stable_sort(rows.begin(), rows.end(),
                       [](const Row* a, const Row* b) { return a->point.time > b->point.time; });
    }
    return rows;
  }

  bool Holds(const Criteria& criteria, const Row& row) const {
    if (criteria.condition.has_value()) return Holds(*criteria.condition, row);
    const LogicalExpression& expression = *criteria.expression;
    if (expression.left == nullptr) return Holds(*expression.right, row);
    if (expression.right == nullptr) return Holds(*expression.left, row);
    const bool left = Holds(*expression.left, row);
    const bool right = Holds(*expression.right, row);
    return expression.op == LogicalOp::kAnd ? left && right : left || right;
  }

  template <typename T>
  static std::vector<TagValue> Split(const std::vector<T>& values) {
    return {values.begin(), values.end()};
  }
  static std::vector<TagValue> Terms(const TagValue& value) {
    if (std::holds_alternative<Null>(value)) return {};
    if (const auto* texts = std::get_if<std::vector<std::string>>(&value)) return Split(*texts);
    if (const auto* numbers = std::get_if<std::vector<int64_t>>(&value)) return Split(*numbers);
    return {value};
  }

  bool Holds(const Condition& condition, const Row& row) const {
    const MeasureSchema& schema = groups_.at(row.group).schema;
    const bool range = condition.op == ConditionOp::kLt || condition.op == ConditionOp::kLe ||
                       condition.op == ConditionOp::kGt || condition.op == ConditionOp::kGe;
    // Equality on an entity is asked of the key, which knows an empty string from null.
    const TagValue value = IsEntity(schema, condition.tag) && !range
                               ? Get(row.point.tags, condition.tag)
                               : Tag(row, condition.tag);
    const std::vector<TagValue> terms = Terms(value);
    const std::vector<TagValue> wanted = Terms(*condition.value);
    const auto has = [](const std::vector<TagValue>& values, const TagValue& one) {
      return std::find(values.begin(), values.end(), one) != values.end();
    };
    const bool any = std::any_of(terms.begin(), terms.end(),
                                 [&](const TagValue& term) { return has(wanted, term); });
    const bool all =
        !wanted.empty() && std::all_of(wanted.begin(), wanted.end(),
                                       [&](const TagValue& one) { return has(terms, one); });
    const auto compares = [&](const std::function<bool(const TagValue&, const TagValue&)>& test) {
      return std::any_of(terms.begin(), terms.end(), [&](const TagValue& term) {
        return term.index() == wanted[0].index() && test(term, wanted[0]);
      });
    };
    const auto less = [](const TagValue& a, const TagValue& b) {
      if (const auto* number = std::get_if<int64_t>(&a)) return *number < std::get<int64_t>(b);
      if (const auto* text = std::get_if<std::string>(&a)) return *text < std::get<std::string>(b);
      return std::get<Binary>(a).bytes < std::get<Binary>(b).bytes;
    };
    switch (condition.op) {
      case ConditionOp::kEq:
      case ConditionOp::kIn:
        return any;
      case ConditionOp::kNe:
      case ConditionOp::kNotIn:
        return !any;
      case ConditionOp::kHaving:
        return all;
      case ConditionOp::kNotHaving:
        return !all;
      case ConditionOp::kLt:
        return compares(less);
      case ConditionOp::kGe:
        return compares([&](const TagValue& a, const TagValue& b) { return !less(a, b); });
      case ConditionOp::kGt:
        return compares([&](const TagValue& a, const TagValue& b) { return less(b, a); });
      case ConditionOp::kLe:
        return compares([&](const TagValue& a, const TagValue& b) { return !less(b, a); });
      default:
        CHECK(false) << "operator " << static_cast<int>(condition.op);
        return false;
    }
  }

  MeasureRow Shown(const MeasureQuery& query, const Row& row) const {
    MeasureRow shown;
    shown.timestamp = row.point.time;
    shown.series = row.series;
    shown.version = row.point.version;
    for (const FamilyTags& family : ShownTags(query)) {
      for (const std::string& tag : family.tags) shown.tags.push_back(Tag(row, family.family, tag));
    }
    for (const std::string& field : query.fields) shown.fields.push_back(Field(row, field));
    return shown;
  }

  std::vector<MeasureRow> Grouped(const MeasureQuery& query, const RowPointers& rows) const {
    std::vector<std::pair<std::vector<TagValue>, RowPointers>> groups;
    for (const Row* row : rows) {
      std::vector<TagValue> key;
      if (query.group_by.has_value()) {
        const FamilyTags& group_by = query.group_by->front();
        for (const std::string& tag : group_by.tags) {
          key.push_back(Tag(*row, group_by.family, tag));
        }
      }
      auto group = std::find_if(groups.begin(), groups.end(),
                                [&](const auto& candidate) { return candidate.first == key; });
      if (group == groups.end()) group = groups.insert(groups.end(), {key, {}});
      group->second.push_back(row);
    }
    std::vector<MeasureRow> answer;
    for (const auto& [key, members] : groups) {
      MeasureRow first = Shown(query, *members.front());
      if (query.aggregation.has_value()) {
        first.timestamp = 0;
        first.series = SeriesId();
        first.version = 0;
        first.fields = {Aggregate(query, members)};
      }
      answer.push_back(std::move(first));
    }
    return answer;
  }

  TagValue Aggregate(const MeasureQuery& query, const RowPointers& rows) const {
    FieldType type = FieldType::kUnspecified;
    for (const std::string& group : query.groups) {
      for (const FieldSpec& spec : groups_.at(group).schema.fields) {
        if (spec.name == query.aggregation->field) type = spec.type;
      }
    }
    return type == FieldType::kInt ? Aggregate<int64_t>(query, rows)
                                   : Aggregate<double>(query, rows);
  }

  template <typename T>
  TagValue Aggregate(const MeasureQuery& query, const RowPointers& rows) const {
    std::vector<T> values;
    for (const Row* row : rows) {
      const TagValue value = Field(*row, query.aggregation->field);
      if (const auto* number = std::get_if<T>(&value)) values.push_back(*number);
    }
    T sum = 0;
    for (const T value : values) {
      if constexpr (std::is_integral_v<T>) {
        sum = static_cast<T>(static_cast<uint64_t>(sum) + static_cast<uint64_t>(value));
      } else {
        sum += value;
      }
    }
    const auto count = static_cast<T>(values.size());
    const auto extreme = [&](auto better) -> TagValue {
      if (values.empty()) return Null{};
      std::vector<T> numbers;
      for (const T value : values) {
        if (!std::isnan(static_cast<double>(value))) numbers.push_back(value);
      }
      if (numbers.empty()) return values.front();
      return *std::min_element(numbers.begin(), numbers.end(), better);
    };
    switch (query.aggregation->function) {
      case AggregationFunction::kCount:
        return count;
      case AggregationFunction::kSum:
        return sum;
      case AggregationFunction::kMin:
        return extreme([](T a, T b) { return a < b; });
      case AggregationFunction::kMax:
        return extreme([](T a, T b) { return a > b; });
      case AggregationFunction::kMean:
        if (values.empty()) return T{0};
        return sum / count < 1 ? T{1} : sum / count;
      default:
        CHECK(false) << "function " << static_cast<int>(query.aggregation->function);
        return Null{};
    }
  }

  static void KeepTop(const MeasureQuery& query, std::vector<MeasureRow>& rows) {
    size_t index = 0;
    if (!query.aggregation.has_value()) {
      index = static_cast<size_t>(
          std::find(query.fields.begin(), query.fields.end(), query.top->field) -
          query.fields.begin());
    }
    // Null, then NaN, then numbers.
    const auto less = [&](const MeasureRow& a, const MeasureRow& b) {
      const auto rank = [](const TagValue& value) {
        if (std::holds_alternative<int64_t>(value)) return 2;
        const auto* number = std::get_if<double>(&value);
        return number == nullptr ? 0 : std::isnan(*number) ? 1 : 2;
      };
      const TagValue& left = a.fields[index];
      const TagValue& right = b.fields[index];
      if (rank(left) != 2 || rank(right) != 2) return rank(left) < rank(right);
      if (const auto* number = std::get_if<int64_t>(&left)) {
        return *number < std::get<int64_t>(right);
      }
      return std::get<double>(left) < std::get<double>(right);
    };
    std::stable_sort(rows.begin(), rows.end(), [&](const MeasureRow& a, const MeasureRow& b) {
      return query.top->order == SortOrder::kAscending ? less(a, b) : less(b, a);
    });
    const auto number = static_cast<size_t>(std::max(0, query.top->number));
    if (rows.size() > number) rows.resize(number);
  }

  std::map<std::string, Group> groups_;
};

// Equal, NaN being equal to NaN and 0.0 to -0.0.
inline bool SameValue(const TagValue& a, const TagValue& b) {
  const auto* left = std::get_if<double>(&a);
  const auto* right = std::get_if<double>(&b);
  if (left != nullptr && right != nullptr && std::isnan(*left)) return std::isnan(*right);
  return a == b;
}
inline bool SameRow(const MeasureRow& a, const MeasureRow& b) {
  return a.timestamp == b.timestamp && a.series == b.series && a.version == b.version &&
         std::equal(a.tags.begin(), a.tags.end(), b.tags.begin(), b.tags.end(), SameValue) &&
         std::equal(a.fields.begin(), a.fields.end(), b.fields.begin(), b.fields.end(), SameValue);
}

}  // namespace ficus
