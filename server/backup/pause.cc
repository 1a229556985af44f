#include "server/backup/pause.h"

#include "server/remote/sleeper.h"

namespace ficus {

bool PauseFor(int64_t nanos, std::stop_token stop) { return SystemSleeper().Sleep(nanos, stop); }

}  // namespace ficus
