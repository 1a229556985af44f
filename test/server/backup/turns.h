// Actors that take turns at one store: a test decides who makes the next request.
//
// Each actor runs on a thread of its own and makes its requests through a TurnStore. A request
// waits until the director, the thread of the test, grants it. Between two grants exactly nothing
// runs, so that a seed replays a game.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "engine/base/random.h"
#include "server/remote/object_store.h"

namespace ficus {

enum class Grant : uint8_t {
  kGo,
  kDie,          // the request is not made; it and all later ones fail
  kDieHalfDone,  // the request is made, a delete of many keys for some of them; it fails like above
};

class Actor {
 public:
  // `play` is called on the actor's thread; every request through `store()` takes a turn.
  Actor(ObjectStore& store, uint64_t seed, std::function<void(Actor& self)> play);
  // Ends the actor as if it died.
  ~Actor();
  Actor(const Actor&) = delete;
  Actor& operator=(const Actor&) = delete;

  // For the actor's thread.
  ObjectStore& store() { return *store_; }
  SeededRandom& random() { return random_; }
  // A turn without a request; false when the actor is dead.
  bool Pause() { return Wait() == Grant::kGo; }

  // For the director: lets the actor make its request and returns when it waits for the next one or
  // has ended. Nothing happens to one that has ended.
  void Step(Grant grant);
  bool has_ended();

 private:
  class TurnStore;
  Grant Wait();

  SeededRandom random_;
  std::unique_ptr<ObjectStore> store_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool is_waiting_ = false;
  bool is_granted_ = false;
  bool is_dead_ = false;
  bool has_ended_ = false;
  Grant grant_ = Grant::kGo;
  std::thread thread_;
};

}  // namespace ficus
