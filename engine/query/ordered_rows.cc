#include "engine/query/ordered_rows.h"

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "engine/base/check.h"

namespace ficus {
namespace {

// Fewer rows than this are kept beyond sort_bytes, so that each pass gets somewhere.
constexpr size_t kRowsMin = 256;
// The cells of one column are addressed by 32 bits.
constexpr size_t kBytesMax = size_t{1} << 30;

}  // namespace

OrderedRows::OrderedRows(const QueryContext& context)
    : context_(context),
      bytes_max_(std::min(context.limits.sort_bytes, kBytesMax)),
      few_bytes_max_(std::min(context.limits.few_rows_bytes_max, kBytesMax)),
      charge_(context.ledger()) {}

void OrderedRows::BeginPass(uint64_t wanted, std::optional<OrderKey> after) {
  CHECK(wanted > 0);
  wanted_ = wanted;
  after_ = after;
  bound_.reset();
  incomplete_ = false;
  rows_seen_ = 0;
  stores_.clear();
  runs_.clear();
  rows_ = 0;
  order_.clear();
  open_stores_.clear();
  charge_.ShrinkTo(0);
}

uint32_t OrderedRows::StoreOf(const ShardSource& source) {
  const auto [found, added] =
      open_stores_.try_emplace(&source, static_cast<uint32_t>(stores_.size()));
  if (added) stores_.emplace_back(source.plan);
  return found->second;
}

// `top` is null where the row has no such field, or nothing is ordered by one.
OrderKey OrderedRows::KeyOf(const ColumnValues* top, size_t row, UnixNanos time,
                            SeriesId series) const {
  OrderKey key;
  if (context_.plan.top.has_value()) {
    key.field = OrderOf(top, row, context_.plan.top->order != SortOrder::kAscending);
  }
  key.time = OrderOfTime(time, context_.plan.descending);
  key.series = series.value();
  return key;
}

OrderKey OrderedRows::KeyOf(const StoredRow& place) const {
  const RowStore& store = stores_[place.store];
  const ValueSource& top = store.plan().top;
  const ColumnValues* column =
      top.kind == ValueSource::Kind::kColumn ? &store.column(top.index) : nullptr;
  return KeyOf(column, place.row, store.timestamp(place.row), store.series(place.row));
}

OrderKey OrderedRows::KeyOf(const SeriesRows& rows, size_t row) const {
  const ValueSource& top = rows.source.plan.top;
  const ColumnValues* column =
      top.kind == ValueSource::Kind::kColumn ? rows.columns[top.index] : nullptr;
  return KeyOf(column, row, rows.batch.timestamps[row], rows.series);
}

bool OrderedRows::IsInBounds(const OrderKey& key) const {
  return (!after_.has_value() || key > *after_) && (!bound_.has_value() || key < *bound_);
}

void OrderedRows::PickRows(const SeriesRows& rows) {
  picked_.clear();
  picked_rows_ = 0;
  const bool is_bounded = after_.has_value() || bound_.has_value();
  if (rows.matches == nullptr && !is_bounded) {
    picked_.push_back({rows.begin, rows.end});
    picked_rows_ = rows.end - rows.begin;
    return;
  }
  for (size_t row = rows.begin; row < rows.end; ++row) {
    if (rows.matches != nullptr && rows.matches[row - rows.begin] == 0) continue;
    if (is_bounded && !IsInBounds(KeyOf(rows, row))) continue;
    ++picked_rows_;
    if (!picked_.empty() && picked_.back().end == row) {
      ++picked_.back().end;
    } else {
      picked_.push_back({row, row + 1});
    }
  }
}

Result<> OrderedRows::Accept(const SeriesRows& rows) {
  const size_t count = rows.end - rows.begin;
  rows_seen_ += rows.matches == nullptr
                    ? count
                    : static_cast<uint64_t>(std::count(rows.matches, rows.matches + count, 1));
  PickRows(rows);
  if (picked_rows_ == 0) return Ok();
  const std::optional<OrderKey> bound = bound_;
  RETURN_IF_ERROR(MakeRoom(BytesOf(rows)));
  // Making room may have lowered the bound below rows that were picked.
  if (bound_ != bound) {
    PickRows(rows);
    if (picked_rows_ == 0) return Ok();
  }
  Append(rows);
  // Selecting only now and then makes it cheap per row.
  if (rows_ >= kRowsMin && rows_ / 2 >= wanted_) Compact(wanted_);
  return Ok();
}

Result<> OrderedRows::AcceptBlock(const SeriesBlock&) {
  CHECK(false) << "rows are put into order one by one";
  return Ok();
}

ScanRequest::Unread OrderedRows::WantedUnread(const MeasureGroupPlan&) const {
  return ScanRequest::Unread::kNone;
}

size_t OrderedRows::BytesOf(const SeriesRows& rows) const {
  size_t bytes = picked_rows_ * (sizeof(Keyed) + sizeof(StoredRow)) + picked_.size() * sizeof(Run);
  for (const RowRange& range : picked_) bytes += RowStore::BytesOf(rows, range);
  return 2 * bytes;  // vectors grow by doubling
}

// Room for `bytes` more: by forgetting the later half of the rows when there is none.
Result<> OrderedRows::MakeRoom(size_t bytes) {
  if (charge_.used() + bytes > bytes_max_ && rows_ >= kRowsMin) Compact(rows_ / 2);
  while (charge_.used() + bytes > few_bytes_max_ && rows_ > 1) Compact(rows_ / 2);
  if (charge_.used() + bytes > few_bytes_max_) {
    return Error{ErrorCode::kResourceExhausted, "the rows of one series take more than " +
                                                    std::to_string(few_bytes_max_) +
                                                    " bytes while they are put into order"};
  }
  Result<> grown = charge_.Grow(bytes);
  while (!grown.has_value() && rows_ >= kRowsMin) {
    Compact(rows_ / 2);
    grown = charge_.Grow(bytes);
  }
  return grown;
}

void OrderedRows::Append(const SeriesRows& rows) {
  const uint32_t number = StoreOf(rows.source);
  RowStore& store = stores_[number];
  for (const RowRange& range : picked_) {
    const auto begin = static_cast<uint32_t>(store.rows());
    store.Append(rows, range);
    AddToRuns({number, begin, static_cast<uint32_t>(store.rows())});
  }
}

// Within a store rows ascend by series and time, so that rows of one series side by side are a run.
void OrderedRows::AddToRuns(const Run& added) {
  rows_ += added.end - added.begin;
  if (!runs_.empty()) {
    Run& last = runs_.back();
    const RowStore& store = stores_[added.store];
    if (last.store == added.store && last.end == added.begin &&
        store.series(last.begin) == store.series(added.begin)) {
      last.end = added.end;
      return;
    }
  }
  runs_.push_back(added);
}

std::vector<OrderedRows::Keyed> OrderedRows::Keys() const {
  std::vector<Keyed> keyed;
  keyed.reserve(rows_);
  for (const Run& run : runs_) {
    for (uint32_t row = run.begin; row < run.end; ++row) {
      const StoredRow place{run.store, row};
      keyed.push_back({KeyOf(place), place});
    }
  }
  return keyed;
}

void OrderedRows::Compact(size_t count) {
  if (count >= rows_) return;
  std::vector<Keyed> keyed = Keys();
  const auto middle = keyed.begin() + static_cast<ptrdiff_t>(count);
  std::nth_element(keyed.begin(), middle - 1, keyed.end(),
                   [](const Keyed& a, const Keyed& b) { return a.key < b.key; });
  incomplete_ = incomplete_ || count < wanted_;
  // Nothing after the last row kept is of use: any key above it. Keys are distinct.
  bound_ = (middle - 1)->key;
  keyed.erase(middle, keyed.end());
  std::sort(keyed.begin(), keyed.end(),
            [](const Keyed& a, const Keyed& b) { return a.row < b.row; });
  KeepOnly(keyed);
}

// Writes the stores anew without the rows that went; `keyed` ascends by place.
void OrderedRows::KeepOnly(const std::vector<Keyed>& keyed) {
  std::vector<RowStore> before = std::exchange(stores_, {});
  for (const RowStore& store : before) {
    stores_.emplace_back(store.plan());
    stores_.back().CopyEntities(store);
  }
  runs_.clear();
  rows_ = 0;
  for (const Keyed& kept : keyed) {
    RowStore& store = stores_[kept.row.store];
    const auto row = static_cast<uint32_t>(store.rows());
    store.AppendFrom(before[kept.row.store], kept.row.row);
    AddToRuns({kept.row.store, row, row + 1});
  }
  size_t bytes = rows_ * (sizeof(Keyed) + sizeof(StoredRow)) + runs_.size() * sizeof(Run);
  for (const RowStore& store : stores_) bytes += store.MemoryBytes();
  charge_.ShrinkTo(2 * bytes);
}

Result<> OrderedRows::EndSource(const ShardSource& source) {
  const auto open = open_stores_.find(&source);
  if (open == open_stores_.end()) return Ok();
  const uint32_t number = open->second;
  open_stores_.erase(open);
  if (!context_.plan.needs_entity_for_tags) return Ok();

  std::vector<SeriesId> series;
  for (const Run& run : runs_) {
    if (run.store == number) series.push_back(stores_[number].series(run.begin));
  }
  std::sort(series.begin(), series.end());
  series.erase(std::unique(series.begin(), series.end()), series.end());
  RowStore& store = stores_[number];
  Result<> outcome;
  const auto add = [&](SeriesId id, std::string_view key) {
    outcome = charge_.Grow(2 * RowStore::EntityBytes(key));
    if (!outcome.has_value()) return false;
    store.AddEntity(id, key);
    return true;
  };
  if (source.selection.method() == SeriesSelection::Method::kEverySeries) {
    RETURN_IF_ERROR(source.snapshot->LookupSeries(source.plan.measure->subject_id, series, add,
                                                  &context_.ledger()));
  } else {
    size_t hint = 0;
    for (const SeriesId id : series) {
      const SeriesSelection::Found found = source.selection.Find(id, hint);
      if (found.found && !add(id, found.key)) break;
    }
  }
  store.FinishEntities();
  return outcome;
}

Result<> OrderedRows::FinishPass() {
  if (rows_ > wanted_) Compact(wanted_);
  if (!OrderByRuns()) OrderByKeys();
  // A row that another pass would bring is not missed when enough are here.
  if (rows_ >= wanted_) incomplete_ = false;
  return Ok();
}

// One run after another is the order where their times do not overlap: always for one series.
bool OrderedRows::OrderByRuns() {
  if (context_.plan.top.has_value()) return false;
  const auto first = [&](const Run& run) { return stores_[run.store].timestamp(run.begin); };
  const auto last = [&](const Run& run) { return stores_[run.store].timestamp(run.end - 1); };
  std::sort(runs_.begin(), runs_.end(),
            [&](const Run& a, const Run& b) { return first(a) < first(b); });
  for (size_t i = 1; i < runs_.size(); ++i) {
    if (last(runs_[i - 1]) >= first(runs_[i])) return false;
  }
  order_.resize(rows_);
  StoredRow* place = order_.data();
  for (const Run& run : runs_) {
    for (uint32_t row = run.begin; row < run.end; ++row) *place++ = {run.store, row};
  }
  if (context_.plan.descending) std::reverse(order_.begin(), order_.end());
  return true;
}

void OrderedRows::OrderByKeys() {
  std::vector<Keyed> keyed = Keys();
  std::sort(keyed.begin(), keyed.end(),
            [](const Keyed& a, const Keyed& b) { return a.key < b.key; });
  order_.reserve(rows_);
  for (const Keyed& row : keyed) order_.push_back(row.row);
}

// One past the rows from `begin` on that follow each other in one store and are of one series.
size_t OrderedRows::EndOfStretch(size_t begin, size_t end) const {
  const StoredRow first = order_[begin];
  const RowStore& store = stores_[first.store];
  size_t next = begin + 1;
  while (next < end && order_[next].store == first.store &&
         order_[next].row == first.row + (next - begin) &&
         store.series(order_[next].row) == store.series(first.row)) {
    ++next;
  }
  return next;
}

RowRange OrderedRows::StoredRange(size_t begin, size_t end) const {
  return {order_[begin].row, order_[begin].row + (end - begin)};
}

// The stretches that the next batch is made of.
OrderedRows::BatchPlan OrderedRows::PlanBatch(RowRange range) const {
  const MeasureGroupPlan& plan = stores_[order_[range.begin].store].plan();
  BatchPlan batch;
  size_t at = range.begin;
  const size_t rows_end = std::min(range.end, range.begin + kMeasureRowBatchMax);
  while (at < rows_end && batch.bytes < kAnswerBatchBytesMax) {
    const RowStore& store = stores_[order_[at].store];
    if (context_.plan.types_differ && &store.plan() != &plan) break;
    size_t end = EndOfStretch(at, rows_end);
    size_t bytes = AnswerBuilder::BytesOf(store, StoredRange(at, end));
    while (end - at > 1 && bytes > kAnswerBatchBytesMax) {
      end = at + (end - at) / 2;
      bytes = AnswerBuilder::BytesOf(store, StoredRange(at, end));
    }
    batch.bytes += bytes;
    batch.ends.push_back(end);
    at = end;
  }
  return batch;
}

Result<> OrderedRows::Write(RowRange range, AnswerWriter& writer) const {
  while (range.begin < range.end) {
    const BatchPlan planned = PlanBatch(range);
    RETURN_IF_ERROR(writer.Send(planned.bytes, [&](MeasureRowBatch& batch) {
      return FillBatch(range.begin, planned, batch);
    }));
    range.begin = planned.ends.back();
  }
  return Ok();
}

Result<> OrderedRows::FillBatch(size_t begin, const BatchPlan& planned,
                                MeasureRowBatch& batch) const {
  AnswerBuilder builder(context_.plan, stores_[order_[begin].store].plan().types, batch);
  for (const size_t end : planned.ends) {
    RETURN_IF_ERROR(builder.Append(stores_[order_[begin].store], StoredRange(begin, end)));
    begin = end;
  }
  return Ok();
}

}  // namespace ficus
