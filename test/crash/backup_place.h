// Where a scripted node keeps its backups, and how it makes them and takes them back.
#pragma once

#include <optional>
#include <string>

#include "engine/base/result.h"
#include "server/remote/memory_store.h"
#include "test/crash/world.h"
#include "test/engine/database/database_harness.h"

namespace ficus {

// One thread drives it. Jobs start threads of their own and wait for them: only one of all runs at
// a time.
class BackupPlace {
 public:
  // Backs the finished snapshot `id` up, reads the backup back, and restores it onto an empty
  // machine. An error also when that one does not show `world`.
  Result<> BackUp(DatabaseHarness& node, const std::string& id, const World& world);

  // What the newest backup holds; none before the first.
  const std::optional<World>& world() const { return world_; }

  // Stages the newest backup for the next start of the node. What an earlier restore has kept is
  // given up before.
  Result<> Stage(DatabaseHarness& node);

 private:
  Result<> Run(DatabaseHarness& node, const std::string& id);
  Result<> CheckOnEmptyMachine(const World& world);

  MemoryStore store_;
  std::string timedir_;  // of the newest backup
  std::optional<World> world_;
  int runs_ = 0;
};

}  // namespace ficus
