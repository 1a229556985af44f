#include "server/remote/sleeper.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <optional>

#include "engine/base/mutex.h"

namespace ficus {

bool SystemSleeper::Sleep(int64_t nanos, const std::stop_token& stop) {
  Mutex mutex;
  CondVar stopped;
  // Under the mutex, so that it cannot come between the look at the token and the wait.
  const std::stop_callback wake(stop, [&] {
    MutexLock lock(mutex);
    stopped.NotifyAll();
  });
  const auto start = std::chrono::steady_clock::now();
  MutexLock lock(mutex);
  while (!stop.stop_requested()) {
    const auto passed = std::chrono::steady_clock::now() - start;
    const auto left = std::chrono::nanoseconds(nanos) - passed;
    if (left <= std::chrono::nanoseconds(0)) return true;
    // An hour at a time: a deadline too far away would overflow.
    stopped.WaitFor(lock, std::min<std::chrono::nanoseconds>(left, std::chrono::hours(1)));
  }
  return false;
}

bool ClockSleeper::Sleep(int64_t nanos, const std::stop_token& stop) {
  if (stop.stop_requested()) return false;
  clock_.Advance(std::max<int64_t>(nanos, 0));
  return true;
}

}  // namespace ficus
