#include "engine/base/gate.h"

#include "engine/base/check.h"

namespace ficus {

Gate::Pass& Gate::Pass::operator=(Pass&& other) noexcept {
  if (this != &other) {
    Leave();
    gate_ = other.gate_;
    other.gate_ = nullptr;
  }
  return *this;
}

void Gate::Pass::Leave() {
  if (gate_ == nullptr) return;
  gate_->LeaveOne();
  gate_ = nullptr;
}

Gate::~Gate() {
  MutexLock lock(mutex_);
  CHECK(inside_ == 0) << "a gate dies with " << inside_ << " inside";
}

Gate::Pass Gate::Enter() {
  MutexLock lock(mutex_);
  if (closed_) return Pass();
  ++inside_;
  return Pass(this);
}

void Gate::Shut() {
  MutexLock lock(mutex_);
  closed_ = true;
}

void Gate::Close() {
  MutexLock lock(mutex_);
  closed_ = true;
  while (inside_ > 0) empty_.Wait(lock);
}

bool Gate::closed() const {
  MutexLock lock(mutex_);
  return closed_;
}

bool Gate::empty() const {
  MutexLock lock(mutex_);
  return inside_ == 0;
}

void Gate::LeaveOne() {
  MutexLock lock(mutex_);
  CHECK(inside_ > 0);
  // Notified under the lock: the closer may free the gate as soon as it wakes.
  if (--inside_ == 0) empty_.NotifyAll();
}

}  // namespace ficus
