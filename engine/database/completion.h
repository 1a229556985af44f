// Something that will be done, and somebody outside the executors who waits for it.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>

#include "engine/base/mutex.h"
#include "engine/base/result.h"

namespace ficus {

// Shared between the waiter and the job that calls Set(). Set(): any thread.
class Completion {
 public:
  // As DatabaseEnvironment::run_until.
  using RunUntil = std::function<void(const std::function<bool()>&)>;

  void Set() {
    MutexLock lock(mutex_);
    set_ = true;
    changed_.NotifyAll();
  }

  void Wait(const RunUntil& run_until) { WaitOrStop(run_until, {}); }

  // False when `stop` came first.
  bool WaitOrStop(const RunUntil& run_until, const std::stop_token& stop) {
    if (run_until) {
      run_until([&] { return IsSet() || stop.stop_requested(); });
      return IsSet();
    }
    const std::stop_callback wake(stop, [this] {
      MutexLock lock(mutex_);
      changed_.NotifyAll();
    });
    MutexLock lock(mutex_);
    while (!set_ && !stop.stop_requested()) changed_.Wait(lock);
    return set_;
  }

 private:
  bool IsSet() {
    MutexLock lock(mutex_);
    return set_;
  }

  Mutex mutex_;
  CondVar changed_;
  bool set_ GUARDED_BY(mutex_) = false;
};

// Calls `done` with the first error once every copy that was handed out has been dropped or has
// reported.
class Countdown {
 public:
  using Done = std::function<void(Result<>)>;
  explicit Countdown(Done done) : done_(std::move(done)) {}
  ~Countdown() { done_(std::move(result_)); }
  Countdown(const Countdown&) = delete;
  Countdown& operator=(const Countdown&) = delete;

  void Report(const Result<>& result) {
    MutexLock lock(mutex_);
    if (result_.has_value() && !result.has_value()) result_ = result.error();
  }

 private:
  const Done done_;
  Mutex mutex_;
  Result<> result_ GUARDED_BY(mutex_);
};

}  // namespace ficus
