// The last step: offset and limit, memory of what is on its way, the sink.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "engine/base/result.h"
#include "engine/part/row_range.h"
#include "engine/query/measure_answer.h"
#include "engine/query/memory_charge.h"

namespace ficus {

// One thread.
class AnswerWriter {
 public:
  AnswerWriter(MeasureRowSink& sink, MemoryLedger& ledger, uint64_t offset, uint64_t limit)
      : sink_(sink), offset_left_(offset), limit_left_(limit), charge_(ledger) {}

  // Rows that may still be asked for, those to be skipped included; 0: the answer is complete.
  uint64_t wanted() const { return offset_left_ + limit_left_; }

  // Of the next `count` rows of the answer those that the sink is to get: the caller sends them.
  RowRange Take(size_t count) {
    const uint64_t begin = std::min<uint64_t>(offset_left_, count);
    const uint64_t end = begin + std::min<uint64_t>(limit_left_, count - begin);
    offset_left_ -= begin;
    limit_left_ -= end - begin;
    return {static_cast<size_t>(begin), static_cast<size_t>(end)};
  }

  // Hands a batch of about `bytes` to the sink. `fill` makes it, once they are reserved.
  template <typename Fill>
  Result<> Send(size_t bytes, const Fill& fill) {
    MeasureRowBatch batch;
    RETURN_IF_ERROR(charge_.Grow(bytes));
    RETURN_IF_ERROR(fill(batch));
    batch.reservation = charge_.Take();
    rows_ += batch.rows;
    return sink_.Accept(std::move(batch));
  }

  uint64_t rows() const { return rows_; }

 private:
  MeasureRowSink& sink_;
  uint64_t offset_left_;
  uint64_t limit_left_;
  uint64_t rows_ = 0;
  MemoryCharge charge_;
};

// A batch of rows is not made longer than this unless one row alone is.
inline constexpr size_t kAnswerBatchBytesMax = size_t{1} << 20;

}  // namespace ficus
