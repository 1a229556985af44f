#include "engine/runtime/strand.h"

#include <atomic>
#include <deque>
#include <thread>
#include <utility>

#include "engine/base/check.h"
#include "engine/base/mutex.h"

namespace ficus {

struct Strand::State : std::enable_shared_from_this<Strand::State> {
  explicit State(Executor& on) : executor(on) {}

  void Post(Job job) EXCLUDES(mutex);
  void RunFront() EXCLUDES(mutex);
  void Drop() EXCLUDES(mutex);
  void Schedule();

  Executor& executor;
  std::atomic<std::thread::id> runner{};

  Mutex mutex;
  std::deque<Job> jobs GUARDED_BY(mutex);
  // A turn waits on the executor or runs.
  bool scheduled GUARDED_BY(mutex) = false;
  bool dropped GUARDED_BY(mutex) = false;

  // One visit to the executor. Destroyed without having finished, it takes the waiting jobs with
  // it: the executor is closed, and jobs that hold their own strand would otherwise live for ever.
  class Turn {
   public:
    explicit Turn(std::shared_ptr<State> state) : state_(std::move(state)) {}
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() {
      if (state_ != nullptr) state_->Drop();
    }
    void Run() {
      state_->RunFront();
      state_.reset();
    }

   private:
    std::shared_ptr<State> state_;
  };
};

void Strand::State::Post(Job job) {
  {
    MutexLock lock(mutex);
    if (dropped) return;
    jobs.push_back(std::move(job));
    if (scheduled) return;
    scheduled = true;
  }
  Schedule();
}

void Strand::State::Schedule() {
  // A std::function is copyable, a turn is not.
  executor.Post([turn = std::make_shared<Turn>(shared_from_this())] { turn->Run(); });
}

void Strand::State::RunFront() {
  Job job;
  {
    MutexLock lock(mutex);
    CHECK(scheduled);
    if (jobs.empty()) return;  // dropped while a turn was waiting
    job = std::move(jobs.front());
    jobs.pop_front();
  }
  runner = std::this_thread::get_id();
  job();
  job = nullptr;  // captures end before the next job begins
  runner = std::thread::id();
  {
    MutexLock lock(mutex);
    scheduled = !jobs.empty();
    if (!scheduled) return;
  }
  Schedule();
}

void Strand::State::Drop() {
  std::deque<Job> orphans;  // destroyed without the lock: captures may post
  MutexLock lock(mutex);
  dropped = true;
  orphans.swap(jobs);
  lock.Unlock();
}

Strand::Strand(Executor& executor) : state_(std::make_shared<State>(executor)) {}

void Strand::Post(Job job) { state_->Post(std::move(job)); }

bool Strand::RunsHere() const { return state_->runner == std::this_thread::get_id(); }

}  // namespace ficus
