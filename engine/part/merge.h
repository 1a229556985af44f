// The k-way merge of sorted rows: flush (mem parts to a part), merge (parts to a part) and query
// share it.
#pragma once

#include <functional>
#include <limits>
#include <memory>
#include <vector>

#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/part/entry_cursor.h"
#include "engine/part/mem_part.h"
#include "engine/part/part.h"
#include "engine/part/part_writer.h"
#include "engine/part/row_source.h"

namespace ficus {

// A cursor over the union of `inputs`, oldest in log order first. Of rows with equal series and
// timestamp only the winner comes out: highest version, then the oldest input. Holds one run per
// input; a run that it copies together is charged to `ledger` and may be refused.
std::unique_ptr<RowCursor> MergeCursors(std::vector<std::unique_ptr<RowCursor>> inputs,
                                        MemoryLedger& ledger);

struct MergeRules {
  // Rows and entries of a subject for which this is false are dropped: its schema or group is gone.
  std::function<bool(SubjectId)> is_live = [](SubjectId) { return true; };
  // Rows below this time are dropped: beyond TTL. Minimum of int64: none.
  UnixNanos drop_before = std::numeric_limits<UnixNanos>::min();
  // Tombstones go: only when the merge covers all older data of the shard and nothing is set aside.
  bool drop_tombstones = false;
  // Called now and then with the bytes written; an error ends the merge with it (closing,
  // cancelled, throttled).
  std::function<Result<>(uint64_t)> progress = [](uint64_t) { return Ok(); };
};

struct MergeOutcome {
  bool empty = false;  // every row was dropped; nothing was written
  PartInfo info;
  uint64_t blocks_copied = 0;
  uint64_t blocks_rewritten = 0;
};

// The series entries of mem parts (oldest first), which outlive the cursor.
std::unique_ptr<EntryCursor> EntriesOf(const std::vector<std::shared_ptr<const MemPart>>& parts,
                                       TwoEntities two_entities);

// What a flush or a merge holds beside its inputs, for MemoryConsumer::kFlushMerge. An estimate:
// how wide the rows are is known only once they are read.
size_t FlushMemoryBytes(const std::vector<std::shared_ptr<const MemPart>>& parts);
size_t MergeMemoryBytes(const std::vector<std::shared_ptr<const Part>>& parts);

// Writes the rows and entries of mem parts (oldest first) as one part.
Result<MergeOutcome> FlushMemParts(FileSystem& fs, RandomSource& random, std::string_view directory,
                                   const std::vector<std::shared_ptr<const MemPart>>& parts,
                                   const MergeRules& rules, PartOptions options);

// Merges parts (oldest first in log order). A block that no other input overlaps is copied byte for
// byte after its checksum was verified, unless it is so small, or so shared, that rewriting pays.
// kCorruption names the damaged part. The entries that the parts carry go on, and with them
// `older_entries`, oldest first: a part that carries all series of the shard stands for itself.
Result<MergeOutcome> MergeParts(FileSystem& fs, RandomSource& random, std::string_view directory,
                                const std::vector<std::shared_ptr<const Part>>& parts,
                                EntryCursors older_entries, const MergeRules& rules,
                                PartOptions options);

}  // namespace ficus
