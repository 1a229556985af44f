// How the one log numbers its batches. Declared at the bottom because the log does not know the
// model and the model does not know the log.
#pragma once

#include "engine/base/id.h"

namespace ficus {

// Random identity of a log; a position means nothing without it.
using LogId = Id<struct LogIdTag>;
// Number of a batch in the log, from 1; the one order of the node. 0: before everything.
using LogPosition = Id<struct LogPositionTag>;
// Hybrid-clock label of a batch: nanoseconds since 1970, never backwards.
using Scn = Id<struct ScnTag>;

}  // namespace ficus
