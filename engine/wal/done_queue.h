// Calls callbacks on an executor, one after another, in the order they were pushed.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "engine/base/mutex.h"
#include "engine/runtime/executor.h"

namespace ficus {

// Unlike a strand it can be emptied by somebody who does not run on the executor: a log that closes
// must not depend on an executor that has closed already.
//
// All members: any thread.
class DoneQueue {
 public:
  using Callback = std::function<void()>;

  explicit DoneQueue(Executor& executor) : state_(std::make_shared<State>()), executor_(executor) {}

  // Never blocks and calls nothing before it returns.
  void Push(std::vector<Callback> callbacks);

  // Calls what is left on the calling thread, after waiting for the call that is under way. Not
  // from inside a callback.
  void Drain();

 private:
  struct State {
    Mutex mutex;
    CondVar changed;
    std::deque<Callback> waiting GUARDED_BY(mutex);
    bool delivering GUARDED_BY(mutex) = false;
  };
  static void Deliver(State& state);

  const std::shared_ptr<State> state_;
  Executor& executor_;
};

}  // namespace ficus
