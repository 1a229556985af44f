// The integers that name things.
#pragma once

#include <cstdint>

#include "engine/base/id.h"

namespace ficus {

// Random and never reused: create, data-only delete and restore each mint a new one.
using GroupId = Id<struct GroupIdTag>;
using SubjectId = Id<struct SubjectIdTag>;  // a measure, stream or property schema
using LogId = Id<struct LogIdTag>;

// xxhash64 of the series key, as BanyanDB computes it.
using SeriesId = Id<struct SeriesIdTag>;
using ShardId = Id<struct ShardIdTag, uint32_t>;
// Stable within a subject: given once, never reused for another column.
using ColumnId = Id<struct ColumnIdTag, uint32_t>;

// Number of a batch in the log, from 1; the one order of the node. 0: before everything.
using LogPosition = Id<struct LogPositionTag>;
// Number of a snapshot of a table, strictly rising; also the number of its manifest.
using Epoch = Id<struct EpochTag>;
// Names a part or index run within a shard; never reused, across restores too.
using FileNumber = Id<struct FileNumberTag>;
// Hybrid-clock label of a batch, never backwards.
using Scn = Id<struct ScnTag>;

}  // namespace ficus
