// Puts rows into the order of the answer within a bound of memory.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "engine/query/answer_writer.h"
#include "engine/query/memory_charge.h"
#include "engine/query/query_context.h"
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
// caller shows the rows again. One thread.
class OrderedRows final : public SeriesRowsConsumer {
 public:
  explicit OrderedRows(const QueryContext& context);

  // `wanted` >= 1; rows up to `after` are not taken.
  void BeginPass(uint64_t wanted, std::optional<OrderKey> after);
  Result<> Accept(const SeriesRows& rows) override;
  // Finds the entities of the rows kept of `source`.
  Result<> EndSource(const ShardSource& source) override;
  // After the last source: puts the rows into order.
  Result<> FinishPass();

  // True when rows that are wanted were left out: another pass is needed.
  bool incomplete() const { return incomplete_; }
  size_t size() const { return kept_.size(); }
  const OrderKey& last_key() const { return kept_.back().key; }
  uint64_t rows_seen() const { return rows_seen_; }

  // Row `index` in order.
  Result<> Write(size_t index, AnswerWriter& writer) const;

 private:
  struct Kept {
    OrderKey key;
    uint32_t store = 0;
    uint32_t row = 0;
  };
  // The values of the rows kept of one source.
  struct Store {
    explicit Store(const MeasureGroupPlan& group_plan) : plan(&group_plan) {}
    const MeasureGroupPlan* plan;
    std::vector<int64_t> versions;
    std::vector<ColumnValues> columns;  // by slot
    // Ascending series and where their keys are; filled by EndSource.
    struct Entity {
      uint64_t series = 0;
      size_t offset = 0;
      size_t bytes = 0;
    };
    std::vector<Entity> entities;
    std::string keys;
  };

  Store& StoreOf(const ShardSource& source, uint32_t& number);
  static Store EmptyStore(const MeasureGroupPlan& plan);
  OrderKey KeyOf(const SeriesRows& rows, size_t row) const;
  void PickRows(const SeriesRows& rows);
  Result<> Append(const SeriesRows& rows);
  size_t BytesOf(const SeriesRows& rows) const;
  Result<> MakeRoom(size_t bytes);
  // Keeps the first `count` rows.
  void Compact(size_t count);
  Result<bool> FindEntity(const Kept& kept, EntityView& entity) const;

  const QueryContext& context_;
  const size_t bytes_max_;
  MemoryCharge charge_;

  uint64_t wanted_ = 0;
  std::optional<OrderKey> after_;
  std::optional<OrderKey> bound_;  // rows that are not below it are of no use any more
  bool incomplete_ = false;
  uint64_t rows_seen_ = 0;

  std::vector<Kept> kept_;
  std::vector<Store> stores_;
  std::map<const ShardSource*, uint32_t> open_stores_;
  size_t entity_bytes_ = 0;
  std::vector<std::pair<OrderKey, size_t>> picked_;  // of one call of Accept
};

}  // namespace ficus
