// Lets work in until it is closed, and tells the closer when the last of it has left.
#pragma once

#include <cstddef>

#include "engine/base/mutex.h"

namespace ficus {

// All members: any thread. An object that starts work owns one; its Close() closes the gate, waits,
// then frees.
class Gate {
 public:
  // Leaves the gate when destroyed. An empty pass means that the gate was closed.
  class Pass {
   public:
    Pass() = default;
    explicit Pass(Gate* gate) : gate_(gate) {}
    Pass(Pass&& other) noexcept : gate_(other.gate_) { other.gate_ = nullptr; }
    Pass& operator=(Pass&& other) noexcept;
    Pass(const Pass&) = delete;
    Pass& operator=(const Pass&) = delete;
    ~Pass() { Leave(); }
    explicit operator bool() const { return gate_ != nullptr; }
    void Leave();

   private:
    Gate* gate_ = nullptr;
  };

  Gate() = default;
  ~Gate();
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  // A pass, or an empty one after Close().
  Pass Enter();

  // Lets nobody in any more; returns at once.
  void Shut();

  // Shut(), then waits until everyone has left. From outside the work that holds passes.
  void Close();

  bool closed() const;
  bool empty() const;

 private:
  void LeaveOne();

  mutable Mutex mutex_;
  CondVar empty_;
  size_t inside_ GUARDED_BY(mutex_) = 0;
  bool closed_ GUARDED_BY(mutex_) = false;
};

}  // namespace ficus
