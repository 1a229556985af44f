// Tries out what a destination can do, with objects of its own below `_meta/probe/`.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "server/remote/object_store.h"

namespace ficus {

struct RemoteCheck {
  std::string name;  // "create only if absent", "ranged read", ...
  bool passed = false;
  std::string text;  // what happened
};

// Runs every check whatever the others say and removes the objects at the end. `id` keeps probes
// apart that run at the same time. kCancelled only.
Result<std::vector<RemoteCheck>> ProbeRemote(ObjectStore& store, const std::string& id,
                                             std::stop_token stop);

}  // namespace ficus
