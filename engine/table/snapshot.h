// The immutable set of parts and index runs of a table at an epoch: what a reader sees.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/log_position.h"
#include "engine/index/index_run.h"
#include "engine/model/ids.h"
#include "engine/part/mem_part.h"
#include "engine/part/part.h"
#include "engine/table/garbage_cleaner.h"

namespace ficus {

// A file that a manifest names but that cannot be read: it stays where it is set aside until an
// operator drops it.
struct DamagedFile {
  FileNumber number;
  std::string path;  // below the root
  std::string reason;
  TimeRange times;  // what may be missing; All() when unknown
  bool is_index = false;
};

struct SnapshotPart {
  std::shared_ptr<const Part> part;
  std::shared_ptr<FileHandle> file;
};
struct SnapshotRun {
  std::shared_ptr<const IndexRun> run;
  std::shared_ptr<FileHandle> file;
};

// Threads: any; nothing in it changes.
struct Snapshot {
  Epoch epoch;           // strictly rising per table
  Epoch manifest_epoch;  // of the manifest that names its files
  // Oldest first in log order; the rows of parts are older than those of mem parts.
  std::vector<SnapshotPart> parts;
  std::vector<std::shared_ptr<const MemPart>> mem_parts;
  std::vector<SnapshotRun> runs;
  std::vector<DamagedFile> damaged;
  LogPosition flushed;  // everything up to it is in `parts`

  // Every series of `subject`, each once, in no order; stops when `visit` returns false. The entity
  // view lives during the call. What is read of index runs is cached and charged to `cache`, and so
  // is knowing many series that were met, unless it is null. kResourceExhausted.
  Result<> ScanSeries(SubjectId subject, const IndexRun::Visit& visit,
                      MemoryLedger* cache = nullptr) const;
  // Entities of `series` (ascending), each at most once.
  Result<> LookupSeries(SubjectId subject, const std::vector<SeriesId>& series,
                        const IndexRun::Visit& visit, MemoryLedger* cache = nullptr) const;

  // The rows that match, merged, winners only, in (series, timestamp) order. The snapshot must
  // outlive the cursor.
  Result<std::unique_ptr<RowCursor>> Scan(const ScanRequest& request, MemoryLedger& ledger) const;

  size_t rows() const;
  uint64_t file_bytes() const;
  size_t memory_bytes() const;
};

}  // namespace ficus
