#include "engine/query/group_table.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "engine/base/bytes.h"
#include "engine/model/tag_value.h"

namespace ficus {
namespace {

// A hash table's slot and its share of empty ones.
constexpr size_t kSlotBytes = 2 * (sizeof(std::string) + sizeof(size_t));

// Rows that are not the first of a group any more are dropped now and then.
constexpr size_t kReplacedMax = 1024;

bool SameCell(const ColumnValues* column, size_t a, size_t b) {
  if (column == nullptr) return true;
  if (column->IsNull(a) || column->IsNull(b)) return column->IsNull(a) == column->IsNull(b);
  return IsFixed(column->type()) ? column->word(a) == column->word(b)
                                 : column->cell(a) == column->cell(b);
}

}  // namespace

GroupTable::GroupTable(const QueryContext& context)
    : context_(context), charge_(context.ledger()), firsts_charge_(context.ledger()) {
  Clear();
}

void GroupTable::Clear() {
  groups_.clear();
  firsts_.clear();
  for (const MeasureGroupPlan& plan : context_.plan.groups) firsts_.emplace_back(plan);
  replaced_.assign(firsts_.size(), 0);
  firsts_charge_.ShrinkTo(0);
  by_key_.clear();
  charge_.ShrinkTo(0);
  rows_seen_ = 0;
}

Result<> GroupTable::EndSource(const ShardSource&) { return Ok(); }

Result<> GroupTable::AssignEntity(std::string_view key) {
  entity_known_ = !key.empty();
  return entity_known_ ? entity_.Assign(key) : Ok();
}

Result<> GroupTable::Accept(const SeriesRows& rows) {
  RETURN_IF_ERROR(AssignEntity(rows.key));
  const std::vector<ValueSource>& group_by = rows.source.plan.group_by;
  const bool by_column = std::any_of(group_by.begin(), group_by.end(), [](const ValueSource& tag) {
    return tag.kind == ValueSource::Kind::kColumn;
  });
  if (by_column) return AcceptByRow(rows);
  // The whole series is of one group.
  ASSIGN_OR_RETURN(const size_t group, GroupOf(rows.source.plan, rows.columns, rows.begin));
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
      ASSIGN_OR_RETURN(const size_t group, GroupOf(rows.source.plan, rows.columns, begin));
      RETURN_IF_ERROR(Fold(group, rows, begin, end));
    }
    begin = end;
  }
  return Ok();
}

// Null and the empty string of an entity are one group, since both are answered as null.
void GroupTable::AppendKey(const ValueSource& source, ColumnSlots columns, size_t row) {
  if (source.kind == ValueSource::Kind::kEntity && entity_known_ && source.index < entity_.size() &&
      !entity_.IsNull(source.index)) {
    key_.push_back(1);
    PutLengthPrefixed(key_, entity_.encoded(source.index));
    return;
  }
  const ColumnValues* column =
      source.kind == ValueSource::Kind::kColumn ? columns[source.index] : nullptr;
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

Result<size_t> GroupTable::GroupOf(const MeasureGroupPlan& plan, ColumnSlots columns, size_t row) {
  key_.clear();
  for (const ValueSource& source : plan.group_by) AppendKey(source, columns, row);
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

bool GroupTable::ReplacesFirst(Group& group, UnixNanos time, SeriesId series) {
  const uint64_t order = OrderOfTime(time, context_.plan.descending);
  if (std::pair(order, series.value()) >= std::pair(group.first_time, group.first_series)) {
    return false;
  }
  const bool had_one = group.first_series != kNoSeries || group.first_time != kNoTime;
  group.first_time = order;
  group.first_series = series.value();
  if (!ShowsFirsts()) return false;
  const uint32_t store = group.first.store;
  if (had_one && ++replaced_[store] > kReplacedMax) DropReplaced(store);
  return true;
}

Result<RowStore*> GroupTable::PlaceFirst(Group& group, size_t number, size_t bytes) {
  // Vectors grow by doubling.
  if (firsts_charge_.used() + 2 * bytes > 2 * context_.limits.first_rows_bytes_max) {
    return Error{ErrorCode::kResourceExhausted,
                 fmt::format("the first rows of the groups take more than {} bytes",
                             context_.limits.first_rows_bytes_max)};
  }
  RETURN_IF_ERROR(firsts_charge_.Grow(2 * bytes));
  RowStore& store = firsts_[number];
  group.first = {static_cast<uint32_t>(number), static_cast<uint32_t>(store.rows())};
  return &store;
}

Result<> GroupTable::KeepFirst(Group& group, const SeriesRows& rows, size_t row) {
  if (!ReplacesFirst(group, rows.batch.timestamps[row], rows.series)) return Ok();
  const RowRange range{row, row + 1};
  const size_t bytes = RowStore::BytesOf(rows, range) + RowStore::EntityBytes(rows.key);
  ASSIGN_OR_RETURN(RowStore* const store, PlaceFirst(group, rows.source.group, bytes));
  store->Append(rows, range);
  if (entity_known_) store->AddEntity(rows.series, rows.key);
  return Ok();
}

Result<> GroupTable::KeepFirst(Group& group, const SeriesBlock& block) {
  const BlockHeader& header = block.run.header();
  const UnixNanos time = context_.plan.descending ? header.times.end - 1 : header.times.begin;
  if (!ReplacesFirst(group, time, header.first_series)) return Ok();
  const size_t bytes = RowStore::BareBytes(block.source.plan) + RowStore::EntityBytes(block.key);
  ASSIGN_OR_RETURN(RowStore* const store, PlaceFirst(group, block.source.group, bytes));
  store->AppendBare(header.first_series, time);
  if (entity_known_) store->AddEntity(header.first_series, block.key);
  return Ok();
}

ScanRequest::Unread GroupTable::WantedUnread(const MeasureGroupPlan& plan) const {
  const std::optional<Aggregation>& aggregation = context_.plan.aggregation;
  const auto is_column = [](const ValueSource& source) {
    return source.kind == ValueSource::Kind::kColumn;
  };
  // Criteria on columns would name a second one; on the field alone, every block is read.
  const bool is_enough = context_.limits.use_bounds && aggregation.has_value() &&
                         plan.columns.size() <= 1 &&
                         std::none_of(plan.group_by.begin(), plan.group_by.end(), is_column) &&
                         std::none_of(plan.tags.begin(), plan.tags.end(), is_column);
  if (!is_enough) return ScanRequest::Unread::kNone;
  const bool is_sum = aggregation->function == AggregationFunction::kSum ||
                      aggregation->function == AggregationFunction::kMean;
  // Headers have no sums of floats: these depend on the order in which they are added up.
  return is_sum && context_.plan.aggregated_type == ColumnType::kFloat64
             ? ScanRequest::Unread::kForColumns
             : ScanRequest::Unread::kForBounds;
}

Result<> GroupTable::AcceptBlock(const SeriesBlock& block) {
  RETURN_IF_ERROR(AssignEntity(block.key));
  ASSIGN_OR_RETURN(const size_t number, GroupOf(block.source.plan, {}, 0));
  Group& group = groups_[number];
  rows_seen_ += block.run.header().rows;
  RETURN_IF_ERROR(KeepFirst(group, block));
  return FoldBlock(group.accumulator, block);
}

Result<> GroupTable::FoldBlock(Accumulator& accumulator, const SeriesBlock& block) {
  const MeasureGroupPlan& plan = block.source.plan;
  if (plan.aggregated.kind != ValueSource::Kind::kColumn) return Ok();
  const AggregationFunction function = context_.plan.aggregation->function;
  const BlockColumn* const column =
      block.run.header().FindColumn(plan.columns[plan.aggregated.index].id);
  if (column == nullptr || AccumulateBounds(accumulator, function, *column)) return Ok();
  ASSIGN_OR_RETURN(const ColumnValues values, block.ReadColumn(*column));
  Accumulate(accumulator, function, values, 0, values.rows(), nullptr);
  return Ok();
}

// Rows that were the first of their group until an earlier one came.
void GroupTable::DropReplaced(uint32_t number) {
  if (replaced_[number] <= firsts_[number].rows() / 2) return;
  RowStore before = std::exchange(firsts_[number], RowStore(firsts_[number].plan()));
  before.FinishEntities();
  RowStore& after = firsts_[number];
  for (Group& group : groups_) {
    if (group.first.store != number) continue;
    const uint32_t row = group.first.row;
    group.first.row = static_cast<uint32_t>(after.rows());
    after.AppendFrom(before, row);
    const std::string_view key = before.FindEntity(before.series(row));
    if (!key.empty()) after.AddEntity(before.series(row), key);
  }
  replaced_[number] = 0;
  size_t bytes = 0;
  for (const RowStore& store : firsts_) bytes += store.MemoryBytes();
  firsts_charge_.ShrinkTo(2 * bytes);
}

void GroupTable::Finish() {
  for (RowStore& store : firsts_) store.FinishEntities();
}

// What top orders by.
NumberOrder GroupTable::OrderOfGroup(const Group& group) const {
  const MeasurePlanDetail& plan = context_.plan;
  const bool descending = plan.top->order != SortOrder::kAscending;
  if (plan.aggregation.has_value()) {
    return OrderOf(ValueOf(group), descending);
  }
  const RowStore& store = firsts_[group.first.store];
  const ValueSource& top = store.plan().top;
  const bool has_column = top.kind == ValueSource::Kind::kColumn;
  return OrderOf(has_column ? &store.column(top.index) : nullptr, group.first.row, descending);
}

TagValue GroupTable::ValueOf(const Group& group) const {
  return ficus::Finish(group.accumulator, context_.plan.aggregation->function,
                       context_.plan.aggregated_type);
}

// The first `wanted` groups of the answer.
std::vector<GroupTable::Place> GroupTable::Places(size_t wanted) const {
  std::vector<Place> places;
  places.reserve(groups_.size());
  for (size_t i = 0; i < groups_.size(); ++i) {
    Place place{{}, groups_[i].first_time, groups_[i].first_series, i};
    if (context_.plan.top.has_value()) place.field = OrderOfGroup(groups_[i]);
    places.push_back(place);
  }
  if (wanted < places.size() / 4) {
    std::partial_sort(places.begin(), places.begin() + static_cast<ptrdiff_t>(wanted),
                      places.end());
  } else {
    std::sort(places.begin(), places.end());
  }
  places.resize(wanted);
  return places;
}

Result<> GroupTable::Write(AnswerWriter& writer) const {
  const MeasurePlanDetail& plan = context_.plan;
  MemoryCharge charge(context_.ledger());
  RETURN_IF_ERROR(charge.Grow(groups_.size() * sizeof(Place)));
  uint64_t wanted = std::min<uint64_t>(groups_.size(), writer.wanted());
  if (plan.top.has_value()) wanted = std::min(wanted, static_cast<uint64_t>(plan.top->number));
  const std::vector<Place> places = Places(static_cast<size_t>(wanted));
  RowRange range = writer.Take(places.size());
  while (range.begin < range.end) {
    size_t bytes = 0;
    const size_t end = EndOfBatch(places, range, bytes);
    RETURN_IF_ERROR(writer.Send(bytes, [&](MeasureRowBatch& batch) {
      return FillBatch(places, {range.begin, end}, batch);
    }));
    range.begin = end;
  }
  return Ok();
}

size_t GroupTable::EndOfBatch(const std::vector<Place>& places, RowRange range,
                              size_t& bytes) const {
  const size_t rows_end = std::min(range.end, range.begin + kMeasureRowBatchMax);
  const uint32_t number = groups_[places[range.begin].group].first.store;
  size_t at = range.begin;
  for (; at < rows_end && bytes < kAnswerBatchBytesMax; ++at) {
    const StoredRow& first = groups_[places[at].group].first;
    if (context_.plan.types_differ && first.store != number) break;
    bytes += 2 * sizeof(uint64_t);
    if (!ShowsFirsts()) continue;
    bytes += AnswerBuilder::BytesOf(firsts_[first.store], {first.row, size_t{first.row} + 1});
  }
  return at;
}

Result<> GroupTable::FillBatch(const std::vector<Place>& places, RowRange range,
                               MeasureRowBatch& batch) const {
  const MeasurePlanDetail& plan = context_.plan;
  AnswerTypes types = plan.groups[groups_[places[range.begin].group].first.store].types;
  if (plan.aggregation.has_value()) types.fields = {plan.aggregated_type};
  AnswerBuilder builder(plan, types, batch);
  for (size_t at = range.begin; at < range.end; ++at) {
    const Group& group = groups_[places[at].group];
    const RowRange row{group.first.row, size_t{group.first.row} + 1};
    if (!plan.aggregation.has_value()) {
      RETURN_IF_ERROR(builder.Append(firsts_[group.first.store], row));
      continue;
    }
    AppendValue(batch.fields.front().values, ValueOf(group));
    if (ShowsFirsts()) {
      RETURN_IF_ERROR(builder.AppendTags(firsts_[group.first.store], row));
    } else {
      ++batch.rows;
    }
  }
  return Ok();
}

}  // namespace ficus
