// Accepted rows on their way to the database: validated, keyed, not yet routed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/model/ids.h"
#include "engine/model/row_batch.h"

namespace ficus {

// Rows of one measure under one revision of its schema, in the order of arrival. All vectors have
// rows.rows() entries.
struct ParsedRows {
  GroupId group;
  int64_t schema_revision = 0;          // of the measure
  RowBatch rows;                        // every live column of the schema
  std::vector<uint64_t> series_checks;  // SeriesCheckOf the key
  std::vector<uint64_t> shard_hashes;   // ShardHashOf the sharding key: modulo the shard count
  std::vector<uint32_t> key_ends;       // of the series keys in `keys`
  std::string keys;
  // Which message of the sink's each row was: the n-th row that RowSink accepted, from 0.
  std::vector<uint32_t> ordinals;

  std::string_view series_key(size_t row) const {
    const size_t begin = row == 0 ? 0 : key_ends[row - 1];
    return std::string_view(keys).substr(begin, key_ends[row] - begin);
  }
  size_t MemoryBytes() const;
};

// Collects the rows of any number of messages and streams until somebody takes them. One thread at
// a time.
class RowSink {
 public:
  size_t rows() const { return rows_; }
  // Of the messages that the rows came from: what to hold against a limit.
  size_t message_bytes() const { return message_bytes_; }
  bool empty() const { return rows_ == 0; }
  const std::vector<ParsedRows>& batches() const { return batches_; }

  // All rows; the sink is empty afterwards.
  std::vector<ParsedRows> Take();

 private:
  friend class MeasureWriteSession;
  std::vector<ParsedRows> batches_;
  size_t rows_ = 0;
  size_t message_bytes_ = 0;
};

}  // namespace ficus
