// Waiting as the decorators of stores see it: injected, ended at once by a stop.
#pragma once

#include <cstdint>
#include <stop_token>

#include "engine/base/clock.h"

namespace ficus {

// All members: any thread.
class Sleeper {
 public:
  virtual ~Sleeper() = default;
  // Returns after `nanos`, or as soon as `stop` is requested; false then.
  virtual bool Sleep(int64_t nanos, const std::stop_token& stop) = 0;
};

class SystemSleeper final : public Sleeper {
 public:
  bool Sleep(int64_t nanos, const std::stop_token& stop) override;
};

// Moves the clock on instead of waiting; for tests. The clock outlives it.
class ClockSleeper final : public Sleeper {
 public:
  explicit ClockSleeper(ManualClock& clock) : clock_(clock) {}
  bool Sleep(int64_t nanos, const std::stop_token& stop) override;

 private:
  ManualClock& clock_;
};

}  // namespace ficus
