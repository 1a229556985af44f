// Waiting that a stop request ends, behind a seam so that a test can let time pass at once.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>

namespace ficus {

// Returns after `nanos`, or with false as soon as `stop` is requested.
using Pause = std::function<bool(int64_t nanos, std::stop_token stop)>;

// The real one.
bool PauseFor(int64_t nanos, std::stop_token stop);

}  // namespace ficus
