#include "engine/query/measure_plan.h"

#include <string>

#include <catch2/catch.hpp>

#include "engine/query/measure_plan_detail.h"
#include "test/engine/query/measure_questions.h"

namespace ficus {
namespace {

using Op = ConditionOp;

Result<PlannedMeasureQuery> Plan(QueryHarness& harness, MeasureQuery query) {
  return PlanMeasureQuery(std::move(query), harness.Schema(), harness.clock.Now());
}

Error Refusal(QueryHarness& harness, MeasureQuery query) {
  Result<PlannedMeasureQuery> plan = Plan(harness, std::move(query));
  REQUIRE(!plan.has_value());
  return plan.error();
}

// The text inside the frame that every refusal with BanyanDB's text has.
std::string RefusalText(QueryHarness& harness, MeasureQuery query) {
  const Error error = Refusal(harness, std::move(query));
  CAPTURE(error.ToString());
  REQUIRE(error.code == ErrorCode::kUnknown);
  const std::string head =
      "code: STATUS_INTERNAL_ERROR, msg: fail to analyze the query request for measure m: ";
  const std::string tail = ": invalid query message";
  REQUIRE(error.message.starts_with(head));
  REQUIRE(error.message.ends_with(tail));
  return error.message.substr(head.size(), error.message.size() - head.size() - tail.size());
}

MeasureQuery With(std::unique_ptr<Criteria> criteria) {
  MeasureQuery query = Question();
  query.criteria = std::move(criteria);
  return query;
}

TEST_CASE("a query without a group or a name is an invalid argument", "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);
  REQUIRE(Refusal(harness, Question({})).code == ErrorCode::kInvalidArgument);
  MeasureQuery query = Question();
  query.name.clear();
  REQUIRE(Refusal(harness, std::move(query)).code == ErrorCode::kInvalidArgument);
}

TEST_CASE("an unknown measure or group has BanyanDB's text", "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);
  const Error error = Refusal(harness, Question({"g", "other"}));
  REQUIRE(error.code == ErrorCode::kUnknown);
  REQUIRE(error.message ==
          "code: STATUS_INTERNAL_ERROR, msg: fail to get execution context for measure m: "
          "measure doesn't exist: invalid query message");
  MeasureQuery query = Question();
  query.name = "n";
  REQUIRE(Refusal(harness, std::move(query)).code == ErrorCode::kUnknown);
}

TEST_CASE("a projection is needed, and of names that exist", "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);
  MeasureQuery nothing = Question();
  nothing.tags.clear();
  nothing.fields.clear();
  REQUIRE(RefusalText(harness, std::move(nothing)) ==
          "invalid query options: tagProjection or fieldProjection is required");
  MeasureQuery tag = Question();
  tag.tags = {{"default", {"id", "nope"}}};
  REQUIRE(RefusalText(harness, std::move(tag)) == "nope: tag is not defined");
  MeasureQuery family = Question();
  family.tags = {{"other", {"id"}}};
  REQUIRE(RefusalText(harness, std::move(family)) == "id: tag is not defined");
  MeasureQuery field = Question();
  field.fields = {"nope"};
  REQUIRE(RefusalText(harness, std::move(field)) == "field nope not found in schema");
}

TEST_CASE("only entity tags and tags with an index rule can be asked for", "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);
  const std::string tail = ": unsupported condition operation";
  const auto mandatory = [&](std::unique_ptr<Criteria> criteria) {
    const std::string text = RefusalText(harness, With(std::move(criteria)));
    return text.starts_with("mandatory index rule conf:name:\"") && text.ends_with(tail);
  };
  REQUIRE(Plan(harness, With(Where("id", Op::kEq, std::string("a")))).has_value());
  REQUIRE(Plan(harness, With(Where("id", Op::kIn, std::vector<std::string>{"a"}))).has_value());
  REQUIRE(Plan(harness, With(Where("id", Op::kIn, std::string("a")))).has_value());
  REQUIRE(Plan(harness, With(Where("layer", Op::kNe, std::string("a")))).has_value());
  REQUIRE(mandatory(Where("id", Op::kNe, std::string("a"))));
  REQUIRE(mandatory(Where("id", Op::kEq, Null{})));
  REQUIRE(mandatory(Where("id", Op::kEq, std::vector<std::string>{"a"})));
  REQUIRE(mandatory(Where("value", Op::kEq, int64_t{1})));
  REQUIRE(mandatory(Where("nope", Op::kEq, int64_t{1})));
  // Not hidden by the other side.
  REQUIRE(mandatory(Or(Where("id", Op::kEq, std::string("a")), Where("x", Op::kLt, int64_t{1}))));
}

TEST_CASE("a binding that is not in force makes no tag askable", "[query]") {
  QueryHarness harness;
  harness.Create(ProposeGroup("g"));
  harness.Create(ProposeMeasure("g", "m"));
  harness.Create(ProposeIndexRule("g", "layers", {"layer"}));
  harness.Create(
      ProposeBinding("g", "binding", "m", {"layers"}, 0, harness.clock.Now() + kNanosPerHour));
  const auto query = [] { return With(Where("layer", Op::kEq, std::string("a"))); };
  REQUIRE(Plan(harness, query()).has_value());
  harness.clock.Advance(2 * kNanosPerHour);
  REQUIRE(RefusalText(harness, query()).starts_with("mandatory index rule conf:"));
}

TEST_CASE("mistakes in a condition have BanyanDB's texts", "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);
  const auto text = [&](Op op, TagValue value) {
    return RefusalText(harness, With(Where("layer", op, std::move(value))));
  };
  const std::string tail = ": unsupported condition operation";
  for (const Op op : {Op::kEq, Op::kNe, Op::kLt, Op::kGt, Op::kLe, Op::kGe}) {
    for (const TagValue& value : {TagValue(Null{}), TagValue(std::vector<std::string>{"a"}),
                                  TagValue(std::vector<int64_t>{1})}) {
      const std::string refusal = text(op, value);
      REQUIRE(refusal.starts_with("don't support multiple or null value: name:\"layer\""));
      REQUIRE(refusal.ends_with(tail));
    }
  }
  REQUIRE(text(Op::kIn, std::string("a")).find("IN condition requires array value type") == 0);
  REQUIRE(text(Op::kNotIn, Null{}).find("NOT_IN condition requires array value type") == 0);
  REQUIRE(text(Op::kUnspecified, std::string("a")).find("index filter parses ") == 0);
  REQUIRE(text(Op(99), std::string("a")).find("index filter parses ") == 0);
  REQUIRE(text(Op::kMatch, int64_t{1}).find("MATCH condition requires string value type") == 0);
  REQUIRE(text(Op::kEq, Timestamp{1}).find("index filter parses ") == 0);
  REQUIRE(text(Op::kEq, Timestamp{1}).ends_with(": unsupported condition value"));
}

TEST_CASE("what is left for later is refused as unimplemented and named", "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);
  const Error match = Refusal(harness, With(Where("layer", Op::kMatch, std::string("a"))));
  REQUIRE(match.code == ErrorCode::kUnimplemented);
  REQUIRE(match.message.find("MATCH") != std::string::npos);

  MeasureQuery ordered = Question();
  ordered.order_rule = "layers";
  const Error order = Refusal(harness, std::move(ordered));
  REQUIRE(order.code == ErrorCode::kUnimplemented);
  REQUIRE(order.message.find("layers") != std::string::npos);

  SchemaObject indexed = ProposeMeasure("g", "documents");
  std::get<MeasureSchema>(indexed.view).index_mode = true;
  std::get<MeasureSchema>(indexed.view).fields.clear();
  harness.Create(std::move(indexed));
  MeasureQuery documents = Question();
  documents.name = "documents";
  documents.fields.clear();
  const Error index_mode = Refusal(harness, std::move(documents));
  REQUIRE(index_mode.code == ErrorCode::kUnimplemented);
  REQUIRE(index_mode.message.find("index mode") != std::string::npos);
}

TEST_CASE("an order rule that is not there, or is not for sorting, has BanyanDB's text",
          "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);
  MeasureQuery unknown = Question();
  unknown.order_rule = "nope";
  REQUIRE(RefusalText(harness, std::move(unknown)) == "nope: index is not define for the tag");

  SchemaObject rule = ProposeIndexRule("g", "unsorted", {"count"});
  std::get<IndexRuleSchema>(rule.view).no_sort = true;
  harness.Create(std::move(rule));
  harness.Create(ProposeBinding("g", "more", "m", {"unsorted"}));
  MeasureQuery unsorted = Question();
  unsorted.order_rule = "unsorted";
  REQUIRE(RefusalText(harness, std::move(unsorted)) == "unsorted: index does not support sorting");
}

TEST_CASE("a tree has sides, contents and bounds", "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);
  const auto condition = [] { return Where("id", Op::kEq, std::string("a")); };
  REQUIRE(RefusalText(harness, With(And(nullptr, nullptr))) ==
          "both sides(left and right) of [le:{op:LOGICAL_OP_AND}] are empty: invalid logical "
          "expression");
  REQUIRE(RefusalText(harness, With(std::make_unique<Criteria>())) == "invalid criteria type");
  REQUIRE(RefusalText(harness, With(Combine(LogicalOp::kUnspecified, condition(), condition()))) ==
          "invalid criteria type");
  REQUIRE(Plan(harness, With(And(nullptr, condition()))).has_value());
  REQUIRE(Plan(harness, With(Combine(LogicalOp::kUnspecified, condition(), nullptr))).has_value());

  auto no_value = condition();
  no_value->condition->value.reset();
  REQUIRE(Refusal(harness, With(std::move(no_value))).code == ErrorCode::kInvalidArgument);

  auto deep = condition();
  for (size_t i = 0; i < kCriteriaDepthMax - 1; ++i) deep = And(std::move(deep), nullptr);
  auto deeper = And(nullptr, std::move(deep));
  REQUIRE(Refusal(harness, With(std::move(deeper))).code == ErrorCode::kInvalidArgument);
  auto allowed = condition();
  for (size_t i = 0; i < kCriteriaDepthMax - 1; ++i) allowed = Or(std::move(allowed), condition());
  REQUIRE(Plan(harness, With(std::move(allowed))).has_value());
}

TEST_CASE("group_by names tags of one family that can be grouped by", "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);
  SchemaObject other = ProposeMeasure("g", "arrays");
  std::get<MeasureSchema>(other.view)
      .families[0]
      .tags.push_back({"list", TagType::kStringArray, kNoColumn});
  harness.Create(std::move(other));
  const auto text = [&](std::vector<FamilyTags> group_by) {
    MeasureQuery query = Question();
    query.group_by = std::move(group_by);
    return RefusalText(harness, std::move(query));
  };
  REQUIRE(text({}).starts_with("plan.Analyze: GroupBy"));
  REQUIRE(text({{"default", {"id"}}, {"default", {"layer"}}}) ==
          "plan.Analyze: GroupBy.tag_projection v1 supports a single tag family, got 2");
  REQUIRE(text({{"default", {}}}) ==
          "plan.Analyze: GroupBy.tag_projection family \"default\" has no tags");
  REQUIRE(text({{"other", {"id"}}}) ==
          "plan.Analyze: GroupBy tag family \"other\" not present in measure schema");
  REQUIRE(text({{"default", {"nope"}}}) ==
          "plan.Analyze: GroupBy tag default.nope not present in measure schema");
  MeasureQuery array = Question();
  array.name = "arrays";
  array.group_by = std::vector<FamilyTags>{{"default", {"list"}}};
  REQUIRE(Refusal(harness, std::move(array)).code == ErrorCode::kUnknown);
}

TEST_CASE("tags of group_by are in the answer, asked for or not", "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);
  MeasureQuery query = Question();
  query.group_by = std::vector<FamilyTags>{{"default", {"layer", "id"}}};
  REQUIRE(Plan(harness, std::move(query))->shape().tags ==
          std::vector<FamilyTags>{{"default", {"id", "layer"}}});
  MeasureQuery bare = Question();
  bare.tags.clear();
  bare.group_by = std::vector<FamilyTags>{{"default", {"layer"}}};
  REQUIRE(Plan(harness, std::move(bare))->shape().tags ==
          std::vector<FamilyTags>{{"default", {"layer"}}});
}

TEST_CASE("what is grouped by and aggregated is projection enough", "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);
  const auto bare = [] {
    MeasureQuery query = Question();
    query.tags.clear();
    query.fields.clear();
    return query;
  };
  MeasureQuery grouped = bare();
  grouped.group_by = std::vector<FamilyTags>{{"default", {"layer"}}};
  REQUIRE(Plan(harness, std::move(grouped))->shape().tags ==
          std::vector<FamilyTags>{{"default", {"layer"}}});
  MeasureQuery sum = bare();
  sum.aggregation = Aggregation{AggregationFunction::kSum, "value"};
  const Result<PlannedMeasureQuery> plan = Plan(harness, std::move(sum));
  REQUIRE(plan->shape().tags.empty());
  REQUIRE(plan->shape().fields == std::vector<std::string>{"value"});
  MeasureQuery top = bare();
  top.top = Top{3, "value", SortOrder::kDescending};
  REQUIRE(RefusalText(harness, std::move(top)) ==
          "invalid query options: tagProjection or fieldProjection is required");
}

TEST_CASE("an aggregation needs a number and a function, and is the only field", "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);
  const auto with = [](AggregationFunction function, std::string field) {
    MeasureQuery query = Question();
    query.aggregation = Aggregation{function, std::move(field)};
    return query;
  };
  const Result<PlannedMeasureQuery> plan = Plan(harness, with(AggregationFunction::kSum, "rate"));
  REQUIRE(plan.has_value());
  REQUIRE(plan->shape().fields == std::vector<std::string>{"rate"});
  REQUIRE(!plan->shape().has_header);
  REQUIRE(RefusalText(harness, with(AggregationFunction::kSum, "nope")) ==
          "plan.Analyze: Agg field \"nope\" not present in measure schema");
  REQUIRE(RefusalText(harness, with(AggregationFunction::kUnspecified, "value")) ==
          "plan.Analyze: Agg.Function is UNSPECIFIED or unknown");
  REQUIRE(RefusalText(harness, with(AggregationFunction(6), "value")) ==
          "plan.Analyze: Agg.Function is UNSPECIFIED or unknown");
  SchemaObject texts = ProposeMeasure("g", "texts");
  std::get<MeasureSchema>(texts.view).fields[0].type = FieldType::kString;
  harness.Create(std::move(texts));
  MeasureQuery text = with(AggregationFunction::kSum, "value");
  text.name = "texts";
  REQUIRE(Refusal(harness, std::move(text)).message.find("unsupported aggregation operation") !=
          std::string::npos);
}

TEST_CASE("top orders by a field of the answer", "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);
  const auto with = [](std::string field) {
    MeasureQuery query = Question();
    query.top = Top{3, std::move(field), SortOrder::kUnspecified};
    return query;
  };
  REQUIRE(Plan(harness, with("value")).has_value());
  REQUIRE(RefusalText(harness, with("rate")) ==
          "plan.Top.Build: field \"rate\" not present in schema");
  MeasureQuery aggregated = with("value");
  aggregated.aggregation = Aggregation{AggregationFunction::kSum, "rate"};
  REQUIRE(RefusalText(harness, std::move(aggregated)) ==
          "plan.Top.Build: field \"value\" not present in schema");
}

TEST_CASE("groups must agree on the entity and on the type of a field that is added up",
          "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);
  PrepareMeasure(harness, "same");
  harness.Create(ProposeGroup("h"));
  SchemaObject other = ProposeMeasure("h", "m");
  std::get<MeasureSchema>(other.view).entity = {"id", "layer"};
  harness.Create(std::move(other));
  REQUIRE(RefusalText(harness, Question({"g", "h"})) == "schemas have different entity lists");

  harness.Create(ProposeGroup("floats"));
  SchemaObject floats = ProposeMeasure("floats", "m");
  std::get<MeasureSchema>(floats.view).fields[0].type = FieldType::kFloat;
  harness.Create(std::move(floats));
  REQUIRE(Plan(harness, Question({"g", "floats"})).has_value());
  MeasureQuery sum = Question({"g", "floats"});
  sum.aggregation = Aggregation{AggregationFunction::kSum, "value"};
  REQUIRE(RefusalText(harness, std::move(sum)) == "schemas have different types of field value");
  MeasureQuery top = Question({"same", "floats"});
  top.top = Top{1, "value", SortOrder::kAscending};
  REQUIRE(RefusalText(harness, std::move(top)) == "schemas have different types of field value");
}

TEST_CASE("a name is known when one of the groups knows it", "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);
  PrepareMeasure(harness, "h");
  SchemaObject more = ProposeMeasure("h", "m");
  auto& measure = std::get<MeasureSchema>(more.view);
  measure.families[0].tags.push_back({"extra", TagType::kInt, kNoColumn});
  measure.fields.push_back({"more", FieldType::kInt, 1, 1, kNoColumn});
  harness.Update(std::move(more));
  harness.Create(ProposeIndexRule("h", "extra", {"extra"}));
  harness.Create(ProposeBinding("h", "extra", "m", {"extra"}));
  const auto query = [](std::vector<std::string> groups) {
    MeasureQuery asked = Question(std::move(groups));
    asked.tags = {{"default", {"id", "extra"}}};
    asked.fields = {"more"};
    asked.criteria = Where("extra", Op::kNe, int64_t{1});
    return asked;
  };
  REQUIRE(Plan(harness, query({"g", "h"})).has_value());
  REQUIRE(RefusalText(harness, query({"g"})) == "extra: tag is not defined");
}

TEST_CASE("only the columns that are needed are read", "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);
  const auto columns = [&](MeasureQuery query) {
    return Plan(harness, std::move(query))->detail().groups.front().columns.size();
  };
  MeasureQuery entity = Question();
  entity.fields.clear();
  REQUIRE(columns(std::move(entity)) == 0);
  REQUIRE(columns(Question()) == 1);
  REQUIRE(columns(With(And(Where("layer", Op::kEq, std::string("a")),
                           Where("layer", Op::kNe, std::string("b"))))) == 2);
  MeasureQuery sum = Question();
  sum.aggregation = Aggregation{AggregationFunction::kSum, "rate"};
  REQUIRE(columns(std::move(sum)) == 1);
}

TEST_CASE("the defaults are BanyanDB's, and a group named twice counts once", "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);
  const Result<PlannedMeasureQuery> plan = Plan(harness, Question({"g", "g"}));
  REQUIRE(plan->detail().limit == 100);
  REQUIRE(plan->detail().offset == 0);
  REQUIRE(!plan->detail().descending);
  REQUIRE(plan->detail().groups.size() == 1);
  REQUIRE(plan->ToText().find("Scan(group=g, measure=m") != std::string::npos);
}

TEST_CASE("the literals of a plan are charged while it lives, for each group", "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);
  PrepareMeasure(harness, "h");
  PlanLimits limits;
  limits.ledger = &harness.ledger;
  const auto plan = [&](const std::string& tag, std::vector<std::string> groups) {
    std::vector<int64_t> many;
    for (int64_t i = 0; i < 100'000; ++i) many.push_back(i);
    MeasureQuery query = Question(std::move(groups));
    query.criteria = Where(tag, Op::kIn, std::move(many));
    return PlanMeasureQuery(std::move(query), harness.Schema(), harness.clock.Now(), limits);
  };
  for (const char* tag : {"id", "count"}) {
    size_t one = 0;
    {
      const auto planned = plan(tag, {"g"});
      REQUIRE(planned.has_value());
      one = harness.ledger.used_bytes(MemoryConsumer::kQueries);
      REQUIRE(one >= 100'000 * sizeof(int64_t));
    }
    REQUIRE(harness.ledger.used_bytes(MemoryConsumer::kQueries) == 0);
    const auto planned = plan(tag, {"g", "h"});
    REQUIRE(harness.ledger.used_bytes(MemoryConsumer::kQueries) > one * 3 / 2);
  }
  harness.ledger.SetShare(MemoryConsumer::kQueries, 500'000);
  REQUIRE(plan("id", {"g"}).error().code == ErrorCode::kResourceExhausted);
  REQUIRE(plan("count", {"g"}).error().code == ErrorCode::kResourceExhausted);
  REQUIRE(harness.ledger.used_bytes(MemoryConsumer::kQueries) == 0);
}

TEST_CASE("planning ends with its query", "[query]") {
  QueryHarness harness;
  PrepareMeasure(harness);
  PlanLimits limits;
  limits.check_goes_on = [] { return Error{ErrorCode::kDeadlineExceeded, "late"}; };
  MeasureQuery query = With(Where("id", Op::kEq, std::string("a")));
  const auto plan =
      PlanMeasureQuery(std::move(query), harness.Schema(), harness.clock.Now(), limits);
  REQUIRE(plan.error().code == ErrorCode::kDeadlineExceeded);
}

TEST_CASE("a plan keeps its schema", "[query]") {
  std::optional<PlannedMeasureQuery> plan;
  {
    QueryHarness harness;
    PrepareMeasure(harness);
    plan = *Plan(harness, Question());
  }
  REQUIRE(plan->detail().groups.front().measure->key.name == "m");
}

}  // namespace
}  // namespace ficus
