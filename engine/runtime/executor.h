// Runs jobs: the engine's only way to do something later or elsewhere.
//
// Injected. ThreadExecutor runs jobs on a bounded pool; DeterministicExecutor runs them one at a
// time in an order that a seed decides, on the thread of the test, with a clock that the test owns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "engine/base/clock.h"
#include "engine/base/random.h"

namespace ficus {

// Runs once or, when the executor is closed first, never: its captures are then destroyed.
using Job = std::function<void()>;

// All members: any thread.
class Executor {
 public:
  virtual ~Executor() = default;

  // Never blocks, never runs `job` before it returns.
  virtual void Post(Job job) = 0;

  // Runs `job` not before `delay_nanos` have passed on the monotonic clock. Dropping the handle
  // does not cancel; Cancel() does, unless the job has begun.
  class Timer {
   public:
    virtual ~Timer() = default;
    virtual void Cancel() = 0;
  };
  virtual std::shared_ptr<Timer> PostAfter(int64_t delay_nanos, Job job) = 0;
};

enum class ThreadPriority : uint8_t {
  kNormal,
  kBackground,  // as StayInBackground() says: for work that nobody waits for
};

// A pool of threads over Asio, named "<name>-<n>" in the system's tools.
class ThreadExecutor : public Executor {
 public:
  // Works with fewer threads where the machine gives no more; std::system_error when it gives none.
  static std::unique_ptr<ThreadExecutor> Create(const std::string& name, size_t threads,
                                                ThreadPriority priority = ThreadPriority::kNormal);

  // Takes no more jobs, drops those that wait and the timers, waits for the running ones.
  // Idempotent; from outside the pool.
  virtual void Close() = 0;
};

// One thread, no threads: jobs run inside Run...(). `clock` moves when only timers are left.
class DeterministicExecutor : public Executor {
 public:
  static std::unique_ptr<DeterministicExecutor> Create(uint64_t seed, ManualClock& clock);

  // Runs one job that is due; false when there is none.
  virtual bool RunOne() = 0;
  // Runs jobs, and jobs they post, until none is due. Timers stay.
  virtual void RunUntilIdle() = 0;
  // As RunUntilIdle, then moves the clock to the next timer and goes on, until `done` or nothing is
  // left. False when nothing is left and `done` is still false.
  virtual bool RunUntil(const std::function<bool()>& done) = 0;
  // Moves the clock on by `nanos`, running each timer at its time.
  virtual void Advance(int64_t nanos) = 0;
  // Forgets all jobs and timers: the process "died".
  virtual void DropAll() = 0;
};

}  // namespace ficus
