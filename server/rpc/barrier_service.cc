#include "server/rpc/barrier_service.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include <fmt/core.h>

#include "engine/base/mutex.h"

namespace ficus {
namespace {

namespace schema = banyandb::schema::v1;

constexpr int kKeysMax = 10'000;
constexpr int64_t kDefaultWaitNanos = 5 * kNanosPerSecond;
constexpr int64_t kFirstPollNanos = 10 * kNanosPerMilli;
constexpr int64_t kPollNanosMax = 500 * kNanosPerMilli;

// Unset, zero and negative mean the default.
int64_t WaitOf(const google::protobuf::Duration& timeout) {
  int64_t nanos = 0;
  if (__builtin_mul_overflow(timeout.seconds(), kNanosPerSecond, &nanos) ||
      __builtin_add_overflow(nanos, static_cast<int64_t>(timeout.nanos()), &nanos)) {
    nanos = timeout.seconds() < 0 ? 0 : std::numeric_limits<int64_t>::max();
  }
  return nanos > 0 ? nanos : kDefaultWaitNanos;
}

// Null for what is not there, a kind that there is not included.
const SchemaObject* Find(const SchemaSnapshot& schemas, const schema::SchemaKey& key) {
  for (const SchemaKind kind : {SchemaKind::kGroup, SchemaKind::kStream, SchemaKind::kMeasure,
                                SchemaKind::kTrace, SchemaKind::kProperty, SchemaKind::kIndexRule,
                                SchemaKind::kIndexRuleBinding, SchemaKind::kTopNAggregation}) {
    if (SchemaKindName(kind) != key.kind()) continue;
    return kind == SchemaKind::kGroup ? schemas.FindGroup(key.name())
                                      : schemas.Find(kind, key.group(), key.name());
  }
  return nullptr;
}

// One call: looks again and again until the schemas are as awaited, the time is up or the client is
// gone.
class Awaiting final : public grpc::ServerUnaryReactor {
 public:
  // Whether the schemas are as awaited. `is_last`: the response says in any case how things stand.
  // Called only while the call is there.
  using Look = std::function<bool(const SchemaSnapshot&, bool is_last)>;

  static grpc::ServerUnaryReactor* Start(RpcContext& context, int64_t wait_nanos, Look look) {
    auto* const call = new Awaiting(context, wait_nanos, std::move(look));
    const std::shared_ptr<Awaiting> self = call->self_;  // it may end meanwhile
    self->Try(self);
    return call;
  }

  void OnCancel() override {
    {
      MutexLock lock(mutex_);
      if (std::exchange(ended_, true)) return;
    }
    Finish(grpc::Status::CANCELLED);
  }
  void OnDone() override {
    const std::shared_ptr<Awaiting> last = std::move(self_);  // may delete this
  }

 private:
  Awaiting(RpcContext& context, int64_t wait_nanos, Look look)
      : context_(context),
        look_(std::move(look)),
        // A wait beyond what the clock counts has no end.
        end_(wait_nanos > std::numeric_limits<int64_t>::max() - context.clock.Monotonic()
                 ? std::numeric_limits<int64_t>::max()
                 : context.clock.Monotonic() + wait_nanos) {}

  // One at a time: each is posted by the one before it.
  void Try(const std::shared_ptr<Awaiting>& self) {
    {
      MutexLock lock(mutex_);
      if (ended_) return;
      const int64_t left = end_ - context_.clock.Monotonic();
      ended_ = look_(*context_.database.Schema(), left <= 0) || left <= 0;
      if (!ended_) {
        context_.query_executor.PostAfter(std::min(poll_nanos_, left), [self] { self->Try(self); });
        poll_nanos_ = std::min(poll_nanos_ + poll_nanos_ / 2, kPollNanosMax);
        return;
      }
    }
    Finish(grpc::Status::OK);
  }

  RpcContext& context_;
  const Look look_;
  const int64_t end_;  // on Clock::Monotonic()
  std::shared_ptr<Awaiting> self_{this};

  Mutex mutex_;  // held during a look: the call is there
  bool ended_ GUARDED_BY(mutex_) = false;
  int64_t poll_nanos_ GUARDED_BY(mutex_) = kFirstPollNanos;
};

// Waits until no key of the request is late, as `is_late` says of the i-th; those that are when the
// time is up are named in the laggard's list that `late_keys` finds.
template <typename Request, typename Response, typename IsLate, typename LateKeys>
grpc::ServerUnaryReactor* AwaitKeys(RpcContext& context, grpc::CallbackServerContext* call,
                                    const Request* request, Response* response,
                                    const IsLate& is_late, const LateKeys& late_keys) {
  if (request->keys_size() > kKeysMax) {
    grpc::ServerUnaryReactor* const reactor = call->DefaultReactor();
    reactor->Finish(
        {grpc::StatusCode::INVALID_ARGUMENT, fmt::format("too many keys: max={}", kKeysMax)});
    return reactor;
  }
  return Awaiting::Start(
      context, WaitOf(request->timeout()),
      [request, response, is_late, late_keys](const SchemaSnapshot& schemas, bool is_last) {
        schema::NodeLaggard laggard;
        bool applied = true;
        for (int i = 0; i < request->keys_size() && (applied || is_last); ++i) {
          if (!is_late(schemas, i)) continue;
          applied = false;
          if (is_last) *late_keys(laggard).Add() = request->keys(i);
        }
        response->set_applied(applied);
        if (is_last && !applied) response->add_laggards()->Swap(&laggard);
        return applied;
      });
}

}  // namespace

BarrierService::BarrierService(RpcContext& context)
    : BoundedService(context.ledger, schema::SchemaBarrierService::service_full_name()),
      context_(context) {
  Bound(&BarrierService::AwaitRevisionApplied, "AwaitRevisionApplied");
  Bound(&BarrierService::AwaitSchemaApplied, "AwaitSchemaApplied");
  Bound(&BarrierService::AwaitSchemaDeleted, "AwaitSchemaDeleted");
}

grpc::ServerUnaryReactor* BarrierService::AwaitRevisionApplied(
    grpc::CallbackServerContext*, const schema::AwaitRevisionAppliedRequest* request,
    schema::AwaitRevisionAppliedResponse* response) {
  return Awaiting::Start(context_, WaitOf(request->timeout()),
                         [request, response](const SchemaSnapshot& schemas, bool is_last) {
                           response->set_applied(schemas.revision() >= request->min_revision());
                           if (is_last && !response->applied()) {
                             response->add_laggards()->set_current_mod_revision(schemas.revision());
                           }
                           return response->applied();
                         });
}

grpc::ServerUnaryReactor* BarrierService::AwaitSchemaApplied(
    grpc::CallbackServerContext* call, const schema::AwaitSchemaAppliedRequest* request,
    schema::AwaitSchemaAppliedResponse* response) {
  const auto is_missing = [request](const SchemaSnapshot& schemas, int number) {
    const SchemaObject* const object = Find(schemas, request->keys(number));
    return object == nullptr || (number < request->min_revisions_size() &&
                                 object->mod_revision < request->min_revisions(number));
  };
  return AwaitKeys(
      context_, call, request, response, is_missing,
      [](schema::NodeLaggard & laggard) -> auto& { return *laggard.mutable_missing_keys(); });
}

grpc::ServerUnaryReactor* BarrierService::AwaitSchemaDeleted(
    grpc::CallbackServerContext* call, const schema::AwaitSchemaDeletedRequest* request,
    schema::AwaitSchemaDeletedResponse* response) {
  const auto is_there = [request](const SchemaSnapshot& schemas, int number) {
    return Find(schemas, request->keys(number)) != nullptr;
  };
  return AwaitKeys(
      context_, call, request, response, is_there,
      [](schema::NodeLaggard & laggard) -> auto& { return *laggard.mutable_still_present_keys(); });
}

}  // namespace ficus
