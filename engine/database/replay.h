// Brings the tables up to the end of the log.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <stop_token>
#include <string>

#include "engine/base/memory_ledger.h"
#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/database/completion.h"
#include "engine/io/file_system.h"
#include "engine/segment/group_store.h"
#include "engine/table/routed_rows.h"
#include "engine/wal/log.h"

namespace ficus {

struct ReplayOutcome {
  uint64_t batches = 0;
  uint64_t rows = 0;            // introduced
  uint64_t rows_flushed = 0;    // skipped: a manifest of this log covers them
  uint64_t rows_gone = 0;       // dropped: their group or segment is durably gone
  uint64_t batches_parked = 0;  // kept aside: something of them could not be applied
  std::set<RetiredGroup> retired_groups;
  std::vector<RemovedSegment> removed_segments;
};

// Introduces every row of the log that no manifest covers. A row is dropped only on durable
// evidence in the log itself; what cannot be accounted for is parked. Consults no schema, no clock,
// no configuration. Returns once everything is visible. Whenever the rows introduced take a quarter
// of the memory, it has them flushed and waits for that: a log may hold more than the memory does.
// kCancelled: `stop`, between two batches; the next replay finds what this one did not bring.
struct ReplayEnvironment {
  Log& log;
  FileSystem& log_fs;
  RandomSource& random;
  MemoryLedger& ledger;
  // The store of a group id; null when there is none on disk.
  std::function<GroupStore*(GroupId)> find_group;
  // As Database::FlushAll.
  std::function<void(std::function<void(Result<>)>)> flush_all;
  Completion::RunUntil run_until;
  std::stop_token stop;
};
Result<ReplayOutcome> ReplayLog(const ReplayEnvironment& environment);

// The open table that `rows` say they belong to, in `store` (may be null). kNotFound: the group,
// the segment or the shard is not there. kReadOnly: the table takes no rows.
Result<std::shared_ptr<TsTable>> FindTable(GroupStore* store, const RoutedRows& rows);

}  // namespace ficus
