#include "engine/index/index_run.h"

#include <algorithm>
#include <utility>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "engine/base/check.h"
#include "engine/base/mutex.h"
#include "engine/io/file_writer.h"
#include "engine/part/block_cache.h"
#include "engine/part/entry_table.h"
#include "engine/part/file_cache.h"
#include "engine/part/footer_json.h"
#include "engine/part/section_file.h"

namespace ficus {
namespace {

constexpr std::string_view kSuffix = ".idx";

using EntryIndex = std::vector<EntryBlock>;

std::string FooterJson(uint64_t entries) {
  return boost::json::serialize(boost::json::object{{"entries", entries}});
}

class FileIndexRun final : public IndexRun, public std::enable_shared_from_this<FileIndexRun> {
 public:
  FileIndexRun(FileSystem& fs, std::string path, SectionFooter frame, IndexRunInfo info)
      : fs_(fs),
        path_(std::move(path)),
        frame_(std::move(frame)),
        info_(info),
        owner_(FileCache::NewOwner()) {}
  ~FileIndexRun() override {
    FileCache::ForProcess().Drop(owner_);
    BlockCache::ForProcess().Drop(owner_);
  }

  const IndexRunInfo& info() const override { return info_; }
  const std::string& path() const override { return path_; }
  Result<> ScanSubject(SubjectId subject, const Visit& visit, MemoryLedger* cache) const override;
  Result<> Lookup(SubjectId subject, const std::vector<SeriesId>& series, const Visit& visit,
                  MemoryLedger* cache) const override;
  Result<> ScanAll(const std::function<Result<>(const SeriesEntry&)>& visit) const override;
  Result<std::unique_ptr<Entries>> ListEntries(FileClass file_class) const override;
  Result<> Verify() const override;

  // The sparse index, read once.
  Result<std::shared_ptr<const EntryIndex>> LoadIndex(File& file) const;
  Error Named(Error error) const { return std::move(error).With("index run " + path_); }
  template <typename T>
  Result<T> Named(Result<T> result) const {
    if (result.has_value()) return result;
    return Named(std::move(result).error());
  }

 private:
  Result<std::shared_ptr<File>> OpenForQuery() const {
    return FileCache::ForProcess().Open(fs_, path_, owner_);
  }
  Result<std::shared_ptr<const EntryList>> LoadBlock(File& file, const EntryBlock& block,
                                                     MemoryLedger* cache) const;
  Result<> VisitSubject(SubjectId subject, const Visit& visit, MemoryLedger* cache) const;
  Result<> VisitSeries(SubjectId subject, const std::vector<SeriesId>& series, const Visit& visit,
                       MemoryLedger* cache) const;
  Result<> VerifyFile() const;

  FileSystem& fs_;
  const std::string path_;
  const SectionFooter frame_;
  const IndexRunInfo info_;
  const uint64_t owner_;  // in the caches

  mutable Mutex mutex_;
  mutable std::shared_ptr<const EntryIndex> index_ GUARDED_BY(mutex_);
};

Result<std::shared_ptr<const EntryIndex>> FileIndexRun::LoadIndex(File& file) const {
  {
    MutexLock lock(mutex_);
    if (index_ != nullptr) return index_;
  }
  const Section& section = *frame_.Find(SectionKind::kEntityIndex);
  ASSIGN_OR_RETURN(const std::string bytes, ReadSection(file, section, kEntityIndexBytesMax));
  auto decoded = DecodeEntryIndex(bytes, *frame_.Find(SectionKind::kEntities));
  if (!decoded.has_value()) {
    return BadRange(section.offset, section.bytes, decoded.error().message);
  }
  auto index = std::make_shared<const EntryIndex>(std::move(decoded).value());
  MutexLock lock(mutex_);
  if (index_ == nullptr) index_ = index;
  return index;
}

// The first block from `from` on that may hold `key`.
EntryIndex::const_iterator FindBlock(EntryIndex::const_iterator from,
                                     EntryIndex::const_iterator end, const SeriesKey& key) {
  return std::lower_bound(from, end, key, [](const EntryBlock& block, const SeriesKey& wanted) {
    return block.last < wanted;
  });
}

Result<std::shared_ptr<const EntryList>> FileIndexRun::LoadBlock(File& file,
                                                                 const EntryBlock& block,
                                                                 MemoryLedger* cache) const {
  BlockCache& blocks = BlockCache::ForProcess();
  const uint64_t offset = block.extent.offset;
  if (auto found = blocks.Find<EntryList>(owner_, offset); found != nullptr) return found;
  ASSIGN_OR_RETURN(EntryList read, ReadEntryBlock(file, info_.number, block));
  auto entries = std::make_shared<const EntryList>(std::move(read));
  if (cache != nullptr) blocks.Keep(owner_, offset, entries, entries->MemoryBytes(), *cache);
  return entries;
}

Result<> FileIndexRun::VisitSubject(SubjectId subject, const Visit& visit,
                                    MemoryLedger* cache) const {
  ASSIGN_OR_RETURN(const auto file, OpenForQuery());
  ASSIGN_OR_RETURN(const auto index, LoadIndex(*file));
  const SeriesKey first = {subject, SeriesId(0)};
  for (auto block = FindBlock(index->begin(), index->end(), first);
       block != index->end() && block->first.subject <= subject; ++block) {
    ASSIGN_OR_RETURN(const auto entries, LoadBlock(*file, *block, cache));
    for (size_t i = entries->Find(0, first);
         i < entries->size() && entries->key(i).subject == subject; ++i) {
      if (!visit(entries->key(i).series, entries->entity(i))) return Ok();
    }
  }
  return Ok();
}

Result<> FileIndexRun::VisitSeries(SubjectId subject, const std::vector<SeriesId>& series,
                                   const Visit& visit, MemoryLedger* cache) const {
  ASSIGN_OR_RETURN(const auto file, OpenForQuery());
  ASSIGN_OR_RETURN(const auto index, LoadIndex(*file));
  auto block = index->begin();
  for (size_t next = 0; next < series.size();) {
    block = FindBlock(block, index->end(), {subject, series[next]});
    if (block == index->end() || block->first.subject > subject) return Ok();
    if (SeriesKey{subject, series[next]} < block->first) {
      // Between two blocks: not here.
      ++next;
      continue;
    }
    ASSIGN_OR_RETURN(const auto entries, LoadBlock(*file, *block, cache));
    size_t i = 0;
    for (; next < series.size(); ++next) {
      const SeriesKey wanted = {subject, series[next]};
      if (block->last < wanted) break;
      i = entries->Find(i, wanted);
      if (entries->key(i) == wanted && !visit(wanted.series, entries->entity(i))) return Ok();
    }
  }
  return Ok();
}

Result<> FileIndexRun::ScanSubject(SubjectId subject, const Visit& visit,
                                   MemoryLedger* cache) const {
  return Named(VisitSubject(subject, visit, cache));
}

Result<> FileIndexRun::Lookup(SubjectId subject, const std::vector<SeriesId>& series,
                              const Visit& visit, MemoryLedger* cache) const {
  return Named(VisitSeries(subject, series, visit, cache));
}

Result<> FileIndexRun::ScanAll(const std::function<Result<>(const SeriesEntry&)>& visit) const {
  ASSIGN_OR_RETURN(const auto entries, ListEntries(FileClass::kQuery));
  SeriesEntry entry;
  for (;;) {
    ASSIGN_OR_RETURN(const bool found, entries->Next(entry));
    if (!found) return Ok();
    RETURN_IF_ERROR(visit(entry));
  }
}

Result<std::unique_ptr<IndexRun::Entries>> FileIndexRun::ListEntries(FileClass file_class) const {
  OpenOptions options;
  options.file_class = file_class;
  auto file = Named(fs_.Open(path_, options));
  if (!file.has_value()) return std::move(file).error();
  auto index = Named(LoadIndex(**file));
  if (!index.has_value()) return std::move(index).error();
  return std::unique_ptr<Entries>(std::make_unique<EntryTableCursor>(
      std::move(file).value(), info_.number, std::move(index).value(), "index run " + path_));
}

Result<> FileIndexRun::VerifyFile() const {
  OpenOptions options;
  options.file_class = FileClass::kTool;
  ASSIGN_OR_RETURN(const auto file, fs_.Open(path_, options));
  RETURN_IF_ERROR(VerifySections(kIndexRunFile, *file, frame_));
  ASSIGN_OR_RETURN(const auto index, LoadIndex(*file));
  uint64_t entries = 0;
  for (const EntryBlock& block : *index) {
    RETURN_IF_ERROR(ReadEntryBlock(*file, info_.number, block));
    entries += block.entries;
  }
  if (entries == info_.entries) return Ok();
  return BadRange(frame_.offset, frame_.file_bytes - frame_.offset,
                  "footer: its count of entries is wrong");
}

Result<> FileIndexRun::Verify() const { return Named(VerifyFile()); }

Result<std::shared_ptr<const IndexRun>> OpenRun(FileSystem& fs, const std::string& path,
                                                const IndexRunInfo* expected,
                                                FileClass file_class) {
  OpenOptions options;
  options.file_class = file_class;
  ASSIGN_OR_RETURN(const auto file, fs.Open(path, options));
  ASSIGN_OR_RETURN(SectionFooter frame, ReadFooter(kIndexRunFile, *file));
  for (const SectionKind kind : {SectionKind::kEntities, SectionKind::kEntityIndex}) {
    if (frame.Find(kind) == nullptr) {
      return Error{ErrorCode::kCorruption,
                   "footer: there is no " + std::string(SectionName(kind)) + " section"};
    }
  }
  ASSIGN_OR_RETURN(const boost::json::object object, ParseFooterJson(frame.json));
  JsonMembers members(object);
  IndexRunInfo info;
  info.entries = members.Uint("entries");
  RETURN_IF_ERROR(members.result());
  info.number = frame.number;
  info.file_bytes = frame.file_bytes;
  info.checksum = frame.checksum;
  if (expected != nullptr && info != *expected) {
    return Error{ErrorCode::kCorruption, "the file is another one than the manifest names"};
  }
  FileNumber number;
  if (ParseIndexRunFileName(BaseName(path), number) && number != info.number) {
    return Error{ErrorCode::kCorruption,
                 "the file is index run " + Hex16(info.number) + " under another name"};
  }
  return std::shared_ptr<const IndexRun>(
      std::make_shared<FileIndexRun>(fs, path, std::move(frame), info));
}

// Entries in order in, one published file out. Nothing stays when it is destroyed before Finish.
class RunWriter {
 public:
  static Result<std::unique_ptr<RunWriter>> Create(FileSystem& fs, RandomSource& random,
                                                   std::string_view directory, FileNumber number,
                                                   FileClass file_class) {
    FileWriter::Options options;
    options.file_class = file_class;
    ASSIGN_OR_RETURN(
        auto file,
        SectionFileWriter::Create(kIndexRunFile, fs, random,
                                  JoinPath(directory, IndexRunFileName(number)), number, options));
    return std::unique_ptr<RunWriter>(new RunWriter(number, std::move(file)));
  }

  Result<> Add(const SeriesEntry& entry) { return table_.Add(entry); }

  Result<IndexRunInfo> Finish() {
    RETURN_IF_ERROR(table_.Finish());
    file_->Begin(SectionKind::kEntityIndex);
    RETURN_IF_ERROR(file_->Append(table_.index()));
    ASSIGN_OR_RETURN(const auto published, file_->Publish(FooterJson(table_.entries())));
    return IndexRunInfo{number_, published.file_bytes, published.checksum, table_.entries()};
  }

 private:
  RunWriter(FileNumber number, std::unique_ptr<SectionFileWriter> file)
      : number_(number),
        file_(std::move(file)),
        table_(number.value(), Begin(), Effort::kSmall,
               [this](std::string_view bytes) { return file_->Append(bytes); }) {}

  uint64_t Begin() {
    file_->Begin(SectionKind::kEntities);
    return file_->offset();
  }

  const FileNumber number_;
  const std::unique_ptr<SectionFileWriter> file_;
  EntryTableWriter table_;
};

}  // namespace

Result<std::shared_ptr<const IndexRun>> IndexRun::Open(FileSystem& fs, const std::string& path,
                                                       const IndexRunInfo* expected,
                                                       FileClass file_class) {
  auto run = OpenRun(fs, path, expected, file_class);
  if (run.has_value()) return run;
  return std::move(run).error().With("open index run " + path);
}

Result<IndexRunInfo> WriteIndexRun(FileSystem& fs, RandomSource& random, std::string_view directory,
                                   FileNumber number, const std::vector<SeriesEntry>& entries,
                                   FileClass file_class) {
  CHECK(!entries.empty());
  ASSIGN_OR_RETURN(const auto writer, RunWriter::Create(fs, random, directory, number, file_class));
  for (const SeriesEntry& entry : entries) RETURN_IF_ERROR(writer->Add(entry));
  return writer->Finish();
}

Result<MergedRun> WriteIndexRun(FileSystem& fs, RandomSource& random, std::string_view directory,
                                FileNumber number, EntryCursor& entries,
                                const std::function<bool(SubjectId)>& is_live,
                                FileClass file_class) {
  std::unique_ptr<RunWriter> writer;
  for (SeriesEntry entry;;) {
    ASSIGN_OR_RETURN(const bool found, entries.Next(entry));
    if (!found) break;
    if (!is_live(entry.subject)) continue;
    if (writer == nullptr) {
      ASSIGN_OR_RETURN(writer, RunWriter::Create(fs, random, directory, number, file_class));
    }
    RETURN_IF_ERROR(writer->Add(entry));
  }
  MergedRun run;
  run.written = writer != nullptr;
  if (run.written) {
    ASSIGN_OR_RETURN(run.info, writer->Finish());
  }
  return run;
}

size_t MergeMemoryBytes(const std::vector<std::shared_ptr<const IndexRun>>& runs) {
  uint64_t entries = 0;
  uint64_t file_bytes = 0;
  size_t bytes = 0;
  for (const auto& run : runs) {
    entries += run->info().entries;
    file_bytes += run->info().file_bytes;
    bytes += EntryMemoryBytes(run->info().entries);
  }
  constexpr uint64_t kOutputBytes = FileWriter::kChunksMax * FileWriter::kChunkBytes;
  return bytes + EntryMemoryBytes(entries) +
         static_cast<size_t>(std::min(kOutputBytes, file_bytes));
}

Result<MergedRun> MergeIndexRuns(FileSystem& fs, RandomSource& random, std::string_view directory,
                                 FileNumber number,
                                 const std::vector<std::shared_ptr<const IndexRun>>& runs,
                                 const std::function<bool(SubjectId)>& is_live) {
  EntryCursors inputs;
  for (const auto& run : runs) {
    ASSIGN_OR_RETURN(auto entries, run->ListEntries(FileClass::kMerge));
    inputs.push_back(std::move(entries));
  }
  const auto entries = MergeEntries(std::move(inputs), TwoEntities::kLogged);
  return WriteIndexRun(fs, random, directory, number, *entries, is_live, FileClass::kMerge);
}

std::string IndexRunFileName(FileNumber number) { return Hex16(number) + std::string(kSuffix); }

bool ParseIndexRunFileName(std::string_view name, FileNumber& number) {
  uint64_t value = 0;
  if (name.size() != 16 + kSuffix.size() || name.substr(16) != kSuffix ||
      !ParseHex16(name.substr(0, 16), value)) {
    return false;
  }
  number = FileNumber(value);
  return true;
}

}  // namespace ficus
