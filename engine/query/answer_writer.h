// The last step: offset and limit, batches for the sink, memory of what is on its way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "engine/base/result.h"
#include "engine/query/measure_row.h"
#include "engine/query/memory_charge.h"

namespace ficus {

// One thread.
class AnswerWriter {
 public:
  AnswerWriter(MeasureRowSink& sink, MemoryLedger& ledger, uint64_t offset, uint64_t limit)
      : sink_(sink), offset_left_(offset), limit_left_(limit), charge_(ledger) {}

  // Rows that may still be asked for, those to be skipped included; 0: the answer is complete.
  uint64_t wanted() const { return offset_left_ + limit_left_; }

  // True when the next row is one to be skipped: it is counted and need not be built.
  bool Skip() {
    if (offset_left_ == 0) return false;
    --offset_left_;
    return true;
  }

  // After Skip() said no. `build` makes the row, of about `bytes` beyond MeasureRow itself; it is
  // called once they are reserved.
  template <typename Build>
  Result<> Add(size_t bytes, const Build& build) {
    RETURN_IF_ERROR(charge_.Grow(sizeof(MeasureRow) + bytes));
    if (batch_.rows.empty()) batch_.rows.reserve(16);
    ASSIGN_OR_RETURN(MeasureRow row, build());
    batch_.rows.push_back(std::move(row));
    ++rows_;
    --limit_left_;
    if (batch_.rows.size() >= kMeasureRowBatchMax || charge_.used() >= kBatchBytesMax) {
      return Flush();
    }
    return Ok();
  }

  // Hands over what waits.
  Result<> Flush() {
    if (batch_.rows.empty()) return Ok();
    batch_.reservation = charge_.Take();
    MeasureRowBatch batch = std::move(batch_);
    batch_ = MeasureRowBatch();
    return sink_.Accept(std::move(batch));
  }

  uint64_t rows() const { return rows_; }

 private:
  static constexpr size_t kBatchBytesMax = size_t{1} << 20;

  MeasureRowSink& sink_;
  uint64_t offset_left_;
  uint64_t limit_left_;
  uint64_t rows_ = 0;
  MeasureRowBatch batch_;
  MemoryCharge charge_;
};

}  // namespace ficus
