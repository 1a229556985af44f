#include "server/backup/pause.h"

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace ficus {

bool PauseFor(int64_t nanos, std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any condition;
  std::unique_lock<std::mutex> lock(mutex);
  condition.wait_for(lock, stop, std::chrono::nanoseconds(nanos), [] { return false; });
  return !stop.stop_requested();
}

}  // namespace ficus
