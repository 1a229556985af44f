// Puts rows into the order of the answer within a bound of memory.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/part/row_range.h"
#include "engine/query/answer_builder.h"
#include "engine/query/answer_writer.h"
#include "engine/query/memory_charge.h"
#include "engine/query/query_context.h"
#include "engine/query/row_store.h"
#include "engine/query/row_values.h"
#include "engine/query/slice_scan.h"

namespace ficus {

// The place of a row in the answer, ascending: first the field that top asks for (if it does), then
// time in the direction asked for, then the series.
struct OrderKey {
  NumberOrder field;
  uint64_t time = 0;
  uint64_t series = 0;
  friend auto operator<=>(const OrderKey&, const OrderKey&) = default;
};

// Keeps the first rows in order of all that it is shown in a pass: as many as are wanted, or as
// many as fit. When not all that are wanted fit, the next pass begins after the last one kept: the
// caller shows the rows again. Rows are kept as they come, run by run; keys are made of them only
// where runs overlap in time or some have to go. One thread.
class OrderedRows final : public SeriesRowsConsumer {
 public:
  explicit OrderedRows(const QueryContext& context);

  // `wanted` >= 1; rows up to `after` are not taken.
  void BeginPass(uint64_t wanted, std::optional<OrderKey> after);
  Result<> Accept(const SeriesRows& rows) override;
  Result<> AcceptBlock(const SeriesBlock& block) override;
  ScanRequest::Unread WantedUnread(const MeasureGroupPlan& plan) const override;
  // Finds the entities of the rows kept of `source`.
  Result<> EndSource(const ShardSource& source) override;
  // After the last source: puts the rows into order.
  Result<> FinishPass();

  // True when rows that are wanted were left out: another pass is needed.
  bool incomplete() const { return incomplete_; }
  size_t size() const { return rows_; }
  // Of the last row in order; after FinishPass, at least one row.
  OrderKey last_key() const { return KeyOf(order_.back()); }
  uint64_t rows_seen() const { return rows_seen_; }

  // Hands on rows [begin, end) in order.
  Result<> Write(RowRange range, AnswerWriter& writer) const;

 private:
  // Rows of one series next to each other in a store; times ascend.
  struct Run {
    uint32_t store = 0;
    uint32_t begin = 0;
    uint32_t end = 0;
  };
  struct Keyed {
    OrderKey key;
    StoredRow row;
  };

  uint32_t StoreOf(const ShardSource& source);
  OrderKey KeyOf(const StoredRow& row) const;
  OrderKey KeyOf(const SeriesRows& rows, size_t row) const;
  OrderKey KeyOf(const ColumnValues* top, size_t row, UnixNanos time, SeriesId series) const;
  bool IsInBounds(const OrderKey& key) const;
  void PickRows(const SeriesRows& rows);
  size_t BytesOf(const SeriesRows& rows) const;
  Result<> MakeRoom(size_t bytes);
  void Append(const SeriesRows& rows);
  void AddToRuns(const Run& added);
  std::vector<Keyed> Keys() const;
  // Keeps the first `count` rows.
  void Compact(size_t count);
  void KeepOnly(const std::vector<Keyed>& keyed);
  bool OrderByRuns();
  void OrderByKeys();

  // Where the stretches of a batch end in order_, and an upper bound of its bytes.
  struct BatchPlan {
    std::vector<size_t> ends;
    size_t bytes = 0;
  };
  size_t EndOfStretch(size_t begin, size_t end) const;
  RowRange StoredRange(size_t begin, size_t end) const;
  BatchPlan PlanBatch(RowRange range) const;
  Result<> FillBatch(size_t begin, const BatchPlan& planned, MeasureRowBatch& batch) const;

  const QueryContext& context_;
  const size_t bytes_max_;
  const size_t few_bytes_max_;
  MemoryCharge charge_;

  uint64_t wanted_ = 0;
  std::optional<OrderKey> after_;
  std::optional<OrderKey> bound_;  // rows that are not below it are of no use any more
  bool incomplete_ = false;
  uint64_t rows_seen_ = 0;

  std::vector<RowStore> stores_;
  std::vector<Run> runs_;
  size_t rows_ = 0;  // of all runs
  std::vector<StoredRow> order_;
  std::map<const ShardSource*, uint32_t> open_stores_;
  std::vector<RowRange> picked_;  // of one call of Accept
  size_t picked_rows_ = 0;
};

}  // namespace ficus
