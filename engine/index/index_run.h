// An immutable file of series: which series a subject has, and the entity of each.
//
// Entries are ordered by (subject, series) in checksummed blocks with a sparse index. Sections for
// tag postings are reserved by the format. Layout: FILE-FORMAT.md, "Index run".
//
// Threads: any, after Open. Lifetime: shared by the snapshots that name it; keeps no descriptor
// while idle beyond what the file cache of the parts allows. Errors name the file, kCorruption the
// byte range too.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/memory_ledger.h"
#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/io/file_system.h"
#include "engine/model/ids.h"
#include "engine/model/row_batch.h"
#include "engine/part/entry_cursor.h"

namespace ficus {

struct IndexRunInfo {
  FileNumber number;
  uint64_t file_bytes = 0;
  uint32_t checksum = 0;  // CRC-32C of the footer
  uint64_t entries = 0;
  friend bool operator==(const IndexRunInfo&, const IndexRunInfo&) = default;
};

class IndexRun {
 public:
  // `expected` as the manifest says it, or null.
  static Result<std::shared_ptr<const IndexRun>> Open(FileSystem& fs, const std::string& path,
                                                      const IndexRunInfo* expected,
                                                      FileClass file_class);
  virtual ~IndexRun() = default;

  virtual const IndexRunInfo& info() const = 0;
  virtual const std::string& path() const = 0;
  // False while the file could not be opened; each use of it tries again.
  virtual bool IsOpen() const { return true; }

  // Every entry of a subject, ascending by series; stops when `visit` returns false. What is read
  // stays in the block cache, charged to `cache`, unless that is null.
  using Visit = std::function<bool(SeriesId, std::string_view entity)>;
  virtual Result<> ScanSubject(SubjectId subject, const Visit& visit,
                               MemoryLedger* cache) const = 0;
  // Entities of some series (ascending); those that are not here are skipped. `cache` as above.
  virtual Result<> Lookup(SubjectId subject, const std::vector<SeriesId>& series,
                          const Visit& visit, MemoryLedger* cache) const = 0;
  virtual Result<> ScanAll(const std::function<Result<>(const SeriesEntry&)>& visit) const = 0;

  // All entries, one after another, for merges. Opens a descriptor of `file_class` for as long as
  // it lives.
  using Entries = EntryCursor;
  virtual Result<std::unique_ptr<Entries>> ListEntries(FileClass file_class) const = 0;

  // Reads every byte; kCorruption names the first bad byte range.
  virtual Result<> Verify() const = 0;
};

// `entries` ascending by (subject, series), distinct, at least one (CHECKed). Published durably as
// IndexRunFileName(number) in `directory`.
Result<IndexRunInfo> WriteIndexRun(FileSystem& fs, RandomSource& random, std::string_view directory,
                                   FileNumber number, const std::vector<SeriesEntry>& entries,
                                   FileClass file_class);

// One run with what `entries` gives; those of subjects for which `is_live` is false are dropped.
// False in `written` when nothing was left.
struct MergedRun {
  bool written = false;
  IndexRunInfo info;
};
Result<MergedRun> WriteIndexRun(FileSystem& fs, RandomSource& random, std::string_view directory,
                                FileNumber number, EntryCursor& entries,
                                const std::function<bool(SubjectId)>& is_live,
                                FileClass file_class);

// What merging these runs holds, for MemoryConsumer::kFlushMerge.
size_t MergeMemoryBytes(const std::vector<std::shared_ptr<const IndexRun>>& runs);

// The same with the entries of several runs, oldest first. An id with two different entities keeps
// the older one, and the log says so.
Result<MergedRun> MergeIndexRuns(FileSystem& fs, RandomSource& random, std::string_view directory,
                                 FileNumber number,
                                 const std::vector<std::shared_ptr<const IndexRun>>& runs,
                                 const std::function<bool(SubjectId)>& is_live);

// "000000000000002a.idx"
std::string IndexRunFileName(FileNumber number);
bool ParseIndexRunFileName(std::string_view name, FileNumber& number);

}  // namespace ficus
