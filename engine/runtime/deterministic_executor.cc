#include <algorithm>
#include <utility>
#include <vector>

#include "engine/runtime/executor.h"

namespace ficus {
namespace {

class SeededTimer final : public Executor::Timer {
 public:
  SeededTimer(int64_t due, Job job) : due_(due), job_(std::move(job)) {}

  void Cancel() override { Take(); }
  Job Take() { return std::exchange(job_, nullptr); }
  int64_t due() const { return due_; }
  bool waiting() const { return job_ != nullptr; }

 private:
  const int64_t due_;
  Job job_;
};

class SeededExecutor final : public DeterministicExecutor {
 public:
  SeededExecutor(uint64_t seed, ManualClock& clock) : random_(seed), clock_(clock) {}
  ~SeededExecutor() override { DropAll(); }

  void Post(Job job) override {
    if (!dropping_) ready_.push_back(std::move(job));
  }

  std::shared_ptr<Timer> PostAfter(int64_t delay_nanos, Job job) override {
    const int64_t now = clock_.Monotonic();
    const int64_t delay = std::clamp<int64_t>(delay_nanos, 0, INT64_MAX - now);
    auto timer = std::make_shared<SeededTimer>(now + delay, std::move(job));
    if (dropping_) {
      timer->Cancel();
    } else {
      timers_.push_back(timer);
    }
    return timer;
  }

  bool RunOne() override {
    CollectDueTimers();
    if (ready_.empty()) return false;
    const auto chosen = ready_.begin() + static_cast<ptrdiff_t>(random_.Below(ready_.size()));
    const Job job = std::move(*chosen);
    ready_.erase(chosen);
    job();
    return true;
  }

  void RunUntilIdle() override {
    while (RunOne()) {
    }
  }

  bool RunUntil(const std::function<bool()>& done) override {
    while (!done()) {
      if (RunOne()) continue;
      const int64_t due = NextDue();
      if (due == kNever) return false;
      clock_.Advance(due - clock_.Monotonic());
    }
    return true;
  }

  void Advance(int64_t nanos) override {
    const int64_t end = clock_.Monotonic() + nanos;
    RunUntilIdle();
    for (int64_t due = NextDue(); due <= end && due != kNever; due = NextDue()) {
      clock_.Advance(due - clock_.Monotonic());
      RunUntilIdle();
    }
    clock_.Advance(std::max<int64_t>(end - clock_.Monotonic(), 0));
    RunUntilIdle();
  }

  void DropAll() override {
    dropping_ = true;  // captures that post while they are destroyed post in vain
    std::exchange(ready_, {}).clear();
    for (const auto& timer : std::exchange(timers_, {})) timer->Cancel();
    dropping_ = false;
  }

 private:
  static constexpr int64_t kNever = INT64_MAX;

  // A cancelled timer may have become a ready job already; it must still not run. Hence a ready
  // timer is taken when its turn comes, not when it is due.
  void CollectDueTimers() {
    const int64_t now = clock_.Monotonic();
    const auto is_due = [now](const std::shared_ptr<SeededTimer>& timer) {
      return timer->due() <= now || !timer->waiting();
    };
    const auto due = std::stable_partition(
        timers_.begin(), timers_.end(),
        [&](const std::shared_ptr<SeededTimer>& timer) { return !is_due(timer); });
    for (auto timer = due; timer != timers_.end(); ++timer) {
      if (!(*timer)->waiting()) continue;
      ready_.push_back([expired = *timer] {
        if (const Job job = expired->Take()) job();
      });
    }
    timers_.erase(due, timers_.end());
  }

  int64_t NextDue() const {
    int64_t next = kNever;
    for (const auto& timer : timers_) {
      if (timer->waiting()) next = std::min(next, timer->due());
    }
    return next;
  }

  SeededRandom random_;
  ManualClock& clock_;
  bool dropping_ = false;
  std::vector<Job> ready_;
  std::vector<std::shared_ptr<SeededTimer>> timers_;
};

}  // namespace

std::unique_ptr<DeterministicExecutor> DeterministicExecutor::Create(uint64_t seed,
                                                                     ManualClock& clock) {
  return std::make_unique<SeededExecutor>(seed, clock);
}

}  // namespace ficus
