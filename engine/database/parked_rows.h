// Gives parked batches another chance at the start of the node.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "engine/base/result.h"
#include "engine/database/completion.h"
#include "engine/database/row_router.h"
#include "engine/io/file_system.h"
#include "engine/segment/group_store.h"
#include "engine/table/routed_rows.h"

namespace ficus {

struct ParkedRowsEnvironment {
  FileSystem& log_fs;
  // The store of a group id; null when there is none on disk.
  std::function<GroupStore*(GroupId)> find_group;
  // Makes rows durable and visible as a new batch of the log, then calls `visible`.
  std::function<Result<>(std::vector<Routed>, std::function<void()> visible)> submit;
  Completion::RunUntil run_until;
};

struct ParkedRowsOutcome {
  uint64_t batches_applied = 0;
  uint64_t rows_applied = 0;
  uint64_t batches_kept = 0;
};

// Writes a parked batch again when all its rows have a place, and removes its file once that is
// durable; else the file stays as it is and the log says why. A batch of which replay could apply
// some rows is written again as a whole, and a stop before the file is gone repeats it at the next
// start: the same rows with the same versions count once. Rows of the schema are left to a person:
// the schema has been read by then. To be called once the log takes batches.
Result<ParkedRowsOutcome> ApplyParkedRows(const ParkedRowsEnvironment& environment);

}  // namespace ficus
