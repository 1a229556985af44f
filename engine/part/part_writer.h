// Writes a part: rows in order in, one published file out.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "engine/base/log_position.h"
#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/encoding/words.h"
#include "engine/io/file_system.h"
#include "engine/model/row_batch.h"
#include "engine/part/block_header.h"
#include "engine/part/part_info.h"
#include "engine/part/row_range.h"

namespace ficus {

struct PartOptions {
  FileNumber number;
  FileClass file_class = FileClass::kFlush;
  Effort effort = Effort::kFast;
  // true: series with fewer than kSoloRowsMin rows share blocks, longer ones have their own.
  // false: a block ends with its series, however short.
  bool shared_blocks = true;
  LogPosition first_position;
  LogPosition last_position;
  uint32_t generation = 0;
  uint64_t expected_bytes = 0;  // for space reservation and direct I/O; 0: unknown
};

// A series with at least this many rows is worth blocks of its own.
inline constexpr size_t kSoloRowsMin = 64;
// A shared block ends with the series that fills it to this many rows.
inline constexpr size_t kSharedRowsTarget = 1024;
// A block is closed early when its rows take this many bytes in memory.
inline constexpr size_t kBlockBytesTarget = 2 << 20;
// A block is closed early when it has this many values, nulls included: up to 512 columns it does
// not matter, and the widest block there can be still fits into memory.
inline constexpr size_t kBlockValuesTarget = 512 * size_t{kBlockRowsMax};
// The cells of one row together.
inline constexpr size_t kRowBytesMax = 64 << 20;

// One thread. Destroyed before Finish: nothing stays on disk.
class PartWriter {
 public:
  // `directory` is the shard's; the file is named by PartFileName(options.number).
  static Result<std::unique_ptr<PartWriter>> Create(FileSystem& fs, RandomSource& random,
                                                    std::string_view directory,
                                                    PartOptions options);
  virtual ~PartWriter() = default;

  // Rows that continue the order (subject, series, timestamp, winner first), CHECKed; losers are
  // already gone. kInvalidArgument for a row beyond kRowBytesMax or kBlockColumnsMax, or at the
  // last nanosecond; kCorruption when a column has another type than in rows before.
  Result<> Add(const RowBatch& rows) { return Add(rows, {0, rows.rows()}); }
  virtual Result<> Add(const RowBatch& rows, RowRange range) = 0;
  // A block of another part, byte for byte; it must lie wholly after everything added before
  // (CHECKed as far as its header tells). Ends the block that was being filled.
  virtual Result<> CopyBlock(const RawBlock& block) = 0;
  // Entries in (subject, series) order (CHECKed), after the last row.
  virtual Result<> AddSeriesEntry(const SeriesEntry& entry) = 0;

  // Bytes written so far; to compare with limits.
  virtual uint64_t bytes() const = 0;
  virtual uint64_t blocks() const = 0;
  // Rows added that wait for their block to be filled.
  virtual size_t pending_rows() const = 0;

  // Publishes durably under the final name. At least one row was added (CHECKed).
  virtual Result<PartInfo> Finish() = 0;
};

}  // namespace ficus
