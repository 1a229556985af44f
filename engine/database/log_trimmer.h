// Keeps the log short: trims what every table has flushed, and has the oldest rows flushed when it
// grows too long or too old.
#pragma once

#include <cstdint>

#include "engine/base/clock.h"
#include "engine/database/live_groups.h"
#include "engine/database/position_pins.h"
#include "engine/wal/log.h"

namespace ficus {

// From one thread at a time.
class LogTrimmer {
 public:
  struct Limits {
    uint64_t bytes_max = uint64_t{1} << 30;
    int64_t age_nanos = 10 * 60 * kNanosPerSecond;
  };

  LogTrimmer(const Clock& clock, const LiveGroups& groups, const PositionPins& pins, Limits limits)
      : clock_(clock), groups_(groups), pins_(pins), limits_(limits) {}

  // Trims below the oldest of: what a table has not flushed, a pin, what is not durable or has not
  // been told.
  void Trim(Log& log);
  // Beyond the limits the tables that hold the older half of the log are flushed, so that a quiet
  // shard never keeps it.
  void FlushOldest(const Log& log);

 private:
  const Clock& clock_;
  const LiveGroups& groups_;
  const PositionPins& pins_;
  const Limits limits_;
};

}  // namespace ficus
