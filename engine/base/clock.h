// Time as the engine sees it: injected, so that a test can hold it still, jump it, or run it fast.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>

namespace ficus {

// Nanoseconds since 1970-01-01T00:00:00Z. The range of int64 ends at 2262-04-11.
using UnixNanos = int64_t;

inline constexpr int64_t kNanosPerMilli = 1'000'000;
inline constexpr int64_t kNanosPerSecond = 1'000'000'000;
inline constexpr int64_t kNanosPerHour = 3600 * kNanosPerSecond;
inline constexpr int64_t kNanosPerDay = 24 * kNanosPerHour;

// All members: any thread.
class Clock {
 public:
  virtual ~Clock() = default;

  // Wall clock, UTC. May step in both directions.
  virtual UnixNanos Now() const = 0;

  // Nanoseconds since an arbitrary start; never goes back.
  virtual int64_t Monotonic() const = 0;
};

// The clocks of the operating system.
class SystemClock final : public Clock {
 public:
  UnixNanos Now() const override;
  int64_t Monotonic() const override;
};

// Stands still until told otherwise. For tests and the deterministic scheduler.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(UnixNanos now) : now_(now) {}

  UnixNanos Now() const override { return now_.load(); }
  int64_t Monotonic() const override { return monotonic_.load(); }

  // Both clocks move on by `nanos` >= 0.
  void Advance(int64_t nanos);
  // Only the wall clock moves, as when an operator or NTP steps it.
  void StepWall(int64_t nanos) { now_ += nanos; }

 private:
  std::atomic<int64_t> now_;
  std::atomic<int64_t> monotonic_{0};
};

}  // namespace ficus
