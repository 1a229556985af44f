// Random schemas, rows and queries: the answer must equal that of a list of rows and loops over it.
#include <limits>
#include <string>

#include <catch2/catch.hpp>

#include "test/engine/query/measure_model.h"
#include "test/engine/query/query_harness.h"
#include "test/engine/schema/objects.h"
#include "test/support/seed.h"

namespace ficus {
namespace {

constexpr UnixNanos kToday = 20'000 * kNanosPerDay;
constexpr UnixNanos kMinute = 60 * kNanosPerSecond;

class OracleGame {
 public:
  explicit OracleGame(uint64_t seed) : harness_(seed), random_(seed) {
    harness_.clock.Advance(12 * kNanosPerHour);
    MakeSchemas();
  }

  void Play() {
    const size_t batches = 2 + Below(8);
    for (size_t batch = 0; batch < batches; ++batch) {
      WriteBatch();
      if (OneIn(3)) harness_.Flush();
      if (OneIn(4)) harness_.Merge();
      if (OneIn(8)) harness_.Reopen();
      for (int i = 0; i < 8; ++i) AskAndCompare();
    }
    harness_.Flush();
    harness_.Merge();
    for (int i = 0; i < 30; ++i) AskAndCompare();
  }

 private:
  size_t Below(size_t bound) { return static_cast<size_t>(random_.Next() % bound); }
  bool OneIn(size_t n) { return Below(n) == 0; }
  template <typename T>
  const T& Pick(const std::vector<T>& values) {
    return values[Below(values.size())];
  }

  // --- Schemas

  // Tags e0.. are the entity, t0.. the others; every second group lacks some or types them
  // otherwise.
  void MakeSchemas() {
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

    const size_t groups = 1 + Below(3);
    for (size_t i = 0; i < groups; ++i) {
      MeasureSchema own = schema;
      if (i > 0) ChangeTags(own);
      MakeGroup("g" + std::to_string(i), std::move(own));
    }
    schema_ = schema;
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
    if (OneIn(3)) schema.fields.pop_back();
  }

  void MakeGroup(const std::string& name, MeasureSchema measure) {
    SchemaObject group = ProposeGroup(name);
    GroupSchema& view = std::get<GroupSchema>(group.view);
    view.resources->shard_count = static_cast<uint32_t>(1 + Below(3));
    if (OneIn(3)) {
      view.resources->segment_interval =
          IntervalRule{IntervalUnit::kHour, static_cast<uint32_t>(1 + Below(12))};
    }
    view.resources->ttl = IntervalRule{IntervalUnit::kDay, static_cast<uint32_t>(2 + Below(5))};
    const int64_t ttl = view.resources->ttl->nanos();
    harness_.Create(std::move(group));
    SchemaObject proposal = ProposeMeasure(name, "m");
    proposal.view = measure;
    harness_.Create(std::move(proposal));
    harness_.Create(ProposeIndexRule(name, "rule", indexed_));
    harness_.Create(ProposeBinding(name, "binding", "m", {"rule"}));
    model_.AddGroup(name, measure, ttl);
    schemas_[name] = std::move(measure);
    groups_.push_back(name);
  }

  TagType AnyTagType() { return static_cast<TagType>(1 + Below(5)); }

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

  // --- Rows: late ones, duplicates, beyond TTL

  void WriteBatch() {
    const std::string& group = Pick(groups_);
    const MeasureSchema& schema = schemas_.at(group);
    std::vector<TestPoint> points(1 + Below(OneIn(4) ? 900 : 60));
    const size_t distinct_times = 1 + Below(200);
    for (TestPoint& point : points) {
      const auto back = static_cast<UnixNanos>(Below(distinct_times));
      point.time = kToday + 12 * kNanosPerHour - (OneIn(2) ? back * kMinute : back * 37 * kMinute);
      if (OneIn(200)) point.time -= 9 * kNanosPerDay;
      point.version = static_cast<int64_t>(1 + Below(4));
      for (const TagFamily& family : schema.families) {
        for (const TagSpec& tag : family.tags) point.tags[tag.name] = ValueOf(tag.type);
      }
      for (const FieldSpec& field : schema.fields) point.fields[field.name] = ValueOf(field.type);
    }
    harness_.Write(group, "m", points);
    // The tables get one batch per shard; within it, as in the model, the first of equals wins.
    for (const TestPoint& point : points) model_.Write(group, "m", point);
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

  MeasureQuery AnyQuery() {
    MeasureQuery query;
    query.groups = {groups_.front()};
    for (size_t i = 1; i < groups_.size(); ++i) {
      if (OneIn(2)) query.groups.push_back(groups_[i]);
    }
    query.name = "m";
    const UnixNanos noon = kToday + 12 * kNanosPerHour;
    query.begin = noon - static_cast<UnixNanos>(Below(OneIn(2) ? 300 : 20'000)) * kMinute;
    query.end = query.begin + static_cast<UnixNanos>(Below(OneIn(2) ? 300 : 20'000)) * kMinute;
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
          if (tag.name == name && tag.type != TagType::kString && tag.type != TagType::kInt) {
            return false;
          }
        }
      }
    }
    return true;
  }

  void AskAndCompare() {
    harness_.limits.series_lookup_max = Pick(std::vector<size_t>{0, 1, 5, 10'000});
    harness_.limits.sort_bytes = Pick(std::vector<size_t>{0, 20'000, 100'000, size_t{32} << 20});
    MeasureQuery query = AnyQuery();
    const std::vector<MeasureRow> expected = model_.Ask(query, harness_.clock.Now());
    Result<PlannedMeasureQuery> plan = Planned(query);
    if (!plan.has_value()) FAIL(plan.error().ToString());
    CAPTURE(plan->ToText(), query.groups.size());
    const std::vector<MeasureRow> rows = harness_.Ask(std::move(query));
    REQUIRE(rows.size() == expected.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      CAPTURE(i, Line(rows[i]), Line(expected[i]));
      if (!SameRow(rows[i], expected[i])) FAIL("rows differ");
    }
    answered_rows += rows.size();
  }

  Result<PlannedMeasureQuery> Planned(MeasureQuery& query) {
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
    return PlanMeasureQuery(std::move(copy), harness_.Schema(), harness_.clock.Now());
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

  QueryHarness harness_;
  SeededRandom random_;
  MeasureModel model_;
  MeasureSchema schema_;  // of the first group
  std::map<std::string, MeasureSchema> schemas_;
  std::vector<std::string> groups_;
  std::vector<std::string> entity_tags_;
  std::vector<std::string> indexed_;

 public:
  size_t answered_rows = 0;
};

TEST_CASE("random queries over random rows answer what a list of rows answers", "[query][oracle]") {
  const uint64_t first = TestSeed(1);
  const int rounds = TestRounds(25);
  size_t answered = 0;
  for (int round = 0; round < rounds; ++round) {
    const uint64_t seed = first + static_cast<uint64_t>(round);
    CAPTURE(seed);
    OracleGame game(seed);
    game.Play();
    answered += game.answered_rows;
  }
  REQUIRE(answered > static_cast<size_t>(rounds) * 100);
}

}  // namespace
}  // namespace ficus
