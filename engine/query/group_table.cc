#include "engine/query/group_table.h"

#include <algorithm>

#include "engine/base/bytes.h"

namespace ficus {
namespace {

// A hash table's slot and its share of empty ones.
constexpr size_t kSlotBytes = 2 * (sizeof(std::string) + sizeof(size_t));

bool SameCell(const ColumnValues* column, size_t a, size_t b) {
  if (column == nullptr) return true;
  if (column->IsNull(a) || column->IsNull(b)) return column->IsNull(a) == column->IsNull(b);
  return IsFixed(column->type()) ? column->word(a) == column->word(b)
                                 : column->cell(a) == column->cell(b);
}

}  // namespace

GroupTable::GroupTable(const QueryContext& context)
    : context_(context), charge_(context.ledger()) {}

void GroupTable::Clear() {
  groups_.clear();
  by_key_.clear();
  charge_.ShrinkTo(0);
  rows_seen_ = 0;
}

Result<> GroupTable::EndSource(const ShardSource&) { return Ok(); }

Result<> GroupTable::Accept(const SeriesRows& rows) {
  entity_known_ = !rows.key.empty();
  if (entity_known_) RETURN_IF_ERROR(entity_.Assign(rows.key));
  const std::vector<ValueSource>& group_by = rows.source.plan.group_by;
  const bool by_column = std::any_of(group_by.begin(), group_by.end(), [](const ValueSource& tag) {
    return tag.kind == ValueSource::Kind::kColumn;
  });
  if (by_column) return AcceptByRow(rows);
  // The whole series is of one group.
  ASSIGN_OR_RETURN(const size_t group, GroupOf(rows, rows.begin));
  return Fold(group, rows, rows.begin, rows.end);
}

// Cuts the rows where a group tag changes.
Result<> GroupTable::AcceptByRow(const SeriesRows& rows) {
  const std::vector<ValueSource>& group_by = rows.source.plan.group_by;
  const auto same = [&](size_t a, size_t b) {
    return std::all_of(group_by.begin(), group_by.end(), [&](const ValueSource& tag) {
      return tag.kind != ValueSource::Kind::kColumn || SameCell(rows.columns[tag.index], a, b);
    });
  };
  for (size_t begin = rows.begin; begin < rows.end;) {
    size_t end = begin + 1;
    while (end < rows.end && same(begin, end)) ++end;
    const uint8_t* matches = rows.matches;
    const bool any = matches == nullptr ||
                     std::any_of(matches + (begin - rows.begin), matches + (end - rows.begin),
                                 [](uint8_t match) { return match != 0; });
    if (any) {
      ASSIGN_OR_RETURN(const size_t group, GroupOf(rows, begin));
      RETURN_IF_ERROR(Fold(group, rows, begin, end));
    }
    begin = end;
  }
  return Ok();
}

// Null and the empty string of an entity are one group, since both are answered as null.
void GroupTable::AppendKey(const SeriesRows& rows, size_t row, const ValueSource& source) {
  if (source.kind == ValueSource::Kind::kEntity && entity_known_ && source.index < entity_.size() &&
      !entity_.IsNull(source.index)) {
    key_.push_back(1);
    PutLengthPrefixed(key_, entity_.encoded(source.index));
    return;
  }
  const ColumnValues* column =
      source.kind == ValueSource::Kind::kColumn ? rows.columns[source.index] : nullptr;
  if (column == nullptr || column->IsNull(row)) {
    key_.push_back(0);
    return;
  }
  key_.push_back(static_cast<char>(1 + static_cast<int>(column->type())));
  if (IsFixed(column->type())) {
    PutLittle(key_, column->word(row));
  } else {
    PutLengthPrefixed(key_, column->cell(row));
  }
}

Result<size_t> GroupTable::GroupOf(const SeriesRows& rows, size_t row) {
  key_.clear();
  for (const ValueSource& source : rows.source.plan.group_by) AppendKey(rows, row, source);
  const auto found = by_key_.find(key_);
  if (found != by_key_.end()) return found->second;
  RETURN_IF_ERROR(charge_.Grow(kSlotBytes + 2 * sizeof(Group) + key_.size()));
  by_key_.emplace(key_, groups_.size());
  groups_.emplace_back();
  return groups_.size() - 1;
}

// Rows [begin, end), of which at least one matches, are of `group`.
Result<> GroupTable::Fold(size_t number, const SeriesRows& rows, size_t begin, size_t end) {
  Group& group = groups_[number];
  const uint8_t* matches = rows.matches == nullptr ? nullptr : rows.matches + (begin - rows.begin);
  size_t first = begin;
  size_t last = end - 1;
  rows_seen_ += end - begin;
  if (matches != nullptr) {
    while (matches[first - begin] == 0) ++first;
    while (matches[last - begin] == 0) --last;
    rows_seen_ -= static_cast<uint64_t>(std::count(matches, matches + (end - begin), 0));
  }
  RETURN_IF_ERROR(KeepFirst(group, rows, context_.plan.descending ? last : first));
  if (!context_.plan.aggregation.has_value()) return Ok();
  const ValueSource& aggregated = rows.source.plan.aggregated;
  if (aggregated.kind != ValueSource::Kind::kColumn) return Ok();
  const ColumnValues* column = rows.columns[aggregated.index];
  if (column == nullptr) return Ok();
  Accumulate(group.accumulator, context_.plan.aggregation->function, *column, begin, end, matches);
  return Ok();
}

Result<> GroupTable::KeepFirst(Group& group, const SeriesRows& rows, size_t row) {
  const uint64_t time = OrderOfTime(rows.batch.timestamps[row], context_.plan.descending);
  const uint64_t series = rows.series.value();
  if (std::pair(time, series) >= std::pair(group.first_time, group.first_series)) return Ok();
  const MeasureGroupPlan& plan = rows.source.plan;
  const EntityView* entity = entity_known_ ? &entity_ : nullptr;
  const size_t bytes = ValueBytes(plan.tags, rows.columns, row, entity) +
                       ValueBytes(plan.fields, rows.columns, row, entity);
  if (bytes > group.first_bytes) {
    RETURN_IF_ERROR(charge_.Grow(bytes - group.first_bytes));
    group.first_bytes = bytes;
  }
  group.first_time = time;
  group.first_series = series;
  group.first.timestamp = rows.batch.timestamps[row];
  group.first.series = rows.series;
  group.first.version = rows.batch.versions[row];
  ASSIGN_OR_RETURN(group.first.tags, ReadValues(plan.tags, rows.columns, row, entity));
  ASSIGN_OR_RETURN(group.first.fields, ReadValues(plan.fields, rows.columns, row, entity));
  return Ok();
}

// What top orders by.
TagValue GroupTable::ValueOf(const Group& group) const {
  const MeasurePlanDetail& plan = context_.plan;
  if (plan.aggregation.has_value()) {
    return Finish(group.accumulator, plan.aggregation->function, plan.aggregated_type);
  }
  const auto field =
      std::find(plan.output_fields.begin(), plan.output_fields.end(), plan.top->field);
  return group.first.fields[static_cast<size_t>(field - plan.output_fields.begin())];
}

Result<> GroupTable::Write(AnswerWriter& writer) const {
  const MeasurePlanDetail& plan = context_.plan;
  struct Place {
    NumberOrder field;
    uint64_t time = 0;
    uint64_t series = 0;
    size_t group = 0;
    auto operator<=>(const Place&) const = default;
  };
  std::vector<Place> places;
  MemoryCharge charge(context_.ledger());
  RETURN_IF_ERROR(charge.Grow(groups_.size() * sizeof(Place)));
  places.reserve(groups_.size());
  for (size_t i = 0; i < groups_.size(); ++i) {
    Place place{{}, groups_[i].first_time, groups_[i].first_series, i};
    if (plan.top.has_value()) {
      place.field = OrderOf(ValueOf(groups_[i]), plan.top->order != SortOrder::kAscending);
    }
    places.push_back(place);
  }
  size_t wanted = places.size();
  if (plan.top.has_value())
    wanted = std::min<size_t>(wanted, static_cast<size_t>(plan.top->number));
  wanted = static_cast<size_t>(std::min<uint64_t>(wanted, writer.wanted()));
  if (wanted < places.size() / 4) {
    std::partial_sort(places.begin(), places.begin() + static_cast<ptrdiff_t>(wanted),
                      places.end());
  } else {
    std::sort(places.begin(), places.end());
  }
  for (size_t i = 0; i < wanted; ++i) {
    if (writer.Skip()) continue;
    const Group& group = groups_[places[i].group];
    RETURN_IF_ERROR(writer.Add(group.first_bytes + sizeof(TagValue), [&]() -> Result<MeasureRow> {
      if (!plan.aggregation.has_value()) return group.first;
      MeasureRow row;
      row.tags = group.first.tags;
      row.fields.push_back(ValueOf(group));
      return row;
    }));
  }
  return Ok();
}

}  // namespace ficus
