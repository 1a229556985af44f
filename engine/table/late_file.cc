#include "engine/table/late_file.h"

#include <utility>

#include "engine/base/log.h"
#include "engine/base/mutex.h"

namespace ficus {
namespace {

// `File` is Part or IndexRun. Threads: any.
template <typename File, typename Info>
class LateFile {
 public:
  LateFile(FileSystem& fs, std::string path, const Info& info)
      : fs_(fs), path_(std::move(path)), info_(info) {}

  const std::string& path() const { return path_; }
  const Info& info() const { return info_; }

  // Null while it is not open.
  const File* get() const {
    MutexLock lock(mutex_);
    return file_.get();
  }

  // Lives as long as this. Of two threads that open it at once the first one's is kept.
  Result<const File*> Open(FileClass file_class) const {
    if (const File* const file = get(); file != nullptr) return file;
    ASSIGN_OR_RETURN(std::shared_ptr<const File> opened,
                     File::Open(fs_, path_, &info_, file_class));
    LogInfo("table.late_file", "{} can be read", path_);
    MutexLock lock(mutex_);
    if (file_ == nullptr) file_ = std::move(opened);
    return file_.get();
  }

 private:
  FileSystem& fs_;
  const std::string path_;
  const Info info_;

  mutable Mutex mutex_;
  mutable std::shared_ptr<const File> file_ GUARDED_BY(mutex_);
};

class LatePart final : public Part {
 public:
  LatePart(FileSystem& fs, std::string path, const PartInfo& info)
      : late_(fs, std::move(path), info) {}

  const PartInfo& info() const override { return late_.info(); }
  const std::string& path() const override { return late_.path(); }
  bool IsOpen() const override { return late_.get() != nullptr; }

  bool MayContain(const ScanRequest& request) const override {
    const Part* const part = late_.get();
    if (part != nullptr) return part->MayContain(request);
    return info().times.Overlaps(request.times);
  }
  Result<std::unique_ptr<RowCursor>> Scan(ScanRequest request,
                                          MemoryLedger& ledger) const override {
    ASSIGN_OR_RETURN(const Part* const part, late_.Open(FileClass::kQuery));
    return part->Scan(std::move(request), ledger);
  }
  Result<std::unique_ptr<Blocks>> ListBlocks(FileClass file_class) const override {
    ASSIGN_OR_RETURN(const Part* const part, late_.Open(file_class));
    return part->ListBlocks(file_class);
  }
  Result<RowBatch> ReadBlock(const BlockHeader& header, FileClass file_class) const override {
    ASSIGN_OR_RETURN(const Part* const part, late_.Open(file_class));
    return part->ReadBlock(header, file_class);
  }
  Result<RawBlock> ReadRawBlock(const BlockHeader& header, FileClass file_class) const override {
    ASSIGN_OR_RETURN(const Part* const part, late_.Open(file_class));
    return part->ReadRawBlock(header, file_class);
  }
  Result<std::vector<SeriesEntry>> ReadSeriesEntries(FileClass file_class) const override {
    ASSIGN_OR_RETURN(const Part* const part, late_.Open(file_class));
    return part->ReadSeriesEntries(file_class);
  }
  Result<std::unique_ptr<EntryCursor>> ListSeriesEntries(FileClass file_class) const override {
    ASSIGN_OR_RETURN(const Part* const part, late_.Open(file_class));
    return part->ListSeriesEntries(file_class);
  }
  Result<> Verify(FileClass file_class) const override {
    ASSIGN_OR_RETURN(const Part* const part, late_.Open(file_class));
    return part->Verify(file_class);
  }

 private:
  const LateFile<Part, PartInfo> late_;
};

class LateIndexRun final : public IndexRun {
 public:
  LateIndexRun(FileSystem& fs, std::string path, const IndexRunInfo& info)
      : late_(fs, std::move(path), info) {}

  const IndexRunInfo& info() const override { return late_.info(); }
  const std::string& path() const override { return late_.path(); }
  bool IsOpen() const override { return late_.get() != nullptr; }

  Result<> ScanSubject(SubjectId subject, const Visit& visit, MemoryLedger* cache) const override {
    ASSIGN_OR_RETURN(const IndexRun* const run, late_.Open(FileClass::kQuery));
    return run->ScanSubject(subject, visit, cache);
  }
  Result<> Lookup(SubjectId subject, const std::vector<SeriesId>& series, const Visit& visit,
                  MemoryLedger* cache) const override {
    ASSIGN_OR_RETURN(const IndexRun* const run, late_.Open(FileClass::kQuery));
    return run->Lookup(subject, series, visit, cache);
  }
  Result<> ScanAll(const std::function<Result<>(const SeriesEntry&)>& visit) const override {
    ASSIGN_OR_RETURN(const IndexRun* const run, late_.Open(FileClass::kQuery));
    return run->ScanAll(visit);
  }
  Result<std::unique_ptr<Entries>> ListEntries(FileClass file_class) const override {
    ASSIGN_OR_RETURN(const IndexRun* const run, late_.Open(file_class));
    return run->ListEntries(file_class);
  }
  Result<> Verify() const override {
    ASSIGN_OR_RETURN(const IndexRun* const run, late_.Open(FileClass::kQuery));
    return run->Verify();
  }

 private:
  const LateFile<IndexRun, IndexRunInfo> late_;
};

template <typename Opened>
void NoteUnlessOpen(const std::string& path, const Opened& opened) {
  if (!opened.has_value()) LogWarn("table.late_file", "{}: {}", path, opened.error().ToString());
}

}  // namespace

std::shared_ptr<const Part> OpenPartLater(FileSystem& fs, std::string path, const PartInfo& info) {
  return std::make_shared<LatePart>(fs, std::move(path), info);
}

std::shared_ptr<const IndexRun> OpenIndexRunLater(FileSystem& fs, std::string path,
                                                  const IndexRunInfo& info) {
  return std::make_shared<LateIndexRun>(fs, std::move(path), info);
}

void OpenLateFiles(const Snapshot& snapshot, FileClass file_class) {
  for (const SnapshotPart& part : snapshot.parts) {
    if (part.part->IsOpen()) continue;
    NoteUnlessOpen(part.part->path(), part.part->ListBlocks(file_class));
  }
  for (const SnapshotRun& run : snapshot.runs) {
    if (run.run->IsOpen()) continue;
    NoteUnlessOpen(run.run->path(), run.run->ListEntries(file_class));
  }
}

}  // namespace ficus
