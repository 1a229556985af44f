#include "engine/io/io_pool.h"

#include <algorithm>
#include <atomic>
#include <system_error>
#include <utility>

#include "engine/base/log.h"

namespace ficus {

// Outlives the call: a thread may come to it when nothing is left to be done.
struct IoPool::Job {
  const std::function<void(size_t)>* work;
  size_t count;
  std::atomic<size_t> next{0};

  Mutex mutex;
  CondVar finished;
  size_t done GUARDED_BY(mutex) = 0;

  void Take() {
    size_t taken = 0;
    for (size_t i = next++; i < count; i = next++) {
      (*work)(i);
      ++taken;
    }
    if (taken == 0) return;
    MutexLock lock(mutex);
    done += taken;
    if (done == count) finished.NotifyAll();
  }

  void Wait() {
    MutexLock lock(mutex);
    while (done < count) finished.Wait(lock);
  }
};

IoPool::~IoPool() {
  std::vector<std::thread> threads;
  {
    MutexLock lock(mutex_);
    closing_ = true;
    changed_.NotifyAll();
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
}

void IoPool::ForEach(size_t count, const std::function<void(size_t)>& work) {
  const auto job = std::make_shared<Job>();
  job->work = &work;
  job->count = count;
  if (count > 1) {
    MutexLock lock(mutex_);
    Start();
    const size_t helpers = std::min(count - 1, threads_.size());
    for (size_t i = 0; i < helpers; ++i) waiting_.push_back(job);
    changed_.NotifyAll();
  }
  job->Take();
  job->Wait();
}

// The machine may have no threads left. Those that there are do, and the caller is one of them; the
// next call tries again.
void IoPool::Start() {
  threads_.reserve(threads_max_);
  try {
    while (threads_.size() < threads_max_) threads_.emplace_back([this] { Serve(); });
  } catch (const std::system_error& refused) {
    if (std::exchange(refusal_told_, true)) return;
    LogWarn("io.no_thread", "{} of {} threads wait for the disk: {}", threads_.size(), threads_max_,
            refused.what());
  }
}

void IoPool::Serve() {
  MutexLock lock(mutex_);
  while (true) {
    while (waiting_.empty() && !closing_) changed_.Wait(lock);
    if (waiting_.empty()) return;
    const std::shared_ptr<Job> job = std::move(waiting_.front());
    waiting_.pop_front();
    lock.Unlock();
    job->Take();
    lock.Lock();
  }
}

}  // namespace ficus
