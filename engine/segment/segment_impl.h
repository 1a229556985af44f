// The segment as its group store keeps it: with the parts of its life that nobody else may touch.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/base/mutex.h"
#include "engine/segment/identity.h"
#include "engine/segment/segment.h"

namespace ficus {

class SegmentImpl final : public Segment {
 public:
  // `directory` exists and holds the identity. `table` is completed per shard.
  SegmentImpl(TableEnvironment environment, TableOptions table, std::string directory,
              SegmentIdentity identity);
  ~SegmentImpl() override { CloseTables(); }

  const TimeRange& times() const override { return identity_.times; }
  uint64_t incarnation() const override { return identity_.incarnation; }
  uint32_t shard_count() const override { return identity_.shard_count; }
  const std::string& directory() const override { return directory_; }
  Result<std::shared_ptr<TsTable>> Shard(ShardId shard) override;
  std::vector<ShardId> ExistingShards() const override;
  Result<> EnsureShard(ShardId shard) override;

  // Reads which shards exist. Once, before it is shared.
  Result<> Load();

  std::vector<std::shared_ptr<TsTable>> OpenTables() const;
  std::string ShardDirectory(ShardId shard) const;
  // Closes tables that are idle, that nobody holds and that nobody used since `used_before`
  // (monotonic). Returns how many.
  size_t CloseIdle(int64_t used_before);
  // No table is handed out any more, and the open ones start no new work.
  void Hide();
  // Nobody but the segment itself holds a table or its snapshot, and none has a job left. After
  // Hide().
  bool Unheld() const;
  bool IsDrained() const;
  void CloseTables();

 private:
  enum class State : uint8_t { kClosed, kOpening, kOpen };
  struct Slot {
    State state = State::kClosed;
    std::shared_ptr<TsTable> table;
    int64_t used = 0;  // monotonic
  };

  // Constant after construction.
  const TableEnvironment environment_;
  const TableOptions table_options_;
  const std::string directory_;
  const SegmentIdentity identity_;

  mutable Mutex mutex_;
  CondVar opened_;
  std::map<ShardId, Slot> slots_ GUARDED_BY(mutex_);  // of the shards that exist
  bool hidden_ GUARDED_BY(mutex_) = false;
};

}  // namespace ficus
