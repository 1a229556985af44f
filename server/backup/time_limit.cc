#include "server/backup/time_limit.h"

#include <utility>

#include "engine/base/log.h"
#include "engine/runtime/thread.h"
#include "server/backup/pause.h"

namespace ficus {

TimeLimit::TimeLimit(int64_t nanos) {
  auto watch = StartThread("a time limit", [over = over_, nanos](std::stop_token stop) mutable {
    if (PauseFor(nanos, std::move(stop))) over.request_stop();
  });
  if (watch) {
    watch_ = *std::move(watch);
    return;
  }
  LogWarn("backup.no_thread", "{}", watch.error().message);
  over_.request_stop();
}

}  // namespace ficus
