// The integers that name things.
#pragma once

#include <cstdint>

#include "engine/base/id.h"
#include "engine/base/log_position.h"

namespace ficus {

// Random and never reused: create, data-only delete and restore each mint a new one.
using GroupId = Id<struct GroupIdTag>;
using SubjectId = Id<struct SubjectIdTag>;  // a measure, stream or property schema

// xxhash64 of the series key, as BanyanDB computes it.
using SeriesId = Id<struct SeriesIdTag>;
using ShardId = Id<struct ShardIdTag, uint32_t>;
// Stable within a subject: given once, never reused for another column.
using ColumnId = Id<struct ColumnIdTag, uint32_t>;

// Number of a snapshot of a table, strictly rising; also the number of its manifest.
using Epoch = Id<struct EpochTag>;
// Names a part or index run within a shard; never reused, across restores too.
using FileNumber = Id<struct FileNumberTag>;

}  // namespace ficus
