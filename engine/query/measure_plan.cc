#include "engine/query/measure_plan.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "engine/base/check.h"
#include "engine/query/criteria_text.h"
#include "engine/query/measure_plan_detail.h"

namespace ficus {
namespace {

// The frame that BanyanDB's front door puts around what its engine says.
Error Answered(std::string_view what, std::string_view measure, std::string_view text) {
  std::string message = "code: STATUS_INTERNAL_ERROR, msg: ";
  message += what;
  message += " for measure ";
  message += measure;
  message += ": ";
  message += text;
  message += ": invalid query message";
  return {ErrorCode::kUnknown, std::move(message)};
}

Error Refused(std::string text) { return {ErrorCode::kUnknown, std::move(text)}; }

std::string Quoted(std::string_view text) { return '"' + std::string(text) + '"'; }

const TagSpec* FindTag(const MeasureSchema& schema, std::string_view family, std::string_view tag) {
  for (const TagFamily& candidate : schema.families) {
    if (candidate.name != family) continue;
    for (const TagSpec& spec : candidate.tags) {
      if (spec.name == tag) return &spec;
    }
  }
  return nullptr;
}

const TagSpec* FindTag(const MeasureSchema& schema, std::string_view tag) {
  for (const TagFamily& family : schema.families) {
    if (const TagSpec* spec = FindTag(schema, family.name, tag)) return spec;
  }
  return nullptr;
}

bool HasFamily(const MeasureSchema& schema, std::string_view family) {
  return std::any_of(schema.families.begin(), schema.families.end(),
                     [&](const TagFamily& candidate) { return candidate.name == family; });
}

const FieldSpec* FindField(const MeasureSchema& schema, std::string_view field) {
  for (const FieldSpec& spec : schema.fields) {
    if (spec.name == field) return &spec;
  }
  return nullptr;
}

bool IsNumber(FieldType type) { return type == FieldType::kInt || type == FieldType::kFloat; }

bool CanGroupBy(TagType type) {
  return type == TagType::kString || type == TagType::kInt || type == TagType::kTimestamp;
}

// Plans one query. Works on a detail that is handed out complete or not at all.
class Planner {
 public:
  Planner(MeasureQuery query, std::shared_ptr<const SchemaSnapshot> schema, UnixNanos now,
          const PlanLimits& limits)
      : query_(std::move(query)),
        now_(now),
        budget_(limits),
        detail_(std::make_shared<MeasurePlanDetail>()) {
    detail_->schema = std::move(schema);
  }

  Result<PlannedMeasureQuery> Plan() {
    RETURN_IF_ERROR(CheckRequest());
    RETURN_IF_ERROR(ResolveGroups());
    if (Result<> analyzed = Analyze(); !analyzed.has_value()) {
      if (analyzed.error().code != ErrorCode::kUnknown) return std::move(analyzed).error();
      return Answered("fail to analyze the query request", query_.name, analyzed.error().message);
    }
    detail_->literals = budget_.Keep();
    return PlannedMeasureQuery(std::move(detail_));
  }

 private:
  const SchemaSnapshot& schema() const { return *detail_->schema; }
  const MeasureSchema& first() const { return detail_->groups.front().measure->measure(); }

  Result<> CheckRequest() const {
    if (query_.groups.empty()) {
      return Error{ErrorCode::kInvalidArgument, "a measure query names at least one group"};
    }
    if (query_.name.empty()) {
      return Error{ErrorCode::kInvalidArgument, "a measure query names a measure"};
    }
    return Ok();
  }

  Result<> ResolveGroups() {
    std::set<std::string_view> seen;
    for (const std::string& name : query_.groups) {
      if (!seen.insert(name).second) continue;
      MeasureGroupPlan plan;
      plan.group = schema().FindGroup(name);
      plan.measure = schema().Find(SchemaKind::kMeasure, name, query_.name);
      if (plan.group == nullptr || plan.measure == nullptr) {
        return Answered("fail to get execution context", query_.name, "measure doesn't exist");
      }
      detail_->groups.push_back(std::move(plan));
    }
    return Ok();
  }

  Result<> Analyze() {
    RETURN_IF_ERROR(RefuseWhatIsMissing());
    // What is grouped by and what is aggregated are in the answer, asked for or not.
    if (query_.tags.empty() && query_.fields.empty() && !query_.group_by.has_value() &&
        !query_.aggregation.has_value()) {
      return Refused("invalid query options: tagProjection or fieldProjection is required");
    }
    for (const MeasureGroupPlan& plan : detail_->groups) {
      if (plan.measure->measure().entity != first().entity) {
        return Refused("schemas have different entity lists");
      }
    }
    detail_->measure = query_.name;
    detail_->begin = query_.begin;
    detail_->end = query_.end;
    detail_->descending = query_.order == SortOrder::kDescending;
    detail_->offset = query_.offset;
    detail_->limit = query_.limit == 0 ? kMeasureQueryDefaultLimit : query_.limit;

    RETURN_IF_ERROR(CheckProjection());
    RETURN_IF_ERROR(AnalyzeGroupBy());
    RETURN_IF_ERROR(AnalyzeAggregation());
    RETURN_IF_ERROR(AnalyzeTop());
    RETURN_IF_ERROR(BindGroups());
    return Ok();
  }

  Result<> RefuseWhatIsMissing() const {
    if (!query_.order_rule.empty()) return CheckOrderRule();
    for (const MeasureGroupPlan& plan : detail_->groups) {
      if (plan.measure->measure().index_mode) {
        return Error{ErrorCode::kUnimplemented,
                     "measure " + query_.name + " of group " + plan.group->key.name +
                         " is in index mode: queries of such measures are not supported"};
      }
    }
    return Ok();
  }

  // The rule's own mistakes come first, as from BanyanDB.
  Result<> CheckOrderRule() const {
    const SchemaObject* found = nullptr;
    for (const SchemaObject* rule : schema().IndexRules(*detail_->groups.front().measure, now_)) {
      if (rule->key.name == query_.order_rule) found = rule;
    }
    if (found == nullptr) {
      return Refused(query_.order_rule + ": index is not define for the tag");
    }
    if (found->index_rule().no_sort) {
      return Refused(query_.order_rule + ": index does not support sorting");
    }
    return Error{ErrorCode::kUnimplemented,
                 "order by index rule " + query_.order_rule + " is not supported"};
  }

  // A name has to be known to some group; groups that lack it answer null.
  Result<> CheckProjection() {
    for (const FamilyTags& family : query_.tags) {
      for (const std::string& tag : family.tags) {
        if (!AnyGroup([&](const MeasureSchema& measure) {
              return FindTag(measure, family.family, tag) != nullptr;
            })) {
          return Refused(tag + ": tag is not defined");
        }
      }
    }
    for (const std::string& field : query_.fields) {
      if (!KnownField(field)) return Refused("field " + field + " not found in schema");
    }
    detail_->shape.tags = query_.tags;
    detail_->shape.fields = query_.fields;
    return Ok();
  }

  Result<> AnalyzeGroupBy() {
    if (!query_.group_by.has_value()) return Ok();
    const std::vector<FamilyTags>& families = *query_.group_by;
    if (families.empty()) return Refused("plan.Analyze: GroupBy must set tag_projection");
    if (families.size() > 1) {
      return Refused("plan.Analyze: GroupBy.tag_projection v1 supports a single tag family, got " +
                     std::to_string(families.size()));
    }
    const FamilyTags& family = families.front();
    if (family.tags.empty()) {
      return Refused("plan.Analyze: GroupBy.tag_projection family " + Quoted(family.family) +
                     " has no tags");
    }
    if (!AnyGroup(
            [&](const MeasureSchema& measure) { return HasFamily(measure, family.family); })) {
      return Refused("plan.Analyze: GroupBy tag family " + Quoted(family.family) +
                     " not present in measure schema");
    }
    for (const std::string& tag : family.tags) RETURN_IF_ERROR(CheckGroupTag(family.family, tag));
    detail_->grouped = true;
    ProjectGroupTags(family);
    return Ok();
  }

  Result<> CheckGroupTag(const std::string& family, const std::string& tag) const {
    bool found = false;
    for (const MeasureGroupPlan& plan : detail_->groups) {
      const TagSpec* spec = FindTag(plan.measure->measure(), family, tag);
      if (spec == nullptr) continue;
      found = true;
      if (!CanGroupBy(spec->type)) {
        return Refused("plan.Analyze: GroupBy tag " + family + "." + tag +
                       " is an array or binary and cannot be grouped by");
      }
    }
    if (found) return Ok();
    return Refused("plan.Analyze: GroupBy tag " + family + "." + tag +
                   " not present in measure schema");
  }

  // The answer shows what its rows are grouped by, asked for or not.
  void ProjectGroupTags(const FamilyTags& group_by) {
    std::vector<FamilyTags>& tags = detail_->shape.tags;
    auto family = std::find_if(tags.begin(), tags.end(), [&](const FamilyTags& candidate) {
      return candidate.family == group_by.family;
    });
    if (family == tags.end()) {
      tags.push_back({group_by.family, {}});
      family = std::prev(tags.end());
    }
    for (const std::string& tag : group_by.tags) {
      if (std::find(family->tags.begin(), family->tags.end(), tag) == family->tags.end()) {
        family->tags.push_back(tag);
      }
    }
  }

  Result<> AnalyzeAggregation() {
    detail_->output_fields = query_.fields;
    if (!query_.aggregation.has_value()) return Ok();
    const Aggregation& aggregation = *query_.aggregation;
    if (!KnownField(aggregation.field)) {
      return Refused("plan.Analyze: Agg field " + Quoted(aggregation.field) +
                     " not present in measure schema");
    }
    ASSIGN_OR_RETURN(const FieldType type, FieldTypeOf(aggregation.field));
    if (!IsNumber(type)) {
      return Refused("field: " + aggregation.field +
                     ": unsupported aggregation operation on this field");
    }
    if (aggregation.function == AggregationFunction::kUnspecified ||
        aggregation.function > AggregationFunction::kSum) {
      return Refused("plan.Analyze: Agg.Function is UNSPECIFIED or unknown");
    }
    detail_->aggregation = aggregation;
    detail_->aggregated_type = ColumnTypeOf(type);
    detail_->output_fields.clear();
    detail_->shape.fields = {aggregation.field};
    detail_->shape.has_header = false;
    return Ok();
  }

  Result<> AnalyzeTop() {
    if (!query_.top.has_value()) return Ok();
    const std::vector<std::string>& fields = detail_->shape.fields;
    if (std::find(fields.begin(), fields.end(), query_.top->field) == fields.end()) {
      return Refused("plan.Top.Build: field " + Quoted(query_.top->field) +
                     " not present in schema");
    }
    RETURN_IF_ERROR(FieldTypeOf(query_.top->field));
    detail_->top = query_.top;
    return Ok();
  }

  // One type in all groups that have the field: values of several groups are added up or compared.
  Result<FieldType> FieldTypeOf(const std::string& field) const {
    FieldType type = FieldType::kUnspecified;
    for (const MeasureGroupPlan& plan : detail_->groups) {
      const FieldSpec* spec = FindField(plan.measure->measure(), field);
      if (spec == nullptr) continue;
      if (type != FieldType::kUnspecified && type != spec->type) {
        return Refused("schemas have different types of field " + field);
      }
      type = spec->type;
    }
    return type;
  }

  Result<> BindGroups() {
    const std::set<std::string> indexed = IndexedTags();
    for (MeasureGroupPlan& plan : detail_->groups) {
      CollectColumns(plan);
      RETURN_IF_ERROR(Bind(plan, indexed));
    }
    FindTypes();
    return Ok();
  }

  // The types that the columns of each group's rows have in the answer.
  void FindTypes() {
    for (MeasureGroupPlan& plan : detail_->groups) {
      for (const FamilyTags& family : detail_->shape.tags) {
        for (const std::string& tag : family.tags) {
          plan.types.tags.push_back(TypeIn(plan, [&](const MeasureSchema& measure) {
            const TagSpec* spec = FindTag(measure, family.family, tag);
            return spec == nullptr ? std::nullopt : std::optional(ColumnTypeOf(spec->type));
          }));
        }
      }
      for (const std::string& field : detail_->output_fields) {
        plan.types.fields.push_back(TypeIn(plan, [&](const MeasureSchema& measure) {
          const FieldSpec* spec = FindField(measure, field);
          return spec == nullptr ? std::nullopt : std::optional(ColumnTypeOf(spec->type));
        }));
      }
      detail_->types_differ = detail_->types_differ || plan.types != detail_->groups.front().types;
    }
  }

  // What `type_of` says of the plan's own measure, else of the first one that it knows.
  template <typename TypeOf>
  ColumnType TypeIn(const MeasureGroupPlan& plan, const TypeOf& type_of) const {
    std::optional<ColumnType> type = type_of(plan.measure->measure());
    for (const MeasureGroupPlan& other : detail_->groups) {
      if (!type.has_value()) type = type_of(other.measure->measure());
    }
    return type.value_or(ColumnType::kInt64);
  }

  std::set<std::string> IndexedTags() const {
    std::set<std::string> indexed;
    for (const MeasureGroupPlan& plan : detail_->groups) {
      for (std::string& tag : schema().IndexedTags(*plan.measure, now_)) {
        indexed.insert(std::move(tag));
      }
    }
    return indexed;
  }

  // Every column that may be needed, so that slots are known before anything is bound; those that
  // nothing refers to are dropped by Bind.
  static void CollectColumns(MeasureGroupPlan& plan) {
    const MeasureSchema& measure = plan.measure->measure();
    for (const TagFamily& family : measure.families) {
      for (const TagSpec& tag : family.tags) {
        if (tag.column != kNoColumn) plan.columns.push_back({tag.column, ColumnTypeOf(tag.type)});
      }
    }
    for (const FieldSpec& field : measure.fields) {
      plan.columns.push_back({field.column, ColumnTypeOf(field.type)});
    }
    std::sort(plan.columns.begin(), plan.columns.end(),
              [](const ScanColumn& a, const ScanColumn& b) { return a.id < b.id; });
  }

  Result<> Bind(MeasureGroupPlan& plan, const std::set<std::string>& indexed) {
    const MeasureSchema& measure = plan.measure->measure();
    std::set<size_t> used;
    const auto tag_source = [&](const TagSpec* spec) {
      const ValueSource source = SourceOf(plan, spec);
      if (source.kind == ValueSource::Kind::kColumn) used.insert(source.index);
      return source;
    };
    const auto field_source = [&](const std::string& field) {
      const ValueSource source = SourceOf(plan, FindField(measure, field));
      if (source.kind == ValueSource::Kind::kColumn) used.insert(source.index);
      return source;
    };

    for (const FamilyTags& family : detail_->shape.tags) {
      for (const std::string& tag : family.tags) {
        plan.tags.push_back(tag_source(FindTag(measure, family.family, tag)));
      }
    }
    for (const std::string& field : detail_->output_fields) {
      plan.fields.push_back(field_source(field));
    }
    if (detail_->grouped) {
      for (const std::string& tag : query_.group_by->front().tags) {
        plan.group_by.push_back(tag_source(FindTag(measure, query_.group_by->front().family, tag)));
      }
    }
    if (detail_->aggregation.has_value()) {
      plan.aggregated = field_source(detail_->aggregation->field);
    }
    if (detail_->top.has_value() && !detail_->aggregation.has_value()) {
      plan.top = field_source(detail_->top->field);
    }
    if (query_.criteria != nullptr) {
      const TagResolver resolve = [&](const std::string& name) {
        const TagSpec* spec = FindTag(measure, name);
        TagResolution resolution;
        resolution.source = tag_source(spec);
        resolution.indexed = spec != nullptr ? IsIndexedHere(plan, name) : indexed.count(name) != 0;
        return resolution;
      };
      ASSIGN_OR_RETURN(
          plan.criteria,
          CompiledCriteria::Compile(*query_.criteria, KeyTags(measure).size(), resolve, budget_));
    }
    KeepColumns(plan, used);
    const auto is_entity = [](const ValueSource& source) {
      return source.kind == ValueSource::Kind::kEntity;
    };
    detail_->needs_entity_for_tags = detail_->needs_entity_for_tags ||
                                     std::any_of(plan.tags.begin(), plan.tags.end(), is_entity);
    detail_->groups_by_entity = detail_->groups_by_entity ||
                                std::any_of(plan.group_by.begin(), plan.group_by.end(), is_entity);
    return Ok();
  }

  bool IsIndexedHere(const MeasureGroupPlan& plan, const std::string& tag) const {
    const std::vector<std::string> tags = schema().IndexedTags(*plan.measure, now_);
    return std::binary_search(tags.begin(), tags.end(), tag);
  }

  static ValueSource SourceOf(const MeasureGroupPlan& plan, const TagSpec* spec) {
    if (spec == nullptr) return {};
    const std::vector<std::string_view> tags = KeyTags(plan.measure->measure());
    const auto position = std::find(tags.begin(), tags.end(), spec->name);
    if (position != tags.end()) {
      return {ValueSource::Kind::kEntity, static_cast<size_t>(position - tags.begin())};
    }
    return ColumnSource(plan, spec->column);
  }

  static ValueSource SourceOf(const MeasureGroupPlan& plan, const FieldSpec* spec) {
    return spec == nullptr ? ValueSource{} : ColumnSource(plan, spec->column);
  }

  static ValueSource ColumnSource(const MeasureGroupPlan& plan, ColumnId column) {
    for (size_t slot = 0; slot < plan.columns.size(); ++slot) {
      if (plan.columns[slot].id == column) return {ValueSource::Kind::kColumn, slot};
    }
    return {};
  }

  // Drops the columns that nothing uses and renumbers the slots of the rest.
  static void KeepColumns(MeasureGroupPlan& plan, const std::set<size_t>& used) {
    std::vector<ScanColumn> kept;
    std::vector<size_t> slots(plan.columns.size());
    for (const size_t slot : used) {
      slots[slot] = kept.size();
      kept.push_back(plan.columns[slot]);
    }
    plan.columns = std::move(kept);
    const auto renumber = [&](ValueSource& source) {
      if (source.kind == ValueSource::Kind::kColumn) source.index = slots[source.index];
    };
    for (std::vector<ValueSource>* sources : {&plan.tags, &plan.fields, &plan.group_by}) {
      for (ValueSource& source : *sources) renumber(source);
    }
    renumber(plan.aggregated);
    renumber(plan.top);
    if (plan.criteria.has_value()) plan.criteria->RenumberSlots(slots);
  }

  template <typename Predicate>
  bool AnyGroup(const Predicate& predicate) const {
    return std::any_of(
        detail_->groups.begin(), detail_->groups.end(),
        [&](const MeasureGroupPlan& plan) { return predicate(plan.measure->measure()); });
  }

  bool KnownField(const std::string& field) const {
    return AnyGroup(
        [&](const MeasureSchema& measure) { return FindField(measure, field) != nullptr; });
  }

  const MeasureQuery query_;
  const UnixNanos now_;
  PlanBudget budget_;
  std::shared_ptr<MeasurePlanDetail> detail_;
};

std::string_view FunctionName(AggregationFunction function) {
  switch (function) {
    case AggregationFunction::kMean:
      return "MEAN";
    case AggregationFunction::kMax:
      return "MAX";
    case AggregationFunction::kMin:
      return "MIN";
    case AggregationFunction::kCount:
      return "COUNT";
    case AggregationFunction::kSum:
      return "SUM";
    case AggregationFunction::kUnspecified:
      break;
  }
  return "?";
}

std::string ScanText(const MeasurePlanDetail& detail, const MeasureGroupPlan& plan) {
  std::string text = "Scan(group=" + plan.group->key.name + ", measure=" + detail.measure +
                     ", begin=" + std::to_string(detail.begin) +
                     ", end=" + std::to_string(detail.end) + ", columns=[";
  for (size_t i = 0; i < plan.columns.size(); ++i) {
    text += (i == 0 ? "" : " ") + std::to_string(plan.columns[i].id.value());
  }
  text += "]";
  if (plan.criteria.has_value()) {
    text += std::string(", series=") + (plan.criteria->NeedsEntity() ? "by entity" : "all") +
            ", criteria=" + plan.criteria->ToText();
  }
  return text + ")";
}

}  // namespace

PlannedMeasureQuery::PlannedMeasureQuery(std::shared_ptr<const MeasurePlanDetail> detail)
    : detail_(std::move(detail)) {}

const MeasureRowShape& PlannedMeasureQuery::shape() const { return detail_->shape; }

std::string PlannedMeasureQuery::ToText() const {
  const MeasurePlanDetail& detail = *detail_;
  std::string text = "Limit(offset=" + std::to_string(detail.offset) +
                     ", limit=" + std::to_string(detail.limit) + ")";
  if (detail.top.has_value()) {
    text += " <- Top(" + std::to_string(detail.top->number) + " " + detail.top->field +
            (detail.top->order == SortOrder::kAscending ? " smallest)" : " largest)");
  }
  if (detail.aggregation.has_value()) {
    text += " <- Aggregate(" + std::string(FunctionName(detail.aggregation->function)) + " " +
            detail.aggregation->field + ")";
  }
  if (detail.grouped) text += " <- GroupBy";
  text += detail.descending ? " <- OrderBy(time desc)" : " <- OrderBy(time asc)";
  for (const MeasureGroupPlan& plan : detail.groups) text += " <- " + ScanText(detail, plan);
  return text;
}

Result<PlannedMeasureQuery> PlanMeasureQuery(MeasureQuery query,
                                             std::shared_ptr<const SchemaSnapshot> schema,
                                             UnixNanos now, const PlanLimits& limits) {
  CHECK(schema != nullptr);
  return Planner(std::move(query), std::move(schema), now, limits).Plan();
}

}  // namespace ficus
