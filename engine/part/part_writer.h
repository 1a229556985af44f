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

namespace ficus {

struct PartOptions {
  FileNumber number;
  FileClass file_class = FileClass::kFlush;
  Effort effort = Effort::kFast;
  // false: a block ends with its series. true: series with few rows share blocks.
  bool shared_blocks = true;
  LogPosition first_position;
  LogPosition last_position;
  uint32_t generation = 0;
  uint64_t expected_bytes = 0;  // for space reservation and direct I/O; 0: unknown
};

// One thread. Destroyed before Finish: nothing stays on disk.
class PartWriter {
 public:
  // `directory` is the shard's; the file is named by PartFileName(options.number).
  static Result<std::unique_ptr<PartWriter>> Create(FileSystem& fs, RandomSource& random,
                                                    std::string_view directory,
                                                    PartOptions options);
  virtual ~PartWriter() = default;

  // Rows that continue the order (subject, series, timestamp, winner first), CHECKed; losers are
  // already gone.
  virtual Result<> Add(const RowBatch& rows) = 0;
  // A block of another part, byte for byte; it must lie wholly after everything added before
  // (CHECKed).
  virtual Result<> CopyBlock(const RawBlock& block) = 0;
  // Entries in (subject, series) order, at any time before Finish, independent of the rows' order.
  virtual Result<> AddSeriesEntry(const SeriesEntry& entry) = 0;

  // Bytes written so far; to compare with limits.
  virtual uint64_t bytes() const = 0;

  // Publishes durably under the final name. At least one row was added (CHECKed).
  virtual Result<PartInfo> Finish() = 0;
};

}  // namespace ficus
