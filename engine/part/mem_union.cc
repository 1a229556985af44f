#include "engine/part/mem_union.h"

#include <algorithm>
#include <memory>
#include <tuple>
#include <vector>

#include "engine/base/check.h"
#include "engine/model/series_buckets.h"
#include "engine/part/run_merger.h"

namespace ficus {
namespace {

// About so many rows have their runs distributed at once: what the caches of a core hold.
constexpr size_t kSliceRows = 16384;

// The rows of one series in one batch.
struct SeriesSlot {
  uint64_t series = 0;
  UnixNanos time = 0;  // of the first row
  uint32_t batch = 0;
  uint32_t begin = 0;
  uint32_t end = 0;
  RowRange rows() const { return {begin, end}; }
};

bool Before(const SeriesSlot& a, const SeriesSlot& b) {
  return std::tie(a.series, a.time, a.batch) < std::tie(b.series, b.time, b.batch);
}

// One run, as an input of a merge.
class SlotInput final : public RunInput {
 public:
  SlotInput(const RowBatch& batch, RowRange rows) : batch_(batch), rows_left_(rows) {}

 private:
  Result<bool> NextRun(Run& run) override {
    if (rows_left_.rows() == 0) return false;
    run.rows = &batch_;
    run.range = rows_left_;
    rows_left_ = {};
    return true;
  }
  Result<const RowBatch*> ReadRun() override {
    CHECK(false) << "a batch's runs are read";
    return nullptr;
  }
  Error Unsorted() const override {
    return {ErrorCode::kCorruption, "a batch's rows are out of order"};
  }

  const RowBatch& batch_;
  RowRange rows_left_;
};

class UnionWalk {
 public:
  UnionWalk(std::span<const RowBatch* const> batches, const RunVisitor& visit)
      : batches_(batches), visit_(visit), at_(batches.size()) {}

  Result<> Run() {
    size_t rows = 0;
    uint64_t low = UINT64_MAX;
    uint64_t high = 0;
    for (const RowBatch* batch : batches_) {
      CHECK(batch->rows() <= UINT32_MAX) << batch->rows() << " rows in one batch";
      if (batch->rows() == 0) continue;
      rows += batch->rows();
      low = std::min(low, batch->series.front().value());
      high = std::max(high, batch->series.back().value());
    }
    if (rows == 0) return Ok();
    const uint64_t width = (high - low) / (rows / kSliceRows + 1);
    for (uint64_t first = low;; first += width + 1) {
      const uint64_t last = high - first <= width ? high : first + width;
      TakeSlice(last);
      Order(first, last);
      RETURN_IF_ERROR(VisitSlice());
      if (last == high) return Ok();
    }
  }

 private:
  // The runs of series up to `last` that were not taken yet.
  void TakeSlice(uint64_t last) {
    taken_.clear();
    for (size_t i = 0; i < batches_.size(); ++i) {
      const RowBatch& batch = *batches_[i];
      size_t row = at_[i];
      while (row < batch.rows() && batch.series[row].value() <= last) {
        const size_t begin = row;
        while (++row < batch.rows() && batch.series[row] == batch.series[begin]) {
        }
        taken_.push_back({batch.series[begin].value(), batch.timestamps[begin],
                          static_cast<uint32_t>(i), static_cast<uint32_t>(begin),
                          static_cast<uint32_t>(row)});
      }
      at_[i] = row;
    }
  }

  // Brings the runs taken into order.
  void Order(uint64_t first, uint64_t last) {
    Distribute(
        taken_.size(), first, last, [&](size_t i) { return taken_[i].series; },
        [&](size_t i) { return taken_[i]; }, ordered_);
    auto begin = ordered_.slots.begin();
    for (const uint32_t end_at : ordered_.ends) {
      const auto end = ordered_.slots.begin() + end_at;
      if (end - begin > 1) std::sort(begin, end, Before);
      begin = end;
    }
  }

  UnixNanos LastTime(const SeriesSlot& slot) const {
    return batches_[slot.batch]->timestamps[slot.end - 1];
  }

  Result<> VisitSlice() {
    std::vector<SeriesSlot>& slots = ordered_.slots;
    for (size_t begin = 0; begin < slots.size();) {
      // Runs that overlap in time, one after another.
      UnixNanos last = LastTime(slots[begin]);
      size_t end = begin + 1;
      while (end < slots.size() && slots[end].series == slots[begin].series &&
             slots[end].time <= last) {
        last = std::max(last, LastTime(slots[end++]));
      }
      const SeriesSlot& slot = slots[begin];
      RETURN_IF_ERROR(end == begin + 1
                          ? visit_(*batches_[slot.batch], slot.rows())
                          : VisitOverlapping(std::span(slots).subspan(begin, end - begin)));
      begin = end;
    }
    return Ok();
  }

  Result<> VisitOverlapping(std::span<SeriesSlot> slots) {
    std::sort(slots.begin(), slots.end(),
              [](const SeriesSlot& a, const SeriesSlot& b) { return a.batch < b.batch; });
    std::vector<std::unique_ptr<RunInput>> inputs;
    inputs.reserve(slots.size());
    for (const SeriesSlot& slot : slots) {
      inputs.push_back(std::make_unique<SlotInput>(*batches_[slot.batch], slot.rows()));
    }
    RunMerger merger(std::move(inputs));
    for (RunMerger::Step step;;) {
      ASSIGN_OR_RETURN(const bool found, merger.Next(step));
      if (!found) return Ok();
      RETURN_IF_ERROR(visit_(*step.input->rows(), step.rows));
    }
  }

  const std::span<const RowBatch* const> batches_;
  const RunVisitor& visit_;
  std::vector<size_t> at_;  // of each batch, the first row not taken
  std::vector<SeriesSlot> taken_;
  SeriesBuckets<SeriesSlot> ordered_;
};

}  // namespace

Result<> VisitInOrder(std::span<const RowBatch* const> batches, const RunVisitor& visit) {
  return UnionWalk(batches, visit).Run();
}

}  // namespace ficus
