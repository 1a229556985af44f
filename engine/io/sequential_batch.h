// Batches one operation after the other, for file systems that gain nothing from doing more at
// once.
#pragma once

#include "engine/base/result.h"
#include "engine/io/file_system.h"

namespace ficus {

// Through File::ReadAt; the first error, if any.
Result<> ReadOneByOne(ReadBatch& batch);
// All writes through File::WriteAt, then the syncs through File::Sync.
Result<> WriteOneByOne(WriteBatch& batch);

// Only the syncs.
void SyncOneByOne(WriteBatch& batch);

// Whether a write to `file` in this batch has failed: then it is not synced.
bool HasFailedWrite(WriteBatch& batch, const File& file);
// The error of the first operation that has one.
Result<> FirstError(ReadBatch& batch);
Result<> FirstError(WriteBatch& batch);

}  // namespace ficus
