// An answer that its client must take within a time. One that lies unread holds memory which other
// calls need, and a client that answers pings is not gone for gRPC.
#pragma once

#include <cstdint>
#include <memory>
#include <thread>

#include <grpcpp/server_context.h>
#include <grpcpp/support/server_callback.h>

#include "engine/base/mutex.h"
#include "engine/runtime/executor.h"

namespace ficus {

// Of one call. Deletes itself.
class TimedAnswer final : public grpc::ServerUnaryReactor {
 public:
  // `executor` outlives the call.
  static TimedAnswer* Start(Executor& executor, grpc::CallbackServerContext& call) {
    std::shared_ptr<TimedAnswer> answer(new TimedAnswer(executor, call));
    answer->self_ = answer;
    return answer.get();
  }

  // Once, from any thread; the call may be over when it returns. Cancelled when the client has not
  // taken it `nanos` later.
  void Give(const grpc::Status& status, int64_t nanos);

  void OnDone() override;

 private:
  TimedAnswer(Executor& executor, grpc::CallbackServerContext& call)
      : executor_(executor), call_(call) {}

  void GiveUp();

  Executor& executor_;
  grpc::CallbackServerContext& call_;  // until `done_`
  std::shared_ptr<Executor::Timer> timer_;
  std::shared_ptr<TimedAnswer> self_;  // until the call is over

  Mutex mutex_;
  CondVar cancelled_;
  bool done_ GUARDED_BY(mutex_) = false;
  std::thread::id cancelling_ GUARDED_BY(mutex_);  // none but while it cancels the call
};

}  // namespace ficus
