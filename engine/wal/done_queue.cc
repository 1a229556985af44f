#include "engine/wal/done_queue.h"

#include <iterator>
#include <utility>

namespace ficus {

void DoneQueue::Push(std::vector<Callback> callbacks) {
  if (callbacks.empty()) return;
  {
    MutexLock lock(state_->mutex);
    state_->waiting.insert(state_->waiting.end(), std::make_move_iterator(callbacks.begin()),
                           std::make_move_iterator(callbacks.end()));
  }
  executor_.Post([state = state_] {
    {
      MutexLock lock(state->mutex);
      if (state->delivering) return;  // whoever delivers sees the new ones, too
      state->delivering = true;
    }
    Deliver(*state);
  });
}

void DoneQueue::Drain() {
  {
    MutexLock lock(state_->mutex);
    while (state_->delivering) state_->changed.Wait(lock);
    state_->delivering = true;
  }
  Deliver(*state_);
}

void DoneQueue::Deliver(State& state) {
  MutexLock lock(state.mutex);
  while (!state.waiting.empty()) {
    std::deque<Callback> batch;
    batch.swap(state.waiting);
    lock.Unlock();
    for (Callback& callback : batch) {
      callback();
      callback = nullptr;
    }
    lock.Lock();
  }
  state.delivering = false;
  state.changed.NotifyAll();
}

}  // namespace ficus
