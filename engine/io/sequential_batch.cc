#include "engine/io/sequential_batch.h"

#include <algorithm>

#include "engine/io/io_error.h"

namespace ficus {

Result<> ReadOneByOne(ReadBatch& batch) {
  for (ReadBatch::Op& op : batch.ops()) op.result = op.file->ReadAt(op.offset, op.out);
  return FirstError(batch);
}

Result<> WriteOneByOne(WriteBatch& batch) {
  for (WriteBatch::Op& op : batch.ops()) op.result = op.file->WriteAt(op.offset, op.data);
  SyncOneByOne(batch);
  return FirstError(batch);
}

void SyncOneByOne(WriteBatch& batch) {
  for (WriteBatch::SyncOp& sync : batch.syncs()) {
    sync.result = HasFailedWrite(batch, *sync.file) ? SyncCancelledError(sync.file->path())
                                                    : sync.file->Sync(sync.kind);
  }
}

bool HasFailedWrite(WriteBatch& batch, const File& file) {
  const auto ops = batch.ops();
  return std::any_of(ops.begin(), ops.end(), [&file](const WriteBatch::Op& op) {
    return op.file == &file && !op.result.has_value();
  });
}

Result<> FirstError(ReadBatch& batch) {
  for (const ReadBatch::Op& op : batch.ops()) RETURN_IF_ERROR(Result<>(op.result));
  return Ok();
}

Result<> FirstError(WriteBatch& batch) {
  for (const WriteBatch::Op& op : batch.ops()) RETURN_IF_ERROR(Result<>(op.result));
  for (const WriteBatch::SyncOp& sync : batch.syncs()) RETURN_IF_ERROR(Result<>(sync.result));
  return Ok();
}

}  // namespace ficus
