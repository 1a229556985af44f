// What a shard still knows of its series when an index run is lost: its parts carry the entries
// that came with their rows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "engine/base/result.h"
#include "engine/part/entry_cursor.h"
#include "engine/table/snapshot.h"

namespace ficus {

// The entries that are in parts, but in no run that can be read. Does not outlive what `snapshot`
// holds. kCorruption names the part or run that cannot be read.
Result<std::unique_ptr<EntryCursor>> ListSurvivingEntries(const Snapshot& snapshot);

// How many series have rows in some part, and an entity nowhere. Reads the entries of every part
// and run once, and the series of every block; blocks of several series are decoded. Errors as
// ListSurvivingEntries().
Result<uint64_t> CountNamelessSeries(const Snapshot& snapshot);

// What the above hold at most, one of them at a time, and with ListSurvivingEntries() the run that
// is written; for MemoryConsumer::kFlushMerge. It does not grow with the entries, but for a sparse
// index of them.
size_t RebuildMemoryBytes(const Snapshot& snapshot);

}  // namespace ficus
