#include "engine/query/ordered_rows.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "engine/base/check.h"

namespace ficus {
namespace {

// Fewer rows than this are always kept, so that each pass gets somewhere.
constexpr size_t kRowsMin = 256;
// The cells of one column are addressed by 32 bits.
constexpr size_t kBytesMax = size_t{1} << 30;

}  // namespace

OrderedRows::OrderedRows(const QueryContext& context)
    : context_(context),
      bytes_max_(std::min(context.limits.sort_bytes, kBytesMax)),
      charge_(context.ledger()) {}

void OrderedRows::BeginPass(uint64_t wanted, std::optional<OrderKey> after) {
  CHECK(wanted > 0);
  wanted_ = wanted;
  after_ = after;
  bound_.reset();
  incomplete_ = false;
  rows_seen_ = 0;
  kept_.clear();
  stores_.clear();
  open_stores_.clear();
  entity_bytes_ = 0;
  charge_.ShrinkTo(0);
}

OrderedRows::Store OrderedRows::EmptyStore(const MeasureGroupPlan& plan) {
  Store store(plan);
  for (const ScanColumn& column : plan.columns) store.columns.emplace_back(column.id, column.type);
  return store;
}

OrderedRows::Store& OrderedRows::StoreOf(const ShardSource& source, uint32_t& number) {
  const auto [found, added] =
      open_stores_.try_emplace(&source, static_cast<uint32_t>(stores_.size()));
  if (added) stores_.push_back(EmptyStore(source.plan));
  number = found->second;
  return stores_[number];
}

OrderKey OrderedRows::KeyOf(const SeriesRows& rows, size_t row) const {
  OrderKey key;
  if (context_.plan.top.has_value()) {
    const ValueSource& top = rows.source.plan.top;
    const ColumnValues* column =
        top.kind == ValueSource::Kind::kColumn ? rows.columns[top.index] : nullptr;
    key.field = OrderOf(column, row, context_.plan.top->order != SortOrder::kAscending);
  }
  key.time = OrderOfTime(rows.batch.timestamps[row], context_.plan.descending);
  key.series = rows.series.value();
  return key;
}

void OrderedRows::PickRows(const SeriesRows& rows) {
  picked_.clear();
  for (size_t row = rows.begin; row < rows.end; ++row) {
    if (rows.matches != nullptr && rows.matches[row - rows.begin] == 0) continue;
    ++rows_seen_;
    const OrderKey key = KeyOf(rows, row);
    if (after_.has_value() && key <= *after_) continue;
    if (bound_.has_value() && key >= *bound_) continue;
    picked_.emplace_back(key, row);
  }
}

Result<> OrderedRows::Accept(const SeriesRows& rows) {
  PickRows(rows);
  if (picked_.empty()) return Ok();
  RETURN_IF_ERROR(MakeRoom(BytesOf(rows)));
  // Making room may have lowered the bound below rows that were picked.
  if (bound_.has_value()) {
    std::erase_if(picked_, [&](const auto& row) { return row.first >= *bound_; });
    if (picked_.empty()) return Ok();
  }
  RETURN_IF_ERROR(Append(rows));
  // Selecting only now and then makes it cheap per row.
  if (kept_.size() >= kRowsMin && kept_.size() / 2 >= wanted_) Compact(wanted_);
  return Ok();
}

size_t OrderedRows::BytesOf(const SeriesRows& rows) const {
  size_t bytes = picked_.size() * (sizeof(Kept) + sizeof(int64_t));
  for (const ColumnValues* column : rows.columns) {
    bytes += picked_.size() * sizeof(uint64_t);
    if (column == nullptr || IsFixed(column->type())) continue;
    for (const auto& [key, row] : picked_) bytes += column->cell(row).size();
  }
  return 2 * bytes;  // vectors grow by doubling
}

// Room for `bytes` more: by forgetting the later half of the rows when there is none.
Result<> OrderedRows::MakeRoom(size_t bytes) {
  if (charge_.used() + bytes > bytes_max_ && kept_.size() >= kRowsMin) Compact(kept_.size() / 2);
  Result<> grown = charge_.Grow(bytes);
  while (!grown.has_value() && kept_.size() >= kRowsMin) {
    Compact(kept_.size() / 2);
    grown = charge_.Grow(bytes);
  }
  return grown;
}

Result<> OrderedRows::Append(const SeriesRows& rows) {
  uint32_t number = 0;
  Store& store = StoreOf(rows.source, number);
  const size_t first = store.versions.size();
  for (const auto& [key, row] : picked_) {
    kept_.push_back({key, number, static_cast<uint32_t>(store.versions.size())});
    store.versions.push_back(rows.batch.versions[row]);
  }
  const bool contiguous = picked_.back().second - picked_.front().second + 1 == picked_.size();
  for (size_t slot = 0; slot < store.columns.size(); ++slot) {
    ColumnValues& to = store.columns[slot];
    const ColumnValues* from = rows.columns[slot];
    if (from == nullptr) {
      to.AppendNulls(picked_.size());
    } else if (contiguous) {
      to.AppendRange(*from, picked_.front().second, picked_.back().second + 1);
    } else {
      for (const auto& [key, row] : picked_) to.AppendFrom(*from, row);
    }
  }
  CHECK(store.versions.size() - first == picked_.size());
  return Ok();
}

void OrderedRows::Compact(size_t count) {
  if (count >= kept_.size()) return;
  const auto middle = kept_.begin() + static_cast<ptrdiff_t>(count);
  std::nth_element(kept_.begin(), middle - 1, kept_.end(),
                   [](const Kept& a, const Kept& b) { return a.key < b.key; });
  incomplete_ = incomplete_ || count < wanted_;
  kept_.erase(middle, kept_.end());
  // Nothing after the last row kept is of use: any key above it. Keys are distinct.
  OrderKey bound = kept_.back().key;
  for (const Kept& kept : kept_) bound = std::max(bound, kept.key);
  bound_ = bound;

  // The stores are written anew without the rows that went.
  std::sort(kept_.begin(), kept_.end(), [](const Kept& a, const Kept& b) {
    return std::pair(a.store, a.row) < std::pair(b.store, b.row);
  });
  size_t bytes = kept_.size() * sizeof(Kept);
  std::vector<Store> stores;
  for (const Store& store : stores_) {
    stores.push_back(EmptyStore(*store.plan));
    stores.back().entities = store.entities;
    stores.back().keys = store.keys;
  }
  for (Kept& kept : kept_) {
    const Store& from = stores_[kept.store];
    Store& to = stores[kept.store];
    for (size_t slot = 0; slot < from.columns.size(); ++slot) {
      to.columns[slot].AppendFrom(from.columns[slot], kept.row);
    }
    to.versions.push_back(from.versions[kept.row]);
    kept.row = static_cast<uint32_t>(to.versions.size() - 1);
  }
  stores_ = std::move(stores);
  for (const Store& store : stores_) {
    bytes += store.versions.size() * sizeof(int64_t);
    for (const ColumnValues& column : store.columns) bytes += column.MemoryBytes();
  }
  charge_.ShrinkTo(2 * bytes + entity_bytes_);
}

Result<> OrderedRows::EndSource(const ShardSource& source) {
  const auto open = open_stores_.find(&source);
  if (open == open_stores_.end()) return Ok();
  const uint32_t number = open->second;
  open_stores_.erase(open);
  if (!context_.plan.needs_entity_for_tags) return Ok();

  std::vector<SeriesId> series;
  for (const Kept& kept : kept_) {
    if (kept.store == number) series.emplace_back(kept.key.series);
  }
  std::sort(series.begin(), series.end());
  series.erase(std::unique(series.begin(), series.end()), series.end());
  Store& store = stores_[number];
  Result<> outcome;
  const auto add = [&](SeriesId id, std::string_view key) {
    const size_t bytes = 2 * (key.size() + sizeof(Store::Entity));
    outcome = charge_.Grow(bytes);
    if (!outcome.has_value()) return false;
    entity_bytes_ += bytes;
    store.entities.push_back({id.value(), store.keys.size(), key.size()});
    store.keys.append(key);
    return true;
  };
  if (source.selection.method() == SeriesSelection::Method::kEverySeries) {
    RETURN_IF_ERROR(source.snapshot->LookupSeries(source.plan.measure->subject_id, series, add));
    RETURN_IF_ERROR(outcome);
    std::sort(store.entities.begin(), store.entities.end(),
              [](const Store::Entity& a, const Store::Entity& b) { return a.series < b.series; });
    return Ok();
  }
  size_t hint = 0;
  for (const SeriesId id : series) {
    const SeriesSelection::Found found = source.selection.Find(id, hint);
    if (found.found && !add(id, found.key)) break;
  }
  return outcome;
}

Result<> OrderedRows::FinishPass() {
  if (kept_.size() > wanted_) Compact(wanted_);
  std::sort(kept_.begin(), kept_.end(), [](const Kept& a, const Kept& b) { return a.key < b.key; });
  // A row that another pass would bring is not missed when enough are here.
  if (kept_.size() >= wanted_) incomplete_ = false;
  return Ok();
}

Result<bool> OrderedRows::FindEntity(const Kept& kept, EntityView& entity) const {
  const Store& store = stores_[kept.store];
  const auto found =
      std::lower_bound(store.entities.begin(), store.entities.end(), kept.key.series,
                       [](const Store::Entity& a, uint64_t series) { return a.series < series; });
  if (found == store.entities.end() || found->series != kept.key.series) return false;
  RETURN_IF_ERROR(entity.Assign(std::string_view(store.keys).substr(found->offset, found->bytes)));
  return true;
}

Result<> OrderedRows::Write(size_t index, AnswerWriter& writer) const {
  const Kept& kept = kept_[index];
  const Store& store = stores_[kept.store];
  std::vector<const ColumnValues*> columns;
  for (const ColumnValues& column : store.columns) columns.push_back(&column);
  EntityView entity;
  ASSIGN_OR_RETURN(const bool known, FindEntity(kept, entity));
  const EntityView* entity_or_null = known ? &entity : nullptr;
  const size_t bytes = ValueBytes(store.plan->tags, columns, kept.row, entity_or_null) +
                       ValueBytes(store.plan->fields, columns, kept.row, entity_or_null);
  return writer.Add(bytes, [&]() -> Result<MeasureRow> {
    MeasureRow row;
    row.timestamp = TimeOfOrder(kept.key.time, context_.plan.descending);
    row.series = SeriesId(kept.key.series);
    row.version = store.versions[kept.row];
    ASSIGN_OR_RETURN(row.tags, ReadValues(store.plan->tags, columns, kept.row, entity_or_null));
    ASSIGN_OR_RETURN(row.fields, ReadValues(store.plan->fields, columns, kept.row, entity_or_null));
    return row;
  });
}

}  // namespace ficus
