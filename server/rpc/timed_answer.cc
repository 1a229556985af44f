#include "server/rpc/timed_answer.h"

#include <utility>

#include "engine/base/log.h"

namespace ficus {

void TimedAnswer::Give(const grpc::Status& status, int64_t nanos) {
  timer_ = executor_.PostAfter(nanos, [self = self_] { self->GiveUp(); });
  Finish(status);
}

void TimedAnswer::GiveUp() {
  const std::thread::id nobody;
  {
    MutexLock lock(mutex_);
    if (done_) return;
    cancelling_ = std::this_thread::get_id();
  }
  LogWarn("rpc.untaken", "{} has not taken its answer; the call is cancelled", call_.peer());
  call_.TryCancel();
  MutexLock lock(mutex_);
  cancelling_ = nobody;
  cancelled_.NotifyAll();
}

// gRPC may call it from within TryCancel, and takes the call away when it returns.
void TimedAnswer::OnDone() {
  const std::shared_ptr<TimedAnswer> last = std::move(self_);  // deletes this at the end
  if (timer_ != nullptr) timer_->Cancel();
  MutexLock lock(mutex_);
  done_ = true;
  while (cancelling_ != std::thread::id() && cancelling_ != std::this_thread::get_id()) {
    cancelled_.Wait(lock);
  }
}

}  // namespace ficus
