#include "engine/part/mem_part.h"

#include <algorithm>
#include <map>
#include <utility>

#include "engine/base/check.h"
#include "engine/part/block_header.h"
#include "engine/part/primary_index.h"
#include "engine/part/row_range.h"
#include "engine/part/run_memory.h"

namespace ficus {
namespace {

SeriesKey KeyOf(const SeriesEntry& entry) { return {entry.subject, entry.series}; }

class SortedMemPart final : public MemPart, public std::enable_shared_from_this<SortedMemPart> {
 public:
  // `batches` are sorted, without losers, ascending by subject, none empty.
  SortedMemPart(std::vector<RowBatch> batches, std::vector<SeriesEntry> entries, LogPosition first,
                LogPosition last, int64_t created_monotonic, MemoryReservation reservation)
      : batches_(std::move(batches)),
        entries_(std::move(entries)),
        first_(first),
        last_(last),
        created_monotonic_(created_monotonic),
        reservation_(std::move(reservation)) {
    for (const RowBatch& batch : batches_) Count(batch);
    for (const SeriesEntry& entry : entries_) {
      memory_bytes_ += sizeof entry + entry.entity.capacity();
    }
  }

  LogPosition first_position() const override { return first_; }
  LogPosition last_position() const override { return last_; }
  int64_t created_monotonic() const override { return created_monotonic_; }
  size_t rows() const override { return rows_; }
  size_t memory_bytes() const override { return memory_bytes_; }
  TimeRange times() const override { return times_; }
  const std::vector<RowBatch>& batches() const override { return batches_; }
  const std::vector<SeriesEntry>& entries() const override { return entries_; }
  bool MayContain(const ScanRequest& request) const override;
  std::unique_ptr<RowCursor> Scan(ScanRequest request, MemoryLedger& ledger) const override;

 private:
  void Count(const RowBatch& batch) {
    times_ = rows_ == 0 ? batch.Times()
                        : TimeRange{std::min(times_.begin, batch.Times().begin),
                                    std::max(times_.end, batch.Times().end)};
    rows_ += batch.rows();
    memory_bytes_ += batch.MemoryBytes();
  }

  const RowBatch* FindBatch(SubjectId subject) const {
    const auto found = std::lower_bound(
        batches_.begin(), batches_.end(), subject,
        [](const RowBatch& batch, SubjectId wanted) { return batch.subject < wanted; });
    return found != batches_.end() && found->subject == subject ? &*found : nullptr;
  }

  const std::vector<RowBatch> batches_;
  const std::vector<SeriesEntry> entries_;
  const LogPosition first_;
  const LogPosition last_;
  const int64_t created_monotonic_;
  const MemoryReservation reservation_;
  size_t rows_ = 0;
  size_t memory_bytes_ = sizeof(SortedMemPart);
  TimeRange times_;
};

// Copies the rows that the request wants, a run at a time.
class MemScan final : public RowCursor {
 public:
  // `batch` belongs to `part`; null: no rows.
  MemScan(std::shared_ptr<const MemPart> part, const RowBatch* batch, ScanRequest request,
          MemoryLedger& ledger)
      : part_(std::move(part)), batch_(batch), request_(std::move(request)), memory_(ledger) {
    if (batch_ != nullptr) FindCells();
  }

  Result<bool> Next(RowBatch& rows) override {
    ClearRows(rows);
    rows.subject = request_.subject;
    size_t cell_bytes = 0;
    while (batch_ != nullptr && rows.rows() < kRunRowsTarget && cell_bytes < kRunCellBytesTarget) {
      const RowRange range = TakeRange(kRunRowsTarget - rows.rows(), cell_bytes);
      if (range.rows() == 0) break;
      cell_bytes += CellBytesOf(range);
      if (!memory_.Covers(cell_bytes)) RETURN_IF_ERROR(memory_.Cover(cell_bytes));
      RETURN_IF_ERROR(AppendRows(rows, *batch_, range, request_.columns));
    }
    cost_.rows_read += rows.rows();
    return rows.rows() > 0;
  }

  const ScanCost& cost() const override { return cost_; }

 private:
  static constexpr size_t kRunRowsTarget = 2048;
  static_assert(kRunRowsTarget <= kBlockRowsMax);

  void FindCells() {
    for (const ColumnValues& column : batch_->columns) {
      const bool wanted =
          std::binary_search(request_.columns.begin(), request_.columns.end(), column.id());
      if (wanted && !IsFixed(column.type())) cells_.push_back(&column);
    }
  }

  size_t CellBytesOf(RowRange range) const {
    size_t bytes = 0;
    for (const ColumnValues* column : cells_) {
      bytes += column->offsets()[range.end] - column->offsets()[range.begin];
    }
    return bytes;
  }

  // How many rows of `range` fit into a run with cells of `bytes`: at least one.
  size_t Fitting(RowRange range, size_t bytes) const {
    if (bytes + CellBytesOf(range) <= kRunCellBytesTarget) return range.rows();
    size_t fitting = 1;
    for (size_t beyond = range.rows(); beyond - fitting > 1;) {
      const size_t middle = fitting + (beyond - fitting) / 2;
      const bool fits =
          bytes + CellBytesOf({range.begin, range.begin + middle}) <= kRunCellBytesTarget;
      (fits ? fitting : beyond) = middle;
    }
    return fitting;
  }

  // The next rows of a run with cells of `bytes`; empty at the end.
  RowRange TakeRange(size_t rows_max, size_t bytes) {
    if (rest_.rows() == 0) rest_ = NextRange(rows_max);
    RowRange range = {rest_.begin, std::min(rest_.end, rest_.begin + rows_max)};
    if (range.rows() > 1) range.end = range.begin + Fitting(range, bytes);
    rest_.begin = range.end;
    return range;
  }

  // The next rows that are wanted and lie side by side, at most `rows_max`.
  RowRange NextRange(size_t rows_max) {
    RowRange range = {at_, at_};
    while (range.rows() < rows_max) {
      if (at_ == series_end_ && !FindSeries()) break;
      // Within a series the wanted times are one run.
      if (range.rows() > 0 && range.end != at_) break;
      const size_t count = std::min(series_end_ - at_, rows_max - range.rows());
      if (range.rows() == 0) range.begin = at_;
      at_ += count;
      range.end = at_;
    }
    return range;
  }

  // Moves [at_, series_end_) to the wanted rows of the next wanted series; false at the end.
  bool FindSeries() {
    const std::vector<SeriesId>& ids = batch_->series;
    while (next_row_ < ids.size()) {
      size_t begin = next_row_;
      if (!request_.all_series) {
        wanted_ = static_cast<size_t>(
            std::lower_bound(request_.series.begin() + static_cast<ptrdiff_t>(wanted_),
                             request_.series.end(), ids[begin]) -
            request_.series.begin());
        if (wanted_ == request_.series.size()) break;
        begin = LowerBound(begin, request_.series[wanted_]);
        if (begin == ids.size()) break;
      }
      next_row_ = UpperBound(begin);
      if (!request_.all_series && ids[begin] != request_.series[wanted_]) {
        next_row_ = begin;
        continue;
      }
      const auto times = batch_->timestamps.begin();
      const auto first =
          std::lower_bound(times + static_cast<ptrdiff_t>(begin),
                           times + static_cast<ptrdiff_t>(next_row_), request_.times.begin);
      const auto last =
          std::lower_bound(first, times + static_cast<ptrdiff_t>(next_row_), request_.times.end);
      if (first == last) continue;
      at_ = static_cast<size_t>(first - times);
      series_end_ = static_cast<size_t>(last - times);
      return true;
    }
    next_row_ = ids.size();
    return false;
  }

  size_t LowerBound(size_t from, SeriesId series) const {
    const auto& ids = batch_->series;
    return static_cast<size_t>(
        std::lower_bound(ids.begin() + static_cast<ptrdiff_t>(from), ids.end(), series) -
        ids.begin());
  }
  // The end of the series that row `from` belongs to; most are short.
  size_t UpperBound(size_t from) const {
    const auto& ids = batch_->series;
    size_t end = from + 1;
    size_t step = 1;
    while (end + step < ids.size() && ids[end + step] == ids[from]) {
      end += step;
      step *= 2;
    }
    const size_t beyond = std::min(end + step, ids.size());
    return static_cast<size_t>(std::upper_bound(ids.begin() + static_cast<ptrdiff_t>(end),
                                                ids.begin() + static_cast<ptrdiff_t>(beyond),
                                                ids[from]) -
                               ids.begin());
  }

  const std::shared_ptr<const MemPart> part_;
  const RowBatch* const batch_;
  const ScanRequest request_;
  std::vector<const ColumnValues*> cells_;  // columns of cells that are wanted
  RunMemory memory_;
  RowRange rest_;  // of what NextRange found
  size_t at_ = 0;
  size_t series_end_ = 0;
  size_t next_row_ = 0;  // the first row of the series to look at next
  size_t wanted_ = 0;    // in request_.series
  ScanCost cost_;
};

bool SortedMemPart::MayContain(const ScanRequest& request) const {
  const RowBatch* batch = FindBatch(request.subject);
  if (batch == nullptr || !times_.Overlaps(request.times)) return false;
  if (request.all_series) return true;
  const auto above =
      std::lower_bound(request.series.begin(), request.series.end(), batch->series.front());
  return above != request.series.end() && *above <= batch->series.back();
}

std::unique_ptr<RowCursor> SortedMemPart::Scan(ScanRequest request, MemoryLedger& ledger) const {
  const RowBatch* batch = FindBatch(request.subject);
  return std::make_unique<MemScan>(shared_from_this(), batch, std::move(request), ledger);
}

std::vector<SeriesEntry> SortedEntries(std::vector<SeriesEntry> entries) {
  const auto before = [](const SeriesEntry& a, const SeriesEntry& b) {
    return KeyOf(a) < KeyOf(b);
  };
  // Of repeated entries the first in log order stays.
  if (!std::is_sorted(entries.begin(), entries.end(), before)) {
    std::stable_sort(entries.begin(), entries.end(), before);
  }
  entries.erase(
      std::unique(entries.begin(), entries.end(),
                  [](const SeriesEntry& a, const SeriesEntry& b) { return KeyOf(a) == KeyOf(b); }),
      entries.end());
  return entries;
}

RowBatch Sorted(const RowBatch& batch) {
  const std::vector<uint32_t> order = SortedOrder(batch);
  return Reordered(batch, order, true);
}

// The rows of `batches`, which are of one subject, one batch after another.
RowBatch Together(const std::vector<const RowBatch*>& batches) {
  RowBatch together;
  together.subject = batches.front()->subject;
  size_t rows = 0;
  for (const RowBatch* batch : batches) rows += batch->rows();
  together.series.reserve(rows);
  together.timestamps.reserve(rows);
  together.versions.reserve(rows);
  for (const ColumnValues& column : batches.front()->columns) {
    together.columns.emplace_back(column.id(), column.type()).Reserve(rows);
  }
  for (const RowBatch* batch : batches) {
    const auto appended = AppendRows(together, *batch, {0, batch->rows()});
    CHECK(appended.has_value()) << "rows of one subject disagree: " << appended.error().message;
  }
  return together;
}

std::vector<const RowBatch*> PointersTo(const std::vector<RowBatch>& batches) {
  std::vector<const RowBatch*> pointers;
  for (const RowBatch& batch : batches) pointers.push_back(&batch);
  return pointers;
}

}  // namespace

std::map<SubjectId, std::vector<const RowBatch*>> BatchesOf(
    const std::vector<std::shared_ptr<const MemPart>>& parts) {
  std::map<SubjectId, std::vector<const RowBatch*>> batches;
  for (const auto& part : parts) {
    for (const RowBatch& batch : part->batches()) batches[batch.subject].push_back(&batch);
  }
  return batches;
}

std::shared_ptr<const MemPart> MemPart::Create(std::vector<RowBatch> batches,
                                               std::vector<SeriesEntry> entries, LogPosition first,
                                               LogPosition last, int64_t created_monotonic,
                                               MemoryReservation reservation) {
  std::map<SubjectId, std::vector<RowBatch>> of_subject;
  for (RowBatch& batch : batches) {
    if (batch.rows() > 0) of_subject[batch.subject].push_back(std::move(batch));
  }
  std::vector<RowBatch> sorted;
  for (auto& [subject, of_one] : of_subject) {
    const std::vector<RowBatch> unsorted = std::move(of_one);  // goes before the next is sorted
    sorted.push_back(unsorted.size() == 1 ? Sorted(unsorted.front())
                                          : Sorted(Together(PointersTo(unsorted))));
  }
  return std::make_shared<SortedMemPart>(std::move(sorted), SortedEntries(std::move(entries)),
                                         first, last, created_monotonic, std::move(reservation));
}

std::shared_ptr<const MemPart> MemPart::Merge(
    const std::vector<std::shared_ptr<const MemPart>>& parts, MemoryReservation reservation) {
  CHECK(!parts.empty());
  std::vector<SeriesEntry> entries;
  int64_t created = parts.front()->created_monotonic();
  for (const auto& part : parts) {
    entries.insert(entries.end(), part->entries().begin(), part->entries().end());
    created = std::min(created, part->created_monotonic());
  }
  std::vector<RowBatch> sorted;
  for (const auto& [subject, batches] : BatchesOf(parts)) {
    sorted.push_back(Sorted(Together(batches)));
  }
  return std::make_shared<SortedMemPart>(
      std::move(sorted), SortedEntries(std::move(entries)), parts.front()->first_position(),
      parts.back()->last_position(), created, std::move(reservation));
}

}  // namespace ficus
