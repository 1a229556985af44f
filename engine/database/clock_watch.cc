#include "engine/database/clock_watch.h"

#include <cstdlib>

#include "engine/base/log.h"

namespace ficus {

ClockWatch::ClockWatch(const Clock& clock, int64_t step_nanos_max)
    : clock_(clock),
      step_nanos_max_(step_nanos_max),
      last_wall_(clock.Now()),
      last_monotonic_(clock.Monotonic()) {}

void ClockWatch::Check() {
  const UnixNanos wall = clock_.Now();
  const int64_t monotonic = clock_.Monotonic();
  MutexLock lock(mutex_);
  const int64_t step = (wall - last_wall_) - (monotonic - last_monotonic_);
  last_wall_ = wall;
  last_monotonic_ = monotonic;
  if (suspect_ || std::abs(step) <= step_nanos_max_) return;
  suspect_ = true;
  LogError("clock.step",
           "the clock stepped by {} s: retention is suspended until the operator confirms it",
           step / kNanosPerSecond);
}

bool ClockWatch::suspect() const {
  MutexLock lock(mutex_);
  return suspect_;
}

void ClockWatch::Confirm() {
  MutexLock lock(mutex_);
  suspect_ = false;
}

}  // namespace ficus
