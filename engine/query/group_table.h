// group_by and aggregation: one entry per group, fed series by series.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "engine/base/result.h"
#include "engine/query/accumulator.h"
#include "engine/query/answer_builder.h"
#include "engine/query/answer_writer.h"
#include "engine/query/memory_charge.h"
#include "engine/query/query_context.h"
#include "engine/query/row_store.h"
#include "engine/query/row_values.h"
#include "engine/query/slice_scan.h"

namespace ficus {

// Slices are shown in the order of the query's time, so that the first row of a group does not
// change any more once a later slice begins. One thread.
class GroupTable final : public SeriesRowsConsumer {
 public:
  explicit GroupTable(const QueryContext& context);

  Result<> Accept(const SeriesRows& rows) override;
  Result<> AcceptBlock(const SeriesBlock& block) override;
  // Blocks will do where nothing but the aggregated field differs between the rows of a series.
  ScanRequest::Unread WantedUnread(const MeasureGroupPlan& plan) const override;
  Result<> EndSource(const ShardSource& source) override;
  // After the last source: before Write.
  void Finish();
  // Forgets everything, to start over.
  void Clear();

  size_t size() const { return groups_.size(); }
  uint64_t rows_seen() const { return rows_seen_; }

  // The groups in the order of the answer: as they were first seen, or by top.
  Result<> Write(AnswerWriter& writer) const;

 private:
  static constexpr uint64_t kNoTime = std::numeric_limits<uint64_t>::max();
  static constexpr uint64_t kNoSeries = std::numeric_limits<uint64_t>::max();
  struct Group {
    Accumulator accumulator;
    // The first row in the order of the query: its place in that order, and where it is.
    uint64_t first_time = kNoTime;
    uint64_t first_series = kNoSeries;
    StoredRow first;
  };
  // A group's place in the answer.
  struct Place {
    NumberOrder field;
    uint64_t time = 0;
    uint64_t series = 0;
    size_t group = 0;
    auto operator<=>(const Place&) const = default;
  };

  Result<> AcceptByRow(const SeriesRows& rows);
  Result<> AssignEntity(std::string_view key);
  Result<size_t> GroupOf(const MeasureGroupPlan& plan, ColumnSlots columns, size_t row);
  void AppendKey(const ValueSource& source, ColumnSlots columns, size_t row);
  Result<> Fold(size_t group, const SeriesRows& rows, size_t begin, size_t end);
  Result<> FoldBlock(Accumulator& accumulator, const SeriesBlock& block);
  Result<> KeepFirst(Group& group, const SeriesRows& rows, size_t row);
  Result<> KeepFirst(Group& group, const SeriesBlock& block);
  // Whether a row comes before the first one so far, which it then replaces.
  bool ReplacesFirst(Group& group, UnixNanos time, SeriesId series);
  // Makes room for one more row in a store and points the group at it.
  Result<RowStore*> PlaceFirst(Group& group, size_t number, size_t bytes);
  // Whether anything of the first rows is answered besides their place.
  bool ShowsFirsts() const {
    return !context_.plan.aggregation.has_value() || !context_.plan.groups.front().tags.empty();
  }
  void DropReplaced(uint32_t number);
  NumberOrder OrderOfGroup(const Group& group) const;
  TagValue ValueOf(const Group& group) const;
  std::vector<Place> Places(size_t wanted) const;
  size_t EndOfBatch(const std::vector<Place>& places, RowRange range, size_t& bytes) const;
  Result<> FillBatch(const std::vector<Place>& places, RowRange range,
                     MeasureRowBatch& batch) const;

  const QueryContext& context_;
  MemoryCharge charge_;
  std::vector<Group> groups_;
  MemoryCharge firsts_charge_;
  std::vector<RowStore> firsts_;  // by group of the query: first rows, and some that were once
  std::vector<size_t> replaced_;  // by group of the query: how many of those rows are not any more
  boost::unordered_flat_map<std::string, size_t> by_key_;
  std::string key_;  // of the row at hand
  EntityView entity_;
  bool entity_known_ = false;
  uint64_t rows_seen_ = 0;
};

}  // namespace ficus
