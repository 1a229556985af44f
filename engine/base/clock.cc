#include "engine/base/clock.h"

#include "engine/base/check.h"

namespace ficus {

UnixNanos SystemClock::Now() const {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

int64_t SystemClock::Monotonic() const {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

void ManualClock::Advance(int64_t nanos) {
  CHECK(nanos >= 0) << nanos;
  now_ += nanos;
  monotonic_ += nanos;
}

}  // namespace ficus
