#include "engine/wal/log_file_maker.h"

#include <algorithm>
#include <cstring>

#include "engine/base/planted_bug.h"
#include "engine/io/aligned_buffer.h"
#include "engine/io/publish.h"

namespace ficus {
namespace {

// Small enough, written and synced, that a commit on the same thread does not wait long behind it.
constexpr size_t kZerosPerStep = 1 << 20;

}  // namespace

LogFileMaker::LogFileMaker(FileSystem& fs, RandomSource& random, uint64_t number, uint64_t bytes)
    : fs_(fs),
      number_(number),
      temporary_(TemporaryName(LogFileName(number), random)),
      bytes_(AlignToGroup(bytes)) {}

Result<bool> LogFileMaker::Step() {
  if (Result<> done = Work(); !done) {
    Discard();
    return std::move(done).error();
  }
  if (zeros_end_ < bytes_) return false;
  RETURN_IF_ERROR(file_->Sync(SyncKind::kAll));
  synced_ = true;
  return true;
}

Result<> LogFileMaker::Work() {
  if (file_ == nullptr) {
    // Past the page cache: memory for zeros that nobody reads costs more than writing them does, at
    // the cost of commits on the same core.
    ASSIGN_OR_RETURN(file_, fs_.Open(temporary_, {.file_class = FileClass::kLog,
                                                  .mode = OpenMode::kCreate,
                                                  .direct = true}));
    return Ok();
  }
  if (allocated_end_ < bytes_) {
    RETURN_IF_ERROR(file_->Allocate(allocated_end_, bytes_ - allocated_end_));
    allocated_end_ = bytes_;
    return Ok();
  }
  if (!hurry_) return WriteZeros();
  zeros_end_ = bytes_;
  return Ok();
}

Result<> LogFileMaker::WriteZeros() {
  AlignedBuffer memory(std::min<uint64_t>(kZerosPerStep, bytes_ - zeros_end_));
  std::memset(memory.data(), 0, memory.size());
  const std::string_view zeros(memory.data(), memory.size());
  WriteBatch batch;
  batch.Write(*file_, zeros_end_, zeros);
  zeros_end_ += zeros.size();
  // The last sync would otherwise write all of the file while commits wait; it has the last piece.
  if (zeros_end_ < bytes_) batch.Sync(*file_, SyncKind::kData);
  return fs_.Write(batch);
}

Result<std::unique_ptr<File>> LogFileMaker::Publish(const LogFileHeader& header) {
  if (!renamed_) RETURN_IF_ERROR(WriteHeaderAndRename(header));
  if (!durable_ && !IsPlanted(PlantedBug::kLogFileDirectoryNotSynced)) {
    RETURN_IF_ERROR(fs_.SyncDirectory("", FileClass::kLog));
  }
  durable_ = true;
  return fs_.Open(LogFileName(number_),
                  {.file_class = FileClass::kLog, .mode = OpenMode::kReadWrite});
}

Result<> LogFileMaker::WriteHeaderAndRename(const LogFileHeader& header) {
  const std::string bytes = EncodeLogFileHeader(header);
  chain_ = LogHeaderChain(bytes);
  AlignedBuffer memory(bytes.size());
  std::memcpy(memory.data(), bytes.data(), bytes.size());
  WriteBatch batch;
  batch.Write(*file_, 0, {memory.data(), memory.size()});
  if (!IsPlanted(PlantedBug::kLogFileHeaderNotSynced)) batch.Sync(*file_, SyncKind::kAll);
  RETURN_IF_ERROR(fs_.Write(batch));
  RETURN_IF_ERROR(fs_.Rename(temporary_, LogFileName(number_), FileClass::kLog));
  renamed_ = true;
  file_.reset();
  return Ok();
}

void LogFileMaker::Extend(uint64_t bytes) {
  if (renamed_ || AlignToGroup(bytes) <= bytes_) return;
  bytes_ = AlignToGroup(bytes);
  synced_ = false;
}

void LogFileMaker::Discard() {
  file_.reset();
  if (!renamed_) RemoveTemporary(fs_, temporary_);
}

}  // namespace ficus
