// A few threads that wait for the disk on behalf of one that has several things to wait for.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "engine/base/mutex.h"

namespace ficus {

// Threads start with the first call that needs them. Where the machine has none left, it works with
// fewer.
class IoPool {
 public:
  explicit IoPool(size_t threads_max) : threads_max_(threads_max) {}
  // Not during a call.
  ~IoPool();
  IoPool(const IoPool&) = delete;
  IoPool& operator=(const IoPool&) = delete;

  // Calls `work` with 0 to count - 1, some of them at the same time, and returns after the last.
  // The calling thread does its share, so a busy pool only makes it slower. Any thread.
  void ForEach(size_t count, const std::function<void(size_t)>& work);

 private:
  struct Job;

  void Start() REQUIRES(mutex_);
  void Serve();

  const size_t threads_max_;

  Mutex mutex_;
  CondVar changed_;
  std::deque<std::shared_ptr<Job>> waiting_ GUARDED_BY(mutex_);
  bool closing_ GUARDED_BY(mutex_) = false;
  bool refusal_told_ GUARDED_BY(mutex_) = false;
  std::vector<std::thread> threads_ GUARDED_BY(mutex_);
};

}  // namespace ficus
