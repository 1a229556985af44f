#include "engine/database/removals.h"

#include <utility>

#include "engine/base/check.h"

namespace ficus {

Removals::Removals(Executor& executor, Gate& gate)
    : executor_(executor), gate_(gate), state_(std::make_shared<State>()) {}

Removals::~Removals() {
  std::vector<Go> waiting;
  Go ready;
  MutexLock lock(state_->mutex);
  // Tokens may live on in callbacks that never came.
  state_->alive = false;
  waiting.swap(state_->waiting);
  ready.swap(state_->ready);
  lock.Unlock();
}

Removals::Token Removals::RunToken() {
  return Token(nullptr, [this, state = state_](void*) {
    {
      MutexLock lock(state->mutex);
      if (!state->alive) return;
    }
    EndRun();
  });
}

Removals::Token Removals::PauseToken() {
  return Token(nullptr, [this, state = state_](void*) {
    {
      MutexLock lock(state->mutex);
      if (!state->alive) return;
    }
    EndPause();
  });
}

void Removals::Run(Go go) {
  {
    MutexLock lock(state_->mutex);
    if (state_->paused) {
      state_->waiting.push_back(std::move(go));
      return;
    }
    ++state_->running;
  }
  go(RunToken());
}

void Removals::Pause(Go ready) {
  {
    MutexLock lock(state_->mutex);
    CHECK(!state_->paused) << "removals are paused already";
    state_->paused = true;
    if (state_->running > 0) {
      state_->ready = std::move(ready);
      return;
    }
  }
  ready(PauseToken());
}

void Removals::EndRun() {
  Go ready;
  {
    MutexLock lock(state_->mutex);
    if (--state_->running > 0) return;
    ready = std::exchange(state_->ready, nullptr);
  }
  if (ready) Call(std::move(ready), PauseToken());
}

void Removals::EndPause() {
  std::vector<Go> waiting;
  {
    MutexLock lock(state_->mutex);
    state_->paused = false;
    waiting = std::exchange(state_->waiting, {});
    state_->running += waiting.size();
  }
  for (Go& go : waiting) Call(std::move(go), RunToken());
}

void Removals::Call(Go go, Token token) {
  auto pass = std::make_shared<Gate::Pass>(gate_.Enter());
  if (!*pass) {
    go(std::move(token));
    return;
  }
  executor_.Post([pass, go = std::move(go), token = std::move(token)] { go(token); });
}

}  // namespace ficus
