// Tries out what a store really does, with objects of its own that it removes again.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "engine/base/random.h"
#include "engine/base/result.h"
#include "server/remote/object_store.h"

namespace ficus {

struct ProbeVerdict {
  std::string name;  // "put if absent"
  bool ok = false;
  std::string detail;  // what was wrong, or what was seen
  friend bool operator==(const ProbeVerdict&, const ProbeVerdict&) = default;
};

// Puts, reads, copies, lists and deletes objects below "_meta/probe-<random>/". A check that fails
// does not keep the others from being made, except that nothing is read that could not be written.
// The last verdict is "clean up": whether nothing was left behind; it is tried after a stop, too.
// kCancelled when stopped.
Result<std::vector<ProbeVerdict>> ProbeStore(ObjectStore& store, RandomSource& random,
                                             std::stop_token stop);

// Whether every verdict is good.
bool AllOk(const std::vector<ProbeVerdict>& verdicts);

}  // namespace ficus
