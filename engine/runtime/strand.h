// Runs jobs one after another, in the order they were posted, on somebody else's executor. No
// thread of its own: an idle strand costs nothing.
#pragma once

#include <memory>

#include "engine/runtime/executor.h"

namespace ficus {

// All members: any thread. Copies are handles to the same strand.
class Strand {
 public:
  explicit Strand(Executor& executor);

  // Never blocks, never runs `job` before it returns.
  void Post(Job job);

  // True on the thread that is running a job of this strand.
  bool RunsHere() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace ficus
