// Random schemas, values and questions about measures, for games against the model of
// measure_model.h.
#pragma once

#include <limits>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/random.h"
#include "engine/query/measure_plan.h"
#include "test/engine/query/measure_model.h"
#include "test/engine/query/query_harness.h"

namespace ficus {

class MeasureDice {
 public:
  explicit MeasureDice(uint64_t seed) : random_(seed) {}

 protected:
  static constexpr UnixNanos kMinute = 60 * kNanosPerSecond;

  size_t Below(size_t bound) { return static_cast<size_t>(random_.Next() % bound); }
  bool OneIn(size_t n) { return Below(n) == 0; }
  template <typename T>
  const T& Pick(const std::vector<T>& values) {
    return values[Below(values.size())];
  }

  // --- Schemas

  // Sets schema_: tags e0.. are the entity, t0.. the others.
  void RollSchema() {
    const size_t entities = 1 + Below(3);
    MeasureSchema schema;
    schema.families = {{"one", {}}, {"two", {}}};
    for (size_t i = 0; i < entities; ++i) {
      const std::string name = "e" + std::to_string(i);
      schema.families[OneIn(3)].tags.push_back(
          {name, OneIn(2) ? TagType::kString : TagType::kInt, kNoColumn});
      schema.entity.push_back(name);
      entity_tags_.push_back(name);
    }
    for (size_t i = 0; i < 7; ++i) {
      const std::string name = "t" + std::to_string(i);
      schema.families[OneIn(2)].tags.push_back({name, AnyTagType(), kNoColumn});
    }
    for (TagFamily& family : schema.families) {
      if (family.tags.empty())
        family.tags.push_back({"spare_" + family.name, TagType::kInt, kNoColumn});
    }
    schema.fields = {{"f0", FieldType::kInt, 1, 1, kNoColumn},
                     {"f1", FieldType::kFloat, 1, 1, kNoColumn},
                     {"f2", FieldType::kString, 1, 1, kNoColumn},
                     {"f3", FieldType::kBinary, 1, 1, kNoColumn}};
    // Only some tags may be asked for.
    for (const TagFamily& family : schema.families) {
      for (const TagSpec& tag : family.tags) {
        if (!OneIn(3)) indexed_.push_back(tag.name);
      }
    }
    if (indexed_.empty()) indexed_.push_back("t0");
    if (OneIn(3)) schema.sharding_key = {schema.entity.front()};
    schema_ = std::move(schema);
  }

  void ChangeTags(MeasureSchema& schema) {
    for (TagFamily& family : schema.families) {
      for (TagSpec& tag : family.tags) {
        if (tag.name[0] == 't' && OneIn(4)) tag.type = AnyTagType();
      }
      std::erase_if(family.tags, [&](const TagSpec& tag) {
        return tag.name[0] == 't' && family.tags.size() > 1 && OneIn(5);
      });
    }
    // The first two are asked for by every aggregation.
    if (OneIn(3) && schema.fields.size() > 2) schema.fields.pop_back();
  }

  TagType AnyTagType() { return static_cast<TagType>(1 + Below(6)); }

  // --- Values, from small sets so that conditions hit

  std::string Text() {
    static const std::vector<std::string> texts = {"", "a", "b", "b|c", "b\\", "abc", "zz"};
    return Pick(texts);
  }
  int64_t Number() {
    static const std::vector<int64_t> numbers = {0,
                                                 1,
                                                 -1,
                                                 2,
                                                 3,
                                                 255,
                                                 -4000000000,
                                                 std::numeric_limits<int64_t>::max(),
                                                 std::numeric_limits<int64_t>::min()};
    return Pick(numbers);
  }
  TagValue ValueOf(TagType type) {
    if (OneIn(6)) return Null{};
    switch (type) {
      case TagType::kString:
        return Text();
      case TagType::kInt:
        return Number();
      case TagType::kBinary:
        return Binary{Text()};
      case TagType::kStringArray:
        return Texts();
      case TagType::kIntArray:
        return Numbers();
      case TagType::kTimestamp:
        return Timestamp{Number()};
      default:
        return Null{};
    }
  }
  std::vector<std::string> Texts() {
    std::vector<std::string> texts(Below(4));
    for (std::string& text : texts) text = Text();
    return texts;
  }
  std::vector<int64_t> Numbers() {
    std::vector<int64_t> numbers(Below(4));
    for (int64_t& number : numbers) number = Number();
    return numbers;
  }
  TagValue ValueOf(FieldType type) {
    static const std::vector<double> doubles = {0.0,
                                                -0.0,
                                                0.25,
                                                1.5,
                                                -700.75,
                                                1e6,
                                                std::numeric_limits<double>::quiet_NaN(),
                                                std::numeric_limits<double>::infinity()};
    if (OneIn(6)) return Null{};
    switch (type) {
      case FieldType::kInt:
        return Number();
      case FieldType::kFloat:
        return OneIn(2) ? static_cast<double>(Below(1000)) / 4 : Pick(doubles);
      case FieldType::kString:
        return Text();
      default:
        return Binary{Text()};
    }
  }

  // --- Queries

  TagValue Scalar() {
    switch (Below(5)) {
      case 0:
      case 1:
        return Text();
      case 2:
      case 3:
        return Number();
      default:
        return Binary{Text()};
    }
  }
  TagValue List() {
    if (OneIn(2)) return Texts();
    return Numbers();
  }

  std::unique_ptr<Criteria> AnyCondition() {
    if (OneIn(2)) {
      const std::string& tag = Pick(entity_tags_);
      if (OneIn(2)) return Where(tag, ConditionOp::kEq, Scalar());
      return Where(tag, ConditionOp::kIn, OneIn(5) ? Scalar() : List());
    }
    const std::string& tag = Pick(indexed_);
    static const std::vector<ConditionOp> scalar_ops = {ConditionOp::kEq, ConditionOp::kNe,
                                                        ConditionOp::kLt, ConditionOp::kGt,
                                                        ConditionOp::kLe, ConditionOp::kGe};
    static const std::vector<ConditionOp> list_ops = {ConditionOp::kIn, ConditionOp::kNotIn};
    static const std::vector<ConditionOp> having = {ConditionOp::kHaving, ConditionOp::kNotHaving};
    switch (Below(4)) {
      case 0:
        return Where(tag, Pick(list_ops), List());
      case 1:
        return Where(tag, Pick(having), OneIn(2) ? Scalar() : List());
      default:
        return Where(tag, Pick(scalar_ops), Scalar());
    }
  }

  std::unique_ptr<Criteria> AnyCriteria(size_t depth) {
    if (depth == 0 || OneIn(3)) return AnyCondition();
    auto left = OneIn(12) ? nullptr : AnyCriteria(depth - 1);
    auto right = left != nullptr && OneIn(12) ? nullptr : AnyCriteria(depth - 1);
    return OneIn(2) ? And(std::move(left), std::move(right))
                    : Or(std::move(left), std::move(right));
  }

  // Within `minutes` before `newest`, mostly.
  MeasureQuery AnyQuery(UnixNanos newest, size_t minutes) {
    MeasureQuery query;
    query.groups = {groups_.front()};
    for (size_t i = 1; i < groups_.size(); ++i) {
      if (OneIn(2)) query.groups.push_back(groups_[i]);
    }
    query.name = "m";
    const auto back = static_cast<UnixNanos>(Below(OneIn(2) ? 300 : minutes));
    query.begin = newest - back * kMinute;
    query.end = query.begin + static_cast<UnixNanos>(Below(OneIn(2) ? 300 : minutes)) * kMinute;
    if (OneIn(20)) query.end = std::numeric_limits<UnixNanos>::max();
    if (!OneIn(4)) query.criteria = AnyCriteria(Below(4));
    for (const TagFamily& family : schema_.families) {
      FamilyTags tags{family.name, {}};
      for (const TagSpec& tag : family.tags) {
        if (OneIn(2)) tags.tags.push_back(tag.name);
      }
      if (!tags.tags.empty()) query.tags.push_back(std::move(tags));
    }
    for (const FieldSpec& field : schema_.fields) {
      if (OneIn(2)) query.fields.push_back(field.name);
    }
    if (query.tags.empty() && query.fields.empty()) query.fields = {"f0"};
    if (OneIn(2)) query.order = OneIn(2) ? SortOrder::kDescending : SortOrder::kAscending;
    AddGrouping(query);
    if (!query.aggregation.has_value() && OneIn(6) && !query.fields.empty()) {
      query.top = Top{static_cast<int32_t>(Below(40)) - 1, Pick(query.fields), AnyOrder()};
    } else if (query.aggregation.has_value() && OneIn(2)) {
      query.top = Top{static_cast<int32_t>(Below(10)), query.aggregation->field, AnyOrder()};
    }
    query.offset = static_cast<uint32_t>(OneIn(2) ? 0 : Below(20));
    query.limit = static_cast<uint32_t>(OneIn(3) ? 0 : OneIn(2) ? 1 + Below(10) : 2'000'000'000);
    return query;
  }

  SortOrder AnyOrder() { return static_cast<SortOrder>(Below(3)); }

  void AddGrouping(MeasureQuery& query) {
    if (OneIn(3)) {
      query.aggregation =
          Aggregation{static_cast<AggregationFunction>(1 + Below(5)), OneIn(2) ? "f0" : "f1"};
    }
    if (!OneIn(3)) return;
    const TagFamily& family = Pick(schema_.families);
    FamilyTags tags{family.name, {}};
    for (const TagSpec& tag : family.tags) {
      if (OneIn(2) && CanGroup(query, tag.name)) tags.tags.push_back(tag.name);
    }
    if (!tags.tags.empty()) query.group_by = std::vector<FamilyTags>{std::move(tags)};
  }

  bool CanGroup(const MeasureQuery& query, const std::string& name) const {
    for (const std::string& group : query.groups) {
      for (const TagFamily& family : schemas_.at(group).families) {
        for (const TagSpec& tag : family.tags) {
          if (tag.name != name) continue;
          if (tag.type != TagType::kString && tag.type != TagType::kInt &&
              tag.type != TagType::kTimestamp) {
            return false;
          }
        }
      }
    }
    return true;
  }

  static MeasureQuery Copy(const MeasureQuery& query) {
    MeasureQuery copy;
    copy.groups = query.groups;
    copy.name = query.name;
    copy.begin = query.begin;
    copy.end = query.end;
    copy.tags = query.tags;
    copy.fields = query.fields;
    copy.group_by = query.group_by;
    copy.aggregation = query.aggregation;
    copy.top = query.top;
    copy.offset = query.offset;
    copy.limit = query.limit;
    copy.order = query.order;
    copy.criteria = Copy(query.criteria.get());
    return copy;
  }
  static std::unique_ptr<Criteria> Copy(const Criteria* criteria) {
    if (criteria == nullptr) return nullptr;
    auto copy = std::make_unique<Criteria>();
    copy->condition = criteria->condition;
    if (criteria->expression.has_value()) {
      copy->expression.emplace();
      copy->expression->op = criteria->expression->op;
      copy->expression->left = Copy(criteria->expression->left.get());
      copy->expression->right = Copy(criteria->expression->right.get());
    }
    return copy;
  }

  static std::string Line(const MeasureRow& row) {
    std::string line = std::to_string(row.timestamp) + " " + std::to_string(row.series.value()) +
                       " v" + std::to_string(row.version);
    for (const TagValue& tag : row.tags) line += " " + ToText(tag);
    line += " |";
    for (const TagValue& field : row.fields) line += " " + ToText(field);
    return line;
  }

  // Requires that `rows` are what the model says.
  static void Compare(const std::vector<MeasureRow>& rows,
                      const std::vector<MeasureRow>& expected) {
    REQUIRE(rows.size() == expected.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      if (SameRow(rows[i], expected[i])) continue;
      CAPTURE(i, Line(rows[i]), Line(expected[i]));
      FAIL("rows differ");
    }
  }

  SeededRandom random_;
  MeasureModel model_;
  MeasureSchema schema_;  // of the first group
  std::map<std::string, MeasureSchema> schemas_;
  std::vector<std::string> groups_;
  std::vector<std::string> entity_tags_;
  std::vector<std::string> indexed_;
};

}  // namespace ficus
