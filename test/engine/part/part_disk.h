// A file system in memory with a shard's directory, and the verbs that most tests of parts need.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/base/memory_ledger.h"
#include "engine/base/random.h"
#include "engine/io/memory_file_system.h"
#include "engine/part/mem_part.h"
#include "engine/part/merge.h"
#include "engine/part/part.h"
#include "engine/part/part_writer.h"
#include "engine/part/row_source.h"

namespace ficus {

inline constexpr std::string_view kShard = "shard";

struct PartDisk {
  PartDisk();

  std::unique_ptr<MemoryFileSystem> fs;
  SeededRandom random{1};
  MemoryLedger ledger{size_t{1} << 32};
  uint64_t last_number = 0;

  PartOptions Options(uint64_t first_position = 1, uint64_t last_position = 1);
  std::string PathOf(FileNumber number) const;

  // One part with the batches, each sorted and without losers, ascending by subject.
  std::shared_ptr<const Part> Write(const std::vector<RowBatch>& batches,
                                    const std::vector<SeriesEntry>& entries, PartOptions options);
  std::shared_ptr<const Part> Write(const RowBatch& batch) { return Write({batch}, {}, Options()); }
  std::shared_ptr<const Part> Open(const PartInfo& info);

  std::shared_ptr<const MemPart> Mem(std::vector<RowBatch> batches,
                                     std::vector<SeriesEntry> entries, uint64_t position);
  std::unique_ptr<RowCursor> Scan(const Part& part, const ScanRequest& request);

  std::string ReadFile(const std::string& path) const;
  void WriteFile(const std::string& path, std::string_view bytes);
};

// The headers of all blocks.
std::vector<BlockHeader> HeadersOf(const Part& part);

}  // namespace ficus
