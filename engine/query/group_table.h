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
#include "engine/query/answer_writer.h"
#include "engine/query/memory_charge.h"
#include "engine/query/query_context.h"
#include "engine/query/row_values.h"
#include "engine/query/slice_scan.h"

namespace ficus {

// Slices are shown in the order of the query's time, so that the first row of a group does not
// change any more once a later slice begins. One thread.
class GroupTable final : public SeriesRowsConsumer {
 public:
  explicit GroupTable(const QueryContext& context);

  Result<> Accept(const SeriesRows& rows) override;
  Result<> EndSource(const ShardSource& source) override;
  // Forgets everything, to start over.
  void Clear();

  size_t size() const { return groups_.size(); }
  uint64_t rows_seen() const { return rows_seen_; }

  // The groups in the order of the answer: as they were first seen, or by top.
  Result<> Write(AnswerWriter& writer) const;

 private:
  struct Group {
    Accumulator accumulator;
    // The first row in the order of the query: its place, and what it shows.
    uint64_t first_time = std::numeric_limits<uint64_t>::max();
    uint64_t first_series = std::numeric_limits<uint64_t>::max();
    MeasureRow first;
    size_t first_bytes = 0;
  };

  Result<> Assign(const SeriesRows& rows);
  Result<> AcceptByRow(const SeriesRows& rows);
  Result<size_t> GroupOf(const SeriesRows& rows, size_t row);
  void AppendKey(const SeriesRows& rows, size_t row, const ValueSource& source);
  Result<> Fold(size_t group, const SeriesRows& rows, size_t begin, size_t end);
  Result<> KeepFirst(Group& group, const SeriesRows& rows, size_t row);
  TagValue ValueOf(const Group& group) const;

  const QueryContext& context_;
  MemoryCharge charge_;
  std::vector<Group> groups_;
  boost::unordered_flat_map<std::string, size_t> by_key_;
  std::string key_;  // of the row at hand
  EntityView entity_;
  bool entity_known_ = false;
  uint64_t rows_seen_ = 0;
};

}  // namespace ficus
