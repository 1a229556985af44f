// What planning found out, for execution.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/memory_ledger.h"
#include "engine/model/column.h"
#include "engine/query/compiled_criteria.h"
#include "engine/query/measure_answer.h"
#include "engine/query/measure_query.h"
#include "engine/schema/schema_snapshot.h"

namespace ficus {

struct ScanColumn {
  ColumnId id;
  ColumnType type = ColumnType::kInt64;
  friend bool operator==(const ScanColumn&, const ScanColumn&) = default;
};

// The types of the columns of an answer.
struct AnswerTypes {
  std::vector<ColumnType> tags;
  std::vector<ColumnType> fields;
  friend bool operator==(const AnswerTypes&, const AnswerTypes&) = default;
};

// The query as one group has to answer it. Objects live in MeasurePlanDetail::schema.
struct MeasureGroupPlan {
  const SchemaObject* group = nullptr;
  const SchemaObject* measure = nullptr;
  std::vector<ScanColumn> columns;  // ascending ids; ValueSource::index of a column counts here
  std::vector<ValueSource> tags;    // as MeasurePlanDetail::output_tags
  std::vector<ValueSource> fields;  // as MeasurePlanDetail::output_fields
  AnswerTypes types;  // of `tags` and `fields`; where the group has none, those of another group
  std::vector<ValueSource> group_by;
  ValueSource aggregated;
  ValueSource top;
  std::optional<CompiledCriteria> criteria;
};

struct MeasurePlanDetail {
  MemoryReservation literals;  // of the criteria of all groups
  std::shared_ptr<const SchemaSnapshot> schema;
  std::string measure;
  std::vector<MeasureGroupPlan> groups;  // as asked, each once

  UnixNanos begin = 0;  // both ends included
  UnixNanos end = 0;
  bool descending = false;
  bool grouped = false;
  std::optional<Aggregation> aggregation;
  ColumnType aggregated_type = ColumnType::kInt64;
  std::optional<Top> top;
  uint64_t offset = 0;
  uint64_t limit = 0;

  MeasureRowShape shape;
  // Rows before aggregation have these fields; without aggregation they are shape.fields.
  std::vector<std::string> output_fields;
  bool types_differ = false;           // between groups: their rows go into different batches
  bool needs_entity_for_tags = false;  // some output tag is an entity tag
  bool groups_by_entity = false;       // some group_by tag is an entity tag

  bool aggregates() const { return grouped || aggregation.has_value(); }
};

}  // namespace ficus
