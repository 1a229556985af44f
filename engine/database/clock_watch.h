// Notices when the wall clock steps, so that nothing is deleted by a date that may be wrong.
#pragma once

#include <cstdint>

#include "engine/base/clock.h"
#include "engine/base/mutex.h"

namespace ficus {

// Compares the wall clock with the monotonic one between two checks. All members: any thread.
class ClockWatch {
 public:
  // A step of more than `step_nanos_max`, forwards or backwards, makes the clock suspect.
  ClockWatch(const Clock& clock, int64_t step_nanos_max);

  void Check();
  // True from a step until the operator confirms the clock.
  bool suspect() const;
  void Confirm();

 private:
  const Clock& clock_;
  const int64_t step_nanos_max_;

  mutable Mutex mutex_;
  UnixNanos last_wall_ GUARDED_BY(mutex_);
  int64_t last_monotonic_ GUARDED_BY(mutex_);
  bool suspect_ GUARDED_BY(mutex_) = false;
};

}  // namespace ficus
