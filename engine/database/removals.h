// When something may be taken away: not while a snapshot still waits for the files of its position.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "engine/base/gate.h"
#include "engine/base/mutex.h"
#include "engine/runtime/executor.h"

namespace ficus {

// Any number of removals run beside each other, or one pause. All members: any thread.
class Removals {
 public:
  // Held until the removal has taken effect, or until the pause is over.
  using Token = std::shared_ptr<void>;
  using Go = std::function<void(Token)>;

  // Both outlive it. Waiting calls run on `executor`; those that wait when the gate is closed are
  // made at once, where they meet the closed gate.
  Removals(Executor& executor, Gate& gate);
  ~Removals();
  Removals(const Removals&) = delete;
  Removals& operator=(const Removals&) = delete;

  // Calls `go` at once, or when the pause is over.
  void Run(Go go);
  // Calls `ready` once no removal is under way; from then on none begins. One at a time (CHECKed).
  void Pause(Go ready);

 private:
  struct State {
    Mutex mutex;
    bool alive GUARDED_BY(mutex) = true;
    bool paused GUARDED_BY(mutex) = false;  // or about to be
    size_t running GUARDED_BY(mutex) = 0;
    Go ready GUARDED_BY(mutex);
    std::vector<Go> waiting GUARDED_BY(mutex);
  };

  Token RunToken();
  Token PauseToken();
  void EndRun();
  void EndPause();
  void Call(Go go, Token token);

  Executor& executor_;
  Gate& gate_;
  const std::shared_ptr<State> state_;
};

}  // namespace ficus
