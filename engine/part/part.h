// An immutable file of sorted rows: the on-disk half of a table.
//
// One file: sections, a directory of them, a checksummed footer. Layout: FILE-FORMAT.md, "Part".
// Rows are ordered by (subject, series, timestamp, winner first) and cut into blocks. In a young
// part a block may hold several series; in a merged part it holds one. Every extent has a checksum
// that depends on its place; nothing is decoded before it is verified.
//
// Threads: any, after Open. Lifetime: shared by the snapshots that name it; keeps no descriptor
// while idle beyond what the file cache allows.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/log_position.h"
#include "engine/base/memory_ledger.h"
#include "engine/base/result.h"
#include "engine/io/file_system.h"
#include "engine/model/ids.h"
#include "engine/model/row_batch.h"
#include "engine/part/block_header.h"
#include "engine/part/entry_cursor.h"
#include "engine/part/part_info.h"
#include "engine/part/row_source.h"

namespace ficus {

class Part {
 public:
  // Reads and checks footer and directory, nothing else. `expected` is what the manifest says: a
  // file of another size or checksum is kCorruption. kUnsupportedVersion for a version or required
  // feature bit this build does not know.
  static Result<std::shared_ptr<const Part>> Open(FileSystem& fs, const std::string& path,
                                                  const PartInfo* expected, FileClass file_class);
  virtual ~Part() = default;

  virtual const PartInfo& info() const = 0;
  virtual const std::string& path() const = 0;
  // False while the file could not be opened; each use of it tries again.
  virtual bool IsOpen() const { return true; }

  // True when a row of the request may be inside, judged without I/O.
  virtual bool MayContain(const ScanRequest& request) const = 0;

  // A scan of the rows that match. Decoded blocks are charged to `ledger`
  // (MemoryConsumer::kQueries), one block at a time. What the part keeps of its index is charged to
  // it too (kCaches), so the ledger outlives the part.
  virtual Result<std::unique_ptr<RowCursor>> Scan(ScanRequest request,
                                                  MemoryLedger& ledger) const = 0;

  // Every block in file order, for merges and tools. The headers are read as they are needed, and
  // the file is read from front to back in large pieces. One thread; does not outlive the part.
  class Blocks {
   public:
    virtual ~Blocks() = default;
    // False at the end.
    virtual Result<bool> Next(BlockHeader& header) = 0;
    // The header that Next will give, valid until then; null at the end.
    virtual Result<const BlockHeader*> Peek() = 0;
    // The block whose header came last, as ReadBlock and ReadRawBlock give it.
    virtual Result<RowBatch> Read() = 0;
    virtual Result<RawBlock> ReadRaw() = 0;
  };
  // Opens a descriptor of `file_class` for as long as the result lives.
  virtual Result<std::unique_ptr<Blocks>> ListBlocks(FileClass file_class) const = 0;
  // All columns of one block, decoded.
  virtual Result<RowBatch> ReadBlock(const BlockHeader& header, FileClass file_class) const = 0;
  // The bytes of one block's extents, checksums verified, for copying. `header` is one of this
  // part's.
  virtual Result<RawBlock> ReadRawBlock(const BlockHeader& header, FileClass file_class) const = 0;

  // The series entries this part carries (merged parts carry all of theirs), in (subject, series)
  // order.
  virtual Result<std::vector<SeriesEntry>> ReadSeriesEntries(FileClass file_class) const = 0;
  // The same, one after another. Opens a descriptor of `file_class` for as long as it lives.
  virtual Result<std::unique_ptr<EntryCursor>> ListSeriesEntries(FileClass file_class) const;

  // Reads every byte and checks every promise of the format: checksums, order, counts, time ranges.
  // kCorruption names the first bad byte range.
  virtual Result<> Verify(FileClass file_class) const = 0;
};

// "000000000000002a.part"
std::string PartFileName(FileNumber number);
bool ParsePartFileName(std::string_view name, FileNumber& number);

}  // namespace ficus
