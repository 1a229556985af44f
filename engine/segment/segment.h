// One time range of a group on disk: a directory with one table per shard.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/model/catalog.h"
#include "engine/model/ids.h"
#include "engine/model/time_range.h"
#include "engine/table/ts_table.h"

namespace ficus {

// A segment keeps the bounds and the shard count it was created with. Tables are opened at first
// use and closed when idle. Threads: any.
class Segment {
 public:
  virtual ~Segment() = default;

  virtual const TimeRange& times() const = 0;
  // Tells a segment from one with the same times that was removed before.
  virtual uint64_t incarnation() const = 0;
  virtual uint32_t shard_count() const = 0;
  virtual const std::string& directory() const = 0;

  // The table of a shard, opened now if it is closed. Holding the pointer keeps it open.
  // kUnavailable once the segment is being removed.
  virtual Result<std::shared_ptr<TsTable>> Shard(ShardId shard) = 0;
  // Shards whose directory exists, ascending.
  virtual std::vector<ShardId> ExistingShards() const = 0;
  // Creates the shard's directory durably where it is missing; before rows for it reach the log.
  virtual Result<> EnsureShard(ShardId shard) = 0;
};

}  // namespace ficus
