// Mutex, lock and condition variable that clang's thread-safety analysis understands.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

#if defined(__clang__)
#define FICUS_ANNOTATE(x) __attribute__((x))
#else
#define FICUS_ANNOTATE(x)
#endif

// Abseil, which comes with gRPC, has some of these names, too; they mean the same.
#undef GUARDED_BY
#undef PT_GUARDED_BY
#undef NO_THREAD_SAFETY_ANALYSIS

#define CAPABILITY(x) FICUS_ANNOTATE(capability(x))
#define SCOPED_CAPABILITY FICUS_ANNOTATE(scoped_lockable)
#define GUARDED_BY(x) FICUS_ANNOTATE(guarded_by(x))
#define PT_GUARDED_BY(x) FICUS_ANNOTATE(pt_guarded_by(x))
#define REQUIRES(...) FICUS_ANNOTATE(requires_capability(__VA_ARGS__))
#define ACQUIRE(...) FICUS_ANNOTATE(acquire_capability(__VA_ARGS__))
#define RELEASE(...) FICUS_ANNOTATE(release_capability(__VA_ARGS__))
#define EXCLUDES(...) FICUS_ANNOTATE(locks_excluded(__VA_ARGS__))
#define NO_THREAD_SAFETY_ANALYSIS FICUS_ANNOTATE(no_thread_safety_analysis)

namespace ficus {

class CAPABILITY("mutex") Mutex {
 public:
  void Lock() ACQUIRE() { mutex_.lock(); }
  void Unlock() RELEASE() { mutex_.unlock(); }

 private:
  friend class MutexLock;
  std::mutex mutex_;
};

// Holds a Mutex for a scope. Unlock and Lock allow a pause, for a callback say.
class SCOPED_CAPABILITY MutexLock {
 public:
  explicit MutexLock(Mutex& mutex) ACQUIRE(mutex) : lock_(mutex.mutex_) {}
  ~MutexLock() RELEASE() {}
  MutexLock(const MutexLock&) = delete;
  MutexLock& operator=(const MutexLock&) = delete;

  void Unlock() RELEASE() { lock_.unlock(); }
  void Lock() ACQUIRE() { lock_.lock(); }

 private:
  friend class CondVar;
  std::unique_lock<std::mutex> lock_;
};

class CondVar {
 public:
  void NotifyOne() { condition_.notify_one(); }
  void NotifyAll() { condition_.notify_all(); }
  void Wait(MutexLock& lock) { condition_.wait(lock.lock_); }
  // False when `timeout` passed first.
  template <typename Rep, typename Period>
  bool WaitFor(MutexLock& lock, std::chrono::duration<Rep, Period> timeout) {
    return condition_.wait_for(lock.lock_, timeout) == std::cv_status::no_timeout;
  }

 private:
  std::condition_variable condition_;
};

}  // namespace ficus
