#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <system_error>
#include <thread>
#include <unordered_set>
#include <utility>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <pthread.h>

#include "engine/base/check.h"
#include "engine/base/log.h"
#include "engine/base/mutex.h"
#include "engine/runtime/executor.h"
#include "engine/runtime/thread_priority.h"

namespace ficus {
namespace {

namespace asio = boost::asio;

// Keeps `now + delay` within the range of the monotonic clock.
constexpr int64_t kDelayNanosMax = int64_t{1} << 61;

// The system keeps 15 characters of a thread's name; the number must be among them.
void NameThisThread(const std::string& name, size_t number) {
  const std::string suffix = "-" + std::to_string(number);
  const size_t room = 15 - std::min<size_t>(suffix.size(), 15);
  const std::string whole = name.substr(0, room) + suffix;
  pthread_setname_np(pthread_self(), whole.c_str());
}

// The caller's handle and the waiting job share it. The Asio timer goes as soon as its wait ends,
// so that a handle may outlive the executor.
class AsioTimer final : public Executor::Timer {
 public:
  AsioTimer(asio::io_context& io, int64_t delay_nanos, Job job) : job_(std::move(job)) {
    timer_.emplace(io,
                   std::chrono::nanoseconds(std::clamp<int64_t>(delay_nanos, 0, kDelayNanosMax)));
  }

  void Cancel() override {
    Job dropped;  // destroyed without the lock
    MutexLock lock(mutex_);
    dropped.swap(job_);
    if (timer_) timer_->cancel();
    lock.Unlock();
  }

  template <typename Handler>
  void Wait(Handler handler) {
    MutexLock lock(mutex_);
    timer_->async_wait(std::move(handler));
  }

  // Ends the wait; the job, or none after Cancel().
  Job Take() {
    MutexLock lock(mutex_);
    timer_.reset();
    return std::exchange(job_, nullptr);
  }

 private:
  Mutex mutex_;
  std::optional<asio::steady_timer> timer_ GUARDED_BY(mutex_);
  Job job_ GUARDED_BY(mutex_);
};

class AsioExecutor final : public ThreadExecutor {
 public:
  AsioExecutor(const std::string& name, size_t threads, ThreadPriority priority)
      : io_(static_cast<int>(threads)), work_(asio::make_work_guard(io_)) {
    try {
      for (size_t number = 0; number < threads; ++number) StartThread(name, number, priority);
    } catch (const std::system_error& refused) {
      if (threads_.empty()) throw;
      LogWarn("executor.threads", "{} of {} threads of {}: {}", threads_.size(), threads, name,
              refused.what());
    }
  }
  ~AsioExecutor() override { Close(); }

  void Post(Job job) override {
    MutexLock lock(mutex_);
    if (closed_) {
      lock.Unlock();
      job = nullptr;
      return;
    }
    asio::post(io_, [this, job = std::move(job)]() mutable {
      if (!closed_) job();
    });
  }

  std::shared_ptr<Timer> PostAfter(int64_t delay_nanos, Job job) override {
    auto timer = std::make_shared<AsioTimer>(io_, delay_nanos, std::move(job));
    MutexLock lock(mutex_);
    if (closed_) {
      lock.Unlock();
      timer->Take();
      return timer;
    }
    timers_.insert(timer);
    timer->Wait([this, timer](const boost::system::error_code&) { Expire(timer); });
    return timer;
  }

  void Close() override {
    MutexLock close_lock(close_mutex_);
    std::unordered_set<std::shared_ptr<AsioTimer>> timers;
    {
      MutexLock lock(mutex_);
      closed_ = true;
      timers.swap(timers_);
    }
    for (const auto& timer : timers) timer->Cancel();
    // The threads run what is queued, dropping each job, and leave when nothing is left.
    work_.reset();
    for (std::thread& thread : threads_) {
      CHECK(thread.get_id() != std::this_thread::get_id()) << "closed from inside the pool";
      thread.join();
    }
    threads_.clear();
  }

 private:
  void StartThread(const std::string& name, size_t number, ThreadPriority priority)
      REQUIRES(close_mutex_) {
    // An exception leaves no one to handle it: noexcept turns it into std::terminate.
    threads_.emplace_back([this, name, number, priority]() noexcept {
      NameThisThread(name, number);
      if (priority == ThreadPriority::kBackground) StayInBackground();
      io_.run();
    });
  }

  void Expire(const std::shared_ptr<AsioTimer>& timer) {
    Job job = timer->Take();
    {
      MutexLock lock(mutex_);
      timers_.erase(timer);
      if (closed_) return;
    }
    if (job) job();
  }

  asio::io_context io_;

  Mutex close_mutex_;
  asio::executor_work_guard<asio::io_context::executor_type> work_ GUARDED_BY(close_mutex_);
  std::vector<std::thread> threads_ GUARDED_BY(close_mutex_);

  // Set under the mutex, so that nothing is posted after the pool was told to drain; read without.
  std::atomic<bool> closed_{false};

  Mutex mutex_;
  std::unordered_set<std::shared_ptr<AsioTimer>> timers_ GUARDED_BY(mutex_);
};

}  // namespace

std::unique_ptr<ThreadExecutor> ThreadExecutor::Create(const std::string& name, size_t threads,
                                                       ThreadPriority priority) {
  CHECK(threads > 0) << "a pool without threads: " << name;
  return std::make_unique<AsioExecutor>(name, threads, priority);
}

}  // namespace ficus
