// What a node that starts on a crash state must show.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "test/crash/number_history.h"
#include "test/crash/world.h"

namespace ficus {

struct Expectation {
  // One of these: the world before the operation under way and the one after it; only the latter
  // once it was acknowledged. More with a relaxed log, oldest first.
  std::vector<World> worlds = {World{}};
  // Finished snapshots by id, and the worlds that each may hold.
  std::map<std::string, std::vector<World>> snapshots;
  // While one is being taken: what it may hold when it is there already. Else empty.
  std::vector<World> taking;
  bool accepts_log_loss = false;
  // Given by operations that were done before.
  NumberHistory numbers;

  // Equal ones ask for the same.
  uint64_t Digest() const;
  std::string ToString() const;
};

}  // namespace ficus
