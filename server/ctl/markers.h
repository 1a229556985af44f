// What the operator tells the next start of the node.
#pragma once

#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/io/file_system.h"

namespace ficus {

// The node rooted at `fs` may start although its log is missing, foreign or shortened: rows that
// were acknowledged may be gone. Taken once. kUnavailable: the node is running.
Result<> AcceptLogLoss(FileSystem& fs, RandomSource& random);

}  // namespace ficus
