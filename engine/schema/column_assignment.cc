#include "engine/schema/column_assignment.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <tuple>
#include <utility>

#include "engine/schema/schema_rules.h"

namespace ficus {
namespace {

class Assignment {
 public:
  explicit Assignment(const std::vector<SubjectColumn>& before) : columns_(before) {
    for (size_t i = 0; i < columns_.size(); ++i) {
      SubjectColumn& column = columns_[i];
      if (!column.dropped) live_.emplace(NameOf(before[i]), i);
      column.dropped = true;
    }
  }

  ColumnId Take(SubjectColumn wanted) {
    const auto known = live_.find(NameOf(wanted));
    if (known != live_.end()) {
      columns_[known->second].dropped = false;
      return columns_[known->second].id;
    }
    wanted.id = columns_.empty() ? ColumnId(1) : columns_.back().id.Next();
    columns_.push_back(std::move(wanted));
    return columns_.back().id;
  }

  std::vector<SubjectColumn>&& columns() && { return std::move(columns_); }

 private:
  using Name = std::tuple<bool, std::string_view, std::string_view, ColumnType>;
  static Name NameOf(const SubjectColumn& column) {
    return {column.is_field, column.family, column.name, column.type};
  }

  std::vector<SubjectColumn> columns_;
  std::map<Name, size_t> live_;  // views into the columns of `before`
};

void AssignTags(std::vector<TagSpec>& tags, const std::string& family,
                const std::vector<std::string>& entity, Assignment& assignment) {
  for (TagSpec& tag : tags) {
    if (std::find(entity.begin(), entity.end(), tag.name) != entity.end()) {
      tag.column = kNoColumn;
      continue;
    }
    SubjectColumn column;
    column.type = ColumnTypeOf(tag.type);
    column.family = family;
    column.name = tag.name;
    tag.column = assignment.Take(std::move(column));
  }
}

void Assign(MeasureSchema& measure, Assignment& assignment) {
  for (TagFamily& family : measure.families) {
    AssignTags(family.tags, family.name, measure.entity, assignment);
  }
  for (FieldSpec& field : measure.fields) {
    SubjectColumn column;
    column.type = ColumnTypeOf(field.type);
    column.is_field = true;
    column.name = field.name;
    field.column = assignment.Take(std::move(column));
  }
}

void Assign(StreamSchema& stream, Assignment& assignment) {
  for (TagFamily& family : stream.families) {
    AssignTags(family.tags, family.name, stream.entity, assignment);
  }
}

void Assign(TraceSchema& trace, Assignment& assignment) {
  AssignTags(trace.tags, {}, {}, assignment);
}

void Assign(PropertySchema& property, Assignment& assignment) {
  AssignTags(property.tags, {}, {}, assignment);
}

template <typename View>
Result<> AssignTo(const SchemaObject* before, View& view) {
  static const std::vector<SubjectColumn> kNone;
  const std::vector<SubjectColumn>& known = before == nullptr ? kNone : before->columns();
  Assignment assignment(known);
  Assign(view, assignment);
  view.columns = std::move(assignment).columns();
  if (view.columns.size() <= kSubjectColumnsMax) return Ok();
  return Error{ErrorCode::kInvalidArgument,
               "the subject would have had " + std::to_string(view.columns.size()) +
                   " columns, more than " + std::to_string(kSubjectColumnsMax)};
}

}  // namespace

Result<> AssignColumns(const SchemaObject* before, SchemaObject& after) {
  if (auto* measure = std::get_if<MeasureSchema>(&after.view)) return AssignTo(before, *measure);
  if (auto* stream = std::get_if<StreamSchema>(&after.view)) return AssignTo(before, *stream);
  if (auto* trace = std::get_if<TraceSchema>(&after.view)) return AssignTo(before, *trace);
  if (auto* property = std::get_if<PropertySchema>(&after.view)) return AssignTo(before, *property);
  return Ok();
}

}  // namespace ficus
