#include "engine/io/file_writer.h"

#include <algorithm>
#include <cstring>
#include <exception>
#include <optional>
#include <utility>
#include <vector>

#include "engine/base/check.h"
#include "engine/base/planted_bug.h"
#include "engine/io/publish.h"

namespace ficus {
namespace {

class FileWriterImpl final : public FileWriter {
 public:
  FileWriterImpl(FileSystem& fs, std::string_view path, std::string temporary,
                 std::unique_ptr<File> file)
      : fs_(fs), path_(path), temporary_(std::move(temporary)), file_(std::move(file)) {}
  ~FileWriterImpl() override;
  FileWriterImpl(const FileWriterImpl&) = delete;
  FileWriterImpl& operator=(const FileWriterImpl&) = delete;

  Result<> Reserve(uint64_t bytes);
  Result<> Append(std::string_view bytes) override;
  uint64_t offset() const override { return offset_; }
  Result<> Publish() override;

 private:
  Result<> Keep(Result<> result);
  Result<> TryAppend(std::string_view bytes);
  Result<> TryPublish();
  void AddChunk();
  void FillBatch(WriteBatch& batch);
  void PadLastChunk();

  FileSystem& fs_;
  const std::string path_;
  const std::string temporary_;
  const int exceptions_ = std::uncaught_exceptions();
  std::unique_ptr<File> file_;
  std::vector<WriteChunk> chunks_;
  size_t filled_ = 0;            // bytes in chunks_: all but the last are full
  uint64_t written_ = 0;         // bytes of the file before chunks_
  uint64_t offset_ = 0;          // written_ + filled_, padding left out
  uint64_t reserved_bytes_ = 0;  // the size that Allocate gave the file
  bool published_ = false;
  std::optional<Error> error_;
};

FileWriterImpl::~FileWriterImpl() {
  // A process that stops writes nothing any more.
  if (published_ || std::uncaught_exceptions() > exceptions_) return;
  file_.reset();
  RemoveTemporary(fs_, temporary_);
}

Result<> FileWriterImpl::Reserve(uint64_t bytes) {
  reserved_bytes_ = bytes;
  return file_->Allocate(0, bytes);
}

Result<> FileWriterImpl::Append(std::string_view bytes) {
  if (error_) return *error_;
  CHECK(!published_) << path_;
  return Keep(TryAppend(bytes));
}

Result<> FileWriterImpl::Publish() {
  if (error_) return *error_;
  CHECK(!published_) << path_;
  return Keep(TryPublish());
}

Result<> FileWriterImpl::Keep(Result<> result) {
  if (!result) error_ = result.error();
  return result;
}

Result<> FileWriterImpl::TryAppend(std::string_view bytes) {
  while (!bytes.empty()) {
    if (filled_ == chunks_.size() * kChunkBytes) {
      if (chunks_.size() == kChunksMax) {
        WriteBatch batch;
        FillBatch(batch);
        RETURN_IF_ERROR(fs_.Write(batch));
        written_ += filled_;
        filled_ = 0;
      } else {
        AddChunk();
      }
    }
    const size_t in_chunk = filled_ % kChunkBytes;
    const size_t count = std::min(bytes.size(), kChunkBytes - in_chunk);
    std::memcpy(chunks_[filled_ / kChunkBytes].data() + in_chunk, bytes.data(), count);
    bytes.remove_prefix(count);
    filled_ += count;
    offset_ += count;
  }
  return Ok();
}

void FileWriterImpl::AddChunk() { chunks_.push_back(fs_.TakeChunk(kChunkBytes)); }

void FileWriterImpl::FillBatch(WriteBatch& batch) {
  for (size_t begin = 0; begin < filled_; begin += kChunkBytes) {
    const size_t count = std::min(kChunkBytes, filled_ - begin);
    batch.Write(*file_, written_ + begin, {chunks_[begin / kChunkBytes].data(), count});
  }
}

// O_DIRECT takes whole multiples of the alignment; Publish cuts the padding off.
void FileWriterImpl::PadLastChunk() {
  const size_t padded = RoundUpToDirect(filled_);
  if (padded == filled_) return;
  std::memset(chunks_[filled_ / kChunkBytes].data() + filled_ % kChunkBytes, 0, padded - filled_);
  filled_ = padded;
}

Result<> FileWriterImpl::TryPublish() {
  if (file_->direct()) PadLastChunk();
  WriteBatch batch;
  FillBatch(batch);
  const bool trim = std::max(reserved_bytes_, written_ + filled_) != offset_;
  const bool is_synced = !IsPlanted(PlantedBug::kPartNotSynced);
  if (!trim && is_synced) batch.Sync(*file_, SyncKind::kAll);
  RETURN_IF_ERROR(fs_.Write(batch));
  if (trim) {
    RETURN_IF_ERROR(file_->Truncate(offset_));
    if (is_synced) RETURN_IF_ERROR(file_->Sync(SyncKind::kAll));
  }
  RETURN_IF_ERROR(fs_.Rename(temporary_, path_, file_->file_class()));
  published_ = true;
  chunks_.clear();
  if (IsPlanted(PlantedBug::kPartDirectoryNotSynced)) return Ok();
  return fs_.SyncDirectory(ParentPath(path_), file_->file_class());
}

}  // namespace

Result<std::unique_ptr<FileWriter>> FileWriter::Create(FileSystem& fs, RandomSource& random,
                                                       std::string_view path, Options options) {
  RETURN_IF_ERROR(CheckRelativePath(path));
  std::string temporary = TemporaryName(path, random);
  const bool direct = options.expected_bytes >= kDirectBytesMin;
  ASSIGN_OR_RETURN(auto file, fs.Open(temporary, {.file_class = options.file_class,
                                                  .mode = OpenMode::kCreate,
                                                  .direct = direct}));
  auto writer = std::make_unique<FileWriterImpl>(fs, path, std::move(temporary), std::move(file));
  if (options.expected_bytes > 0) RETURN_IF_ERROR(writer->Reserve(options.expected_bytes));
  return std::unique_ptr<FileWriter>(std::move(writer));
}

}  // namespace ficus
