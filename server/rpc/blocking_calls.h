// Calls whose answer takes a while: made on threads of their own, never on gRPC's, and given up
// when the client goes.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>

#include <grpcpp/support/server_callback.h>
#include <grpcpp/support/status.h>

#include "engine/base/mutex.h"
#include "engine/base/result.h"
#include "engine/runtime/executor.h"

namespace ficus {

// A pool with a bound on what waits for it or runs in it. Any thread.
class BoundedPool {
 public:
  BoundedPool(const std::string& name, size_t threads, size_t calls_max)
      : calls_max_(calls_max), executor_(ThreadExecutor::Create(name, threads)) {}
  ~BoundedPool() { Close(); }

  // False when the bound is reached; `job` is then dropped.
  bool Post(Job job) {
    if (calls_.fetch_add(1) >= calls_max_) {
      calls_.fetch_sub(1);
      return false;
    }
    executor_->Post([this, job = std::move(job)] {
      job();
      calls_.fetch_sub(1);
    });
    return true;
  }
  Executor& executor() { return *executor_; }
  // Once the server has stopped: a call that still waits would never be answered.
  void Close() { executor_->Close(); }

 private:
  const size_t calls_max_;
  std::atomic<size_t> calls_{0};
  std::unique_ptr<ThreadExecutor> executor_;
};

inline grpc::Status TooManyCalls() {
  return {grpc::StatusCode::RESOURCE_EXHAUSTED,
          "too many calls of this kind are under way; try again when one has ended"};
}

// One answer, made by a job. Deletes itself.
class BlockingCall final : public grpc::ServerUnaryReactor {
 public:
  // The request and the response of the call live until it is finished.
  using Work = std::function<grpc::Status(std::stop_token)>;

  static grpc::ServerUnaryReactor* Start(BoundedPool& pool, Work work) {
    auto* const call = new BlockingCall;
    const bool taken = pool.Post([call, work = std::move(work)] {
      const std::stop_token stop = call->stop_.get_token();
      call->Finish(stop.stop_requested() ? grpc::Status::CANCELLED : work(stop));
    });
    if (!taken) call->Finish(TooManyCalls());
    return call;
  }
  void OnCancel() override { stop_.request_stop(); }
  void OnDone() override { delete this; }

 private:
  std::stop_source stop_;
};

// One answer, made by somebody who calls back. A client that goes does not wait for it.
class CallbackCall final : public grpc::ServerUnaryReactor {
 public:
  using Done = std::function<void(const Result<>&)>;
  // Makes the status of an answer; called only while the call is there.
  using ToStatus = std::function<grpc::Status(const Result<>&)>;

  // `begin` starts the work and may keep its argument beyond the call; the first use answers.
  template <typename Begin>
  static grpc::ServerUnaryReactor* Start(ToStatus to_status, const Begin& begin) {
    auto* const call = new CallbackCall(std::move(to_status));
    const std::shared_ptr<CallbackCall> self = call->self_;
    begin(Done([self](const Result<>& result) { self->Answer(result); }));
    return call;
  }
  void OnCancel() override {
    if (!answered_.exchange(true)) Finish(grpc::Status::CANCELLED);
  }
  void OnDone() override {
    const std::shared_ptr<CallbackCall> last = std::move(self_);  // may delete this
  }

 private:
  explicit CallbackCall(ToStatus to_status) : to_status_(std::move(to_status)) {}

  void Answer(const Result<>& result) {
    if (!answered_.exchange(true)) Finish(to_status_(result));
  }

  const ToStatus to_status_;
  std::atomic<bool> answered_{false};
  std::shared_ptr<CallbackCall> self_{this};
};

// A stream whose content a job computes at once and whose messages are made one by one, as the
// client takes them. Deletes itself.
template <typename Response>
class PulledStream final : public grpc::ServerWriteReactor<Response> {
 public:
  // Fills the next message; false when there is none.
  using Next = std::function<bool(Response&)>;
  // Returns what the messages are made of, or the error that ends the stream.
  using Prepare = std::function<grpc::Status(std::stop_token, Next&)>;

  static grpc::ServerWriteReactor<Response>* Start(BoundedPool& pool, Prepare prepare) {
    auto* const stream = new PulledStream;
    const bool taken = pool.Post([stream, prepare = std::move(prepare)] {
      const std::stop_token stop = stream->stop_.get_token();
      const grpc::Status status =
          stop.stop_requested() ? grpc::Status::CANCELLED : prepare(stop, stream->next_);
      if (status.ok()) {
        stream->WriteNext();
      } else {
        stream->Finish(status);
      }
    });
    if (!taken) stream->Finish(TooManyCalls());
    return stream;
  }
  void OnWriteDone(bool ok) override {
    if (ok) {
      WriteNext();
    } else {
      this->Finish(grpc::Status::CANCELLED);
    }
  }
  void OnCancel() override { stop_.request_stop(); }
  void OnDone() override { delete this; }

 private:
  void WriteNext() {
    message_.Clear();
    if (next_(message_)) {
      this->StartWrite(&message_);
    } else {
      this->Finish(grpc::Status::OK);
    }
  }

  std::stop_source stop_;
  Next next_;
  Response message_;
};

// A stream that tells how things stand at intervals, until there is a last word. One message at a
// time is on its way, so a slow client gets fewer, never older ones. It lives until gRPC and the
// last job have let go of it.
template <typename Response>
class TickingStream final : public grpc::ServerWriteReactor<Response>,
                            public std::enable_shared_from_this<TickingStream<Response>> {
 public:
  enum class Told { kNothing, kMore, kLast };
  // Fills a message with the present state, on a thread of the pool. An error ends the stream.
  using Look = std::function<grpc::Status(Response&, Told&)>;

  // `first_nanos`: until the first look.
  static std::shared_ptr<TickingStream> Create(Executor& executor, int64_t first_nanos,
                                               int64_t interval_nanos, Look look) {
    std::shared_ptr<TickingStream> stream(
        new TickingStream(executor, interval_nanos, std::move(look)));
    stream->self_ = stream;
    stream->Schedule(first_nanos);
    return stream;
  }

  // Tells of the client's going and of a look that failed; work that somebody does for this stream
  // ends with it.
  std::stop_token stop_token() const { return stop_.get_token(); }

  // Ends the stream: after the message under way, all that `next` makes, then `status`. Once, from
  // any thread; looks end.
  void Conclude(std::function<bool(Response&)> next, grpc::Status status) {
    MutexLock lock(mutex_);
    if (concluded_) return;
    next_ = std::move(next);
    status_ = std::move(status);
    ConcludeNow(lock);
  }
  // Ends the stream with what `make` returns, which may use the call: it is called only while the
  // call is there.
  void ConcludeWith(const std::function<grpc::Status()>& make) {
    MutexLock lock(mutex_);
    if (concluded_) return;
    status_ = make();
    ConcludeNow(lock);
  }

  void OnWriteDone(bool ok) override {
    MutexLock lock(mutex_);
    if (!ok) {
      concluded_ = true;
      next_ = nullptr;
      status_ = grpc::Status::CANCELLED;
    }
    if (concluded_) {
      lock.Unlock();
      WriteConclusion();
      return;
    }
    busy_ = false;
    lock.Unlock();
    Schedule(interval_nanos_);
  }
  void OnCancel() override {
    stop_.request_stop();
    Conclude(nullptr, grpc::Status::CANCELLED);
  }
  void OnDone() override {
    const std::shared_ptr<TickingStream> last = std::move(self_);  // may delete this
  }

 private:
  TickingStream(Executor& executor, int64_t interval_nanos, Look look)
      : executor_(executor), interval_nanos_(interval_nanos), look_(std::move(look)) {}

  void ConcludeNow(MutexLock& lock) REQUIRES(mutex_) NO_THREAD_SAFETY_ANALYSIS {
    concluded_ = true;
    if (busy_) return;
    busy_ = true;
    lock.Unlock();
    WriteConclusion();
  }

  void Schedule(int64_t nanos) {
    executor_.PostAfter(nanos, [stream = this->shared_from_this()] { stream->Tick(); });
  }

  void Tick() {
    {
      MutexLock lock(mutex_);
      if (concluded_) return;
      busy_ = true;
    }
    message_.Clear();
    Told told = Told::kMore;
    const grpc::Status status = look_(message_, told);
    if (!status.ok()) stop_.request_stop();
    MutexLock lock(mutex_);
    if (!concluded_ && (!status.ok() || told == Told::kLast)) {
      concluded_ = true;
      status_ = status;
    }
    const bool write = status.ok() && told != Told::kNothing;
    if (concluded_ && !write) {
      lock.Unlock();
      WriteConclusion();
      return;
    }
    if (!write) {
      busy_ = false;
      lock.Unlock();
      Schedule(interval_nanos_);
      return;
    }
    lock.Unlock();
    this->StartWrite(&message_);
  }

  // The only caller of Finish; `busy_` is set and nothing is on its way.
  void WriteConclusion() {
    message_.Clear();
    if (next_ != nullptr && next_(message_)) {
      this->StartWrite(&message_);
    } else {
      this->Finish(status_);
    }
  }

  Executor& executor_;
  const int64_t interval_nanos_;
  const Look look_;
  std::stop_source stop_;
  Response message_;  // of whoever set `busy_`
  std::shared_ptr<TickingStream> self_;

  Mutex mutex_;
  bool busy_ GUARDED_BY(mutex_) = false;  // a look or a write is under way
  bool concluded_ GUARDED_BY(mutex_) = false;
  // Written once, before or with `concluded_`, then read by the one that is busy.
  std::function<bool(Response&)> next_;
  grpc::Status status_;
};

}  // namespace ficus
