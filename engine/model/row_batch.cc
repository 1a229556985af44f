#include "engine/model/row_batch.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "engine/base/check.h"
#include "engine/model/series_buckets.h"

namespace ficus {
namespace {

// True when row `a` comes before row `b`; rows that agree in everything are not before each other.
bool Before(const RowBatch& batch, size_t a, size_t b) {
  if (batch.series[a] != batch.series[b]) return batch.series[a] < batch.series[b];
  if (batch.timestamps[a] != batch.timestamps[b]) return batch.timestamps[a] < batch.timestamps[b];
  return batch.versions[a] > batch.versions[b];
}

// A row in the middle of sorting.
struct Slot {
  uint64_t series;
  uint32_t row;
};

bool SlotBefore(const RowBatch& batch, const Slot& a, const Slot& b) {
  if (a.series != b.series) return a.series < b.series;
  if (batch.timestamps[a.row] != batch.timestamps[b.row])
    return batch.timestamps[a.row] < batch.timestamps[b.row];
  if (batch.versions[a.row] != batch.versions[b.row])
    return batch.versions[a.row] > batch.versions[b.row];
  return a.row < b.row;
}

SeriesBuckets<Slot> Distribute(const RowBatch& batch) {
  const auto [low, high] = std::minmax_element(batch.series.begin(), batch.series.end());
  SeriesBuckets<Slot> buckets;
  const auto series_of = [&](size_t row) { return batch.series[row].value(); };
  Distribute(
      batch.rows(), low->value(), high->value(), series_of,
      [&](size_t row) {
        return Slot{series_of(row), static_cast<uint32_t>(row)};
      },
      buckets);
  return buckets;
}

// Insertion sort as long as few slots are out of place, a full sort otherwise.
void SortBucket(const RowBatch& batch, Slot* begin, Slot* end) {
  const auto before = [&](const Slot& a, const Slot& b) { return SlotBefore(batch, a, b); };
  ptrdiff_t moves_left = 8 * (end - begin);
  for (Slot* next = begin + 1; next < end; ++next) {
    const Slot slot = *next;
    Slot* hole = next;
    for (; hole > begin && before(slot, hole[-1]); --hole) *hole = hole[-1];
    *hole = slot;
    moves_left -= next - hole;
    if (moves_left < 0) {
      std::sort(begin, end, before);
      return;
    }
  }
}

template <typename T>
std::vector<T> Gather(const std::vector<T>& from, const std::vector<uint32_t>& order) {
  std::vector<T> to;
  to.reserve(order.size());
  for (const uint32_t row : order) to.push_back(from[row]);
  return to;
}

Validity GatherValidity(const ColumnValues& from, const std::vector<uint32_t>& order) {
  Validity validity;
  if (from.validity().all_valid()) return validity;
  std::vector<uint64_t> words((order.size() + 63) / 64);
  for (size_t i = 0; i < order.size(); ++i) {
    words[i / 64] |= uint64_t{from.validity().IsValid(order[i])} << (i % 64);
  }
  validity.Assign(std::move(words));
  return validity;
}

ColumnValues GatherWords(const ColumnValues& from, const std::vector<uint32_t>& order) {
  std::vector<uint64_t> words(order.size());
  const uint64_t* source = from.words().data();
  for (size_t i = 0; i < order.size(); ++i) words[i] = source[order[i]];
  return ColumnValues::FromWords(from.id(), from.type(), GatherValidity(from, order),
                                 std::move(words));
}

ColumnValues GatherCells(const ColumnValues& from, const std::vector<uint32_t>& order) {
  std::vector<uint32_t> offsets(order.empty() ? 0 : order.size() + 1);
  uint64_t size = 0;
  for (size_t i = 0; i < order.size(); ++i) {
    size += from.cell(order[i]).size();
    CHECK(size <= UINT32_MAX) << "more than 4 GiB in the cells of one column";
    offsets[i + 1] = static_cast<uint32_t>(size);
  }
  std::string bytes;
  bytes.reserve(size);
  for (const uint32_t row : order) bytes.append(from.cell(row));
  return ColumnValues::FromCells(from.id(), from.type(), GatherValidity(from, order),
                                 std::move(offsets), std::move(bytes));
}

std::vector<uint32_t> WithoutLosers(const RowBatch& batch, const std::vector<uint32_t>& order) {
  std::vector<uint32_t> winners;
  winners.reserve(order.size());
  for (const uint32_t row : order) {
    if (!winners.empty() && batch.series[winners.back()] == batch.series[row] &&
        batch.timestamps[winners.back()] == batch.timestamps[row]) {
      continue;
    }
    winners.push_back(row);
  }
  return winners;
}

// The place of column `id` in `columns`, or where it belongs.
template <typename Columns>
auto PlaceOf(Columns& columns, ColumnId id) {
  return std::lower_bound(
      columns.begin(), columns.end(), id,
      [](const ColumnValues& column, ColumnId wanted) { return column.id() < wanted; });
}

}  // namespace

const ColumnValues* RowBatch::FindColumn(ColumnId id) const {
  const auto place = PlaceOf(columns, id);
  return place != columns.end() && place->id() == id ? &*place : nullptr;
}

TimeRange RowBatch::Times() const {
  if (timestamps.empty()) return {};
  const auto [first, last] = std::minmax_element(timestamps.begin(), timestamps.end());
  return {*first, *last == std::numeric_limits<UnixNanos>::max() ? *last : *last + 1};
}

size_t MemoryBytes(const std::vector<SeriesEntry>& entries) {
  size_t bytes = entries.capacity() * sizeof(SeriesEntry);
  for (const SeriesEntry& entry : entries) bytes += entry.entity.capacity();
  return bytes;
}

size_t RowBatch::MemoryBytes() const {
  size_t bytes = sizeof *this + series.capacity() * sizeof(SeriesId) +
                 timestamps.capacity() * sizeof(UnixNanos) + versions.capacity() * sizeof(int64_t) +
                 tombstones.capacity() / 8;
  for (const ColumnValues& column : columns) bytes += column.MemoryBytes();
  return bytes;
}

std::vector<uint32_t> SortedOrder(const RowBatch& batch) {
  CHECK(batch.rows() <= UINT32_MAX) << batch.rows() << " rows in one batch";
  std::vector<uint32_t> order(batch.rows());
  if (IsSorted(batch)) {
    std::iota(order.begin(), order.end(), 0u);
    return order;
  }
  SeriesBuckets<Slot> buckets = Distribute(batch);
  uint32_t begin = 0;
  for (const uint32_t end : buckets.ends) {
    if (end - begin > 1) SortBucket(batch, &buckets.slots[begin], buckets.slots.data() + end);
    begin = end;
  }
  for (size_t i = 0; i < order.size(); ++i) order[i] = buckets.slots[i].row;
  return order;
}

bool IsSorted(const RowBatch& batch) {
  for (size_t row = 1; row < batch.rows(); ++row) {
    if (Before(batch, row, row - 1)) return false;
  }
  return true;
}

RowBatch Reordered(const RowBatch& batch, const std::vector<uint32_t>& order,
                   bool keep_winners_only) {
  if (keep_winners_only) return Reordered(batch, WithoutLosers(batch, order), false);
  RowBatch result;
  result.subject = batch.subject;
  result.series = Gather(batch.series, order);
  result.timestamps = Gather(batch.timestamps, order);
  result.versions = Gather(batch.versions, order);
  if (!batch.tombstones.empty()) result.tombstones = Gather(batch.tombstones, order);
  result.columns.reserve(batch.columns.size());
  for (const ColumnValues& column : batch.columns) {
    result.columns.push_back(IsFixed(column.type()) ? GatherWords(column, order)
                                                    : GatherCells(column, order));
  }
  return result;
}

void AppendRow(RowBatch& to, const RowBatch& from, size_t row) {
  const size_t rows = to.rows();
  to.series.push_back(from.series[row]);
  to.timestamps.push_back(from.timestamps[row]);
  to.versions.push_back(from.versions[row]);
  if (from.IsTombstone(row) || !to.tombstones.empty()) {
    to.tombstones.resize(rows);
    to.tombstones.push_back(from.IsTombstone(row));
  }
  for (const ColumnValues& column : from.columns) {
    auto place = PlaceOf(to.columns, column.id());
    if (place == to.columns.end() || place->id() != column.id()) {
      place = to.columns.insert(place, ColumnValues(column.id(), column.type()));
      place->AppendNulls(rows);
    }
    CHECK(place->type() == column.type()) << "column " << column.id();
    place->AppendFrom(column, row);
  }
  for (ColumnValues& column : to.columns) {
    if (column.rows() == rows) column.AppendNull();
  }
}

}  // namespace ficus
