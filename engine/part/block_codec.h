// One block: rows to bytes and back. Layout: FILE-FORMAT.md, "Part".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/encoding/words.h"
#include "engine/model/row_batch.h"
#include "engine/part/block_header.h"
#include "engine/part/row_range.h"

namespace ficus {

// The rows of one series inside a block.
struct SeriesRun {
  SeriesId series;
  RowRange rows;
  friend bool operator==(const SeriesRun&, const SeriesRun&) = default;
};

// Encodes blocks, keeping its buffers between them. One thread.
class BlockEncoder {
 public:
  explicit BlockEncoder(Effort effort) : effort_(effort) {}

  // Rows [begin, end) of `rows`, 1 to kBlockRowsMax, sorted without losers, as one block. Fills
  // `header` except the places and checksums of its extents; `bytes` is replaced by them all, one
  // after another. Columns without a value in these rows are left out.
  void Encode(const RowBatch& rows, RowRange range, BlockHeader& header, std::string& bytes);

 private:
  void EncodeKeys(const RowBatch& rows, RowRange range, BlockHeader& header, std::string& out);
  void EncodeTimes(const RowBatch& rows, const BlockHeader& header, std::string& out);
  uint8_t EncodeVersions(const RowBatch& rows, RowRange range, std::string& out);
  void EncodeColumn(const ColumnValues& values, RowRange range, BlockHeader& header,
                    std::string& out);
  void PutWords(const std::vector<uint64_t>& words, std::string& out);
  void PutShorter(const std::vector<uint64_t>& a, const std::vector<uint64_t>& b, bool& took_b,
                  std::string& out);

  const Effort effort_;
  std::vector<SeriesRun> runs_;
  std::vector<uint64_t> words_;
  std::vector<uint64_t> more_words_;
  std::vector<uint64_t> bits_;
  std::vector<uint32_t> offsets_;
  std::string scratch_;
  std::string more_scratch_;
};

// The order of a block's rows, decoded from its keys.
struct BlockKeys {
  std::vector<SeriesRun> runs;
  std::vector<UnixNanos> timestamps;
  std::vector<int64_t> versions;
  std::vector<bool> tombstones;  // empty: none
};

// `bytes` is the verified extent. kCorruption when it breaks the format or what the header says:
// series, rows, times.
Result<BlockKeys> DecodeKeys(std::string_view bytes, const BlockHeader& header);

// `bytes` is the verified extent of `column`, one of the header's. Cells of arrays have been
// looked at: ValueAt accepts them.
Result<ColumnValues> DecodeColumn(std::string_view bytes, const BlockColumn& column,
                                  const BlockHeader& header);

// Whether the bounds, count and sum that a header gives for a column are those of its values.
bool HasTheseBounds(const BlockColumn& column, const ColumnValues& values);

// For tools: the schemes that the extent uses, such as "delta-for" or "nulls, dictionary".
std::string ColumnSchemeName(std::string_view bytes, const BlockColumn& column, uint32_t rows);

}  // namespace ficus
