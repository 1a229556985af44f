// SIGINT and SIGTERM as a stop token, for commands that end in order.
#pragma once

#include <stop_token>

namespace ficus {

// From now on the two signals stop the token instead of the process; a second one ends the process
// at once. The first call must come before other threads start.
std::stop_token WatchInterrupts();

// The signal that came; 0 when none did.
int InterruptSignal();

}  // namespace ficus
