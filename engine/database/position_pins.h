// Log positions that must not be trimmed yet although no table holds them: batches on their way
// from the log to the tables, and removals that are not finished.
#pragma once

#include <memory>
#include <optional>
#include <set>

#include "engine/base/log_position.h"
#include "engine/base/mutex.h"

namespace ficus {

// All members: any thread. Pins may outlive it.
class PositionPins {
 public:
  PositionPins() : state_(std::make_shared<State>()) {}

  // Held until the last copy is dropped.
  using Pin = std::shared_ptr<void>;
  Pin Take(LogPosition position) {
    MutexLock lock(state_->mutex);
    state_->positions.insert(position);
    return Pin(nullptr, [state = state_, position](void*) {
      MutexLock release(state->mutex);
      state->positions.erase(state->positions.find(position));
    });
  }

  std::optional<LogPosition> Oldest() const {
    MutexLock lock(state_->mutex);
    if (state_->positions.empty()) return std::nullopt;
    return *state_->positions.begin();
  }

 private:
  struct State {
    Mutex mutex;
    std::multiset<LogPosition> positions GUARDED_BY(mutex);
  };
  const std::shared_ptr<State> state_;
};

}  // namespace ficus
