#include "engine/io/write_plan.h"

#include <cerrno>
#include <limits>
#include <sys/types.h>

#include "engine/base/check.h"
#include "engine/io/io_error.h"
#include "engine/io/posix_file.h"

namespace ficus {

WritePlan::WritePlan(const PosixFileSystem& fs, WriteBatch& batch) {
  transfers_.reserve(batch.syncs().size() + batch.ops().size());
  results_.reserve(transfers_.capacity());
  for (WriteBatch::SyncOp& op : batch.syncs()) AddSync(op, fs);
  sync_count_ = transfers_.size();
  for (WriteBatch::Op& op : batch.ops()) AddWrite(op, fs);
  for (size_t i = sync_count_; i < transfers_.size(); ++i) {
    RefuseIfWrong(transfers_[i]);
    if (transfers_[i].finished) ReleaseSync(transfers_, transfers_[i]);
  }
}

void WritePlan::AddSync(WriteBatch::SyncOp& op, const PosixFileSystem& fs) {
  sync_count_ = transfers_.size();
  const size_t known = SyncOf(op.file);
  if (known == Transfer::kNone) {
    transfers_.push_back({.op = IoOp::kSync, .file = &PosixFileOf(*op.file, fs), .kind = op.kind});
  } else if (op.kind == SyncKind::kAll) {
    transfers_[known].kind = SyncKind::kAll;
  }
  results_.emplace_back(&op.result, known == Transfer::kNone ? sync_count_ : known);
}

void WritePlan::AddWrite(WriteBatch::Op& op, const PosixFileSystem& fs) {
  op.result = Ok();
  if (op.data.empty()) return;
  const size_t sync = SyncOf(op.file);
  if (sync != Transfer::kNone) ++transfers_[sync].writes_left;
  results_.emplace_back(&op.result, transfers_.size());
  transfers_.push_back({.op = IoOp::kWrite,
                        .file = &PosixFileOf(*op.file, fs),
                        .offset = op.offset,
                        .data = const_cast<char*>(op.data.data()),
                        .size = op.data.size(),
                        .sync = sync});
}

// Batches sync a handful of files.
size_t WritePlan::SyncOf(const File* file) const {
  for (size_t i = 0; i < sync_count_; ++i) {
    if (transfers_[i].file == file) return i;
  }
  return Transfer::kNone;
}

void WritePlan::Deliver() {
  for (const auto& [result, transfer] : results_) *result = OutcomeOf(transfers_[transfer]);
  for (const auto& [result, transfer] : results_) EnforceOutcome(transfers_[transfer], *result);
}

PosixFile& PosixFileOf(File& file, const PosixFileSystem& fs) {
  auto* posix = dynamic_cast<PosixFile*>(&file);
  CHECK(posix != nullptr && &posix->fs() == &fs) << file.path() << " is of another file system";
  return *posix;
}

void RefuseIfWrong(Transfer& transfer) {
  constexpr uint64_t kOffsetMax = std::numeric_limits<off_t>::max();
  if (transfer.op == IoOp::kSync) return;
  // The ring reads an offset of all ones as "where the file stands".
  const bool beyond = transfer.size > kOffsetMax || transfer.offset > kOffsetMax - transfer.size;
  // The kernel may be content with less alignment here and not elsewhere.
  const uint64_t bits =
      transfer.offset | reinterpret_cast<uintptr_t>(transfer.data) | transfer.size;
  const bool misaligned = transfer.file->direct() && bits % kDirectAlignment != 0;
  if (beyond || misaligned) transfer.Fail(EINVAL);
}

Result<> OutcomeOf(const Transfer& transfer) {
  CHECK(transfer.finished) << transfer.file->path();
  if (transfer.error_number == 0) return Ok();
  const std::string& path = transfer.file->path();
  if (transfer.at_end) {
    const auto size = transfer.file->Size();
    return EndOfFileError(path, size ? *size : transfer.rest_offset());
  }
  if (transfer.op == IoOp::kSync && transfer.error_number == ECANCELED) {
    return SyncCancelledError(path);
  }
  return IoError(transfer.op, path, transfer.error_number);
}

void EnforceOutcome(const Transfer& transfer, const Result<>& outcome) {
  if (outcome.has_value()) return;
  const PosixFile& file = *transfer.file;
  EnforceVerdict(transfer.op, outcome.error(), file.file_class(), file.space());
}

}  // namespace ficus
