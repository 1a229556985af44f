// What a part's index says about one block.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/model/column.h"
#include "engine/model/ids.h"
#include "engine/model/time_range.h"

namespace ficus {

// Bytes of the file.
struct Extent {
  uint64_t offset = 0;
  uint32_t bytes = 0;
  uint32_t checksum = 0;  // PlacedCrc32c with the part's number and `offset`
  friend bool operator==(const Extent&, const Extent&) = default;
};

struct BlockColumn {
  ColumnId id;
  ColumnType type = ColumnType::kInt64;
  Extent extent;  // validity and values
  // Set where cheap and exact: aggregations and filters may skip decoding. Words as in
  // ColumnValues, over the rows that have a value; never set when a float is not a number.
  bool has_bounds = false;
  uint64_t min_word = 0;
  uint64_t max_word = 0;
  // With bounds: how many rows have a value and, of integers and times, the sum modulo 2^64.
  uint32_t values = 0;
  uint64_t sum_word = 0;
  friend bool operator==(const BlockColumn&, const BlockColumn&) = default;
};

struct BlockHeader {
  SubjectId subject;
  SeriesId first_series;
  SeriesId last_series;
  uint32_t series = 0;  // how many; 1 in most blocks of a merged part
  uint32_t rows = 0;
  TimeRange times;             // the smallest that holds all rows
  uint64_t decoded_bytes = 0;  // bound of the memory a decoded block takes
  bool has_tombstones = false;
  // The checksum of `keys` covers the whole block, and its columns have none of their own.
  bool one_checksum = false;
  Extent keys;  // series run, timestamps, versions, tombstones
  // Ascending by id. Their extents follow the keys without a gap. A column without any value in
  // these rows is absent.
  std::vector<BlockColumn> columns;

  // Null when it has no such column.
  const BlockColumn* FindColumn(ColumnId id) const {
    for (const BlockColumn& column : columns) {
      if (column.id == id) return &column;
    }
    return nullptr;
  }

  // Bytes of the block in the file.
  uint64_t bytes() const {
    uint64_t sum = keys.bytes;
    for (const BlockColumn& column : columns) sum += column.extent.bytes;
    return sum;
  }
  friend bool operator==(const BlockHeader&, const BlockHeader&) = default;
};

// A block's bytes as they are in the file, verified.
struct RawBlock {
  BlockHeader header;
  std::string keys;
  std::vector<std::string> columns;
};

inline constexpr uint32_t kBlockRowsMax = 8192;
// No fewer than a subject may ever have: a row cannot be divided between blocks.
inline constexpr uint32_t kBlockColumnsMax = 1 << 16;
// Of the cells of one block together. A writer ends a block long before.
inline constexpr uint64_t kBlockCellBytesMax = 128 << 20;

}  // namespace ficus
