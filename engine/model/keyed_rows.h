// Validated rows with their series keys, not yet routed to a segment and a shard.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/model/ids.h"
#include "engine/model/row_batch.h"

namespace ficus {

// Rows of one subject under one revision of its schema, in the order of arrival. All vectors have
// rows.rows() entries.
struct KeyedRows {
  GroupId group;
  int64_t schema_revision = 0;          // of the subject
  RowBatch rows;                        // every live column of the schema
  std::vector<uint64_t> series_checks;  // SeriesCheckOf the key
  std::vector<uint64_t> shard_hashes;   // modulo the shard count gives the shard
  std::vector<uint32_t> key_ends;       // of the series keys in `keys`
  std::string keys;
  // Which message of the writer's each row was: the n-th row that it accepted, from 0.
  std::vector<uint32_t> ordinals;

  std::string_view series_key(size_t row) const {
    const size_t begin = row == 0 ? 0 : key_ends[row - 1];
    return std::string_view(keys).substr(begin, key_ends[row] - begin);
  }
  size_t MemoryBytes() const {
    return rows.MemoryBytes() + keys.size() +
           rows.rows() * (2 * sizeof(uint64_t) + 2 * sizeof(uint32_t));
  }
};

}  // namespace ficus
