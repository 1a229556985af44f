#include "server/rpc/measure_service.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/log.h"
#include "engine/query/measure_execution.h"
#include "engine/query/measure_plan.h"
#include "server/rpc/measure_answer_bytes.h"
#include "server/rpc/measure_query_convert.h"
#include "server/rpc/revision_gate.h"
#include "server/rpc/status_map.h"
#include "server/rpc/timed_answer.h"

namespace ficus {
namespace {

namespace measure = banyandb::measure::v1;

class AnswerSink final : public MeasureRowSink {
 public:
  AnswerSink(const MeasureRowShape& shape, MeasureAnswerBytes& answer)
      : shape_(shape), answer_(answer) {}

  Result<> Accept(MeasureRowBatch batch) override { return answer_.AddRows(shape_, batch); }

 private:
  const MeasureRowShape& shape_;
  MeasureAnswerBytes& answer_;
};

// The client's deadline, or the configured one if that is nearer, on the monotonic clock.
int64_t DeadlineOf(const grpc::CallbackServerContext& call, const RpcContext& context) {
  const int64_t now = context.clock.Monotonic();
  const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(
                        call.deadline() - std::chrono::system_clock::now())
                        .count();
  return now + std::clamp<int64_t>(left, 0, context.query_timeout_nanos);
}

// A change of a schema is in force before it is answered, so that a client that is ahead of the
// node has its revision from elsewhere, or asks in the middle of a change.
constexpr int64_t kRevisionWaitNanos = kNanosPerSecond;
constexpr int64_t kRevisionPollNanos = 20 * kNanosPerMilli;

}  // namespace

// A query that is not answered yet: what is the call's lives until it is.
struct MeasureService::RunningQuery {
  grpc::CallbackServerContext& call;
  const measure::QueryRequest& request;
  grpc::ByteBuffer& response;
  TimedAnswer& answer;
  RevisionGate gate;
  // On Clock::Monotonic().
  int64_t received = 0;
  int64_t deadline = 0;
  int64_t wait_until = 0;  // for a schema
};

MeasureService::MeasureService(RpcContext& context)
    : BoundedService(context.ledger, banyandb::measure::v1::MeasureService::service_full_name()),
      context_(context),
      write_metrics_(context.metrics),
      queries_(context.metrics.AddCounter("ficus_queries_total", "Measure queries received.")),
      query_errors_(
          context.metrics.AddCounter("ficus_query_errors_total", "Measure queries that failed.")),
      query_seconds_(context.metrics.AddHistogram("ficus_query_seconds", "Time of a measure query.",
                                                  LatencyBounds())) {
  Bound(&MeasureService::AnswerQuery, "Query");
}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* MeasureService::Write(
    grpc::CallbackServerContext*) {
  return MeasureWriteReactor::Start(context_, write_metrics_);
}

grpc::ServerUnaryReactor* MeasureService::AnswerQuery(grpc::CallbackServerContext* call,
                                                      const measure::QueryRequest* request,
                                                      grpc::ByteBuffer* response) {
  TimedAnswer* const answer = TimedAnswer::Start(context_.query_executor, *call);
  queries_.Add();
  const int64_t now = context_.clock.Monotonic();
  const int64_t deadline = DeadlineOf(*call, context_);
  const auto query = std::make_shared<RunningQuery>(
      RunningQuery{*call, *request, *response, *answer, RevisionGate(*request), now, deadline,
                   std::min(deadline, now + kRevisionWaitNanos)});
  context_.query_executor.Post([this, query] { RunQuery(query); });
  return answer;
}

void MeasureService::RunQuery(const std::shared_ptr<RunningQuery>& query) {
  const bool is_settled = query->gate.Look(*context_.database.Schema());
  if (!is_settled && !query->call.IsCancelled() && context_.clock.Monotonic() < query->wait_until) {
    context_.query_executor.PostAfter(kRevisionPollNanos, [this, query] { RunQuery(query); });
    return;
  }
  const grpc::Status status = QueryNow(*query);
  if (!status.ok()) query_errors_.Add();
  query_seconds_.Observe(static_cast<double>(context_.clock.Monotonic() - query->received) /
                         kNanosPerSecond);
  query->answer.Give(status, context_.query_timeout_nanos);
}

grpc::Status MeasureService::QueryNow(RunningQuery& running) {
  const measure::QueryRequest& request = running.request;
  QueryLimits limits;
  limits.deadline = running.deadline;
  limits.cancelled = [&call = running.call] { return call.IsCancelled(); };
  limits.damaged_parts = context_.damaged_parts;
  // The criteria once more, as values, until they are planned.
  Result<MemoryReservation> criteria = context_.ledger.Reserve(
      MemoryConsumer::kQueries, request.has_criteria() ? request.criteria().SpaceUsedLong() : 0);
  if (!criteria.has_value()) return ToGrpcStatus(criteria.error());
  Result<MeasureQuery> query = FromMessage(request);
  if (!query.has_value()) return ToGrpcStatus(query.error());
  MeasureAnswerBytes answer(context_.ledger);
  measure::QueryResponse beside_rows;
  running.gate.FillStatuses(beside_rows);
  const auto give = [&] {
    const Result<> added = answer.Add(beside_rows);
    if (!added.has_value()) return ToGrpcStatus(added.error());
    answer.Give(running.response, MemoryOf<measure::QueryRequest, grpc::ByteBuffer>(running.call));
    return grpc::Status(grpc::Status::OK);
  };
  if (running.gate.is_shut()) return give();
  query->begin = std::max(query->begin, running.gate.created_at().value_or(query->begin));
  const PlanLimits plan_limits{&context_.ledger,
                               [&] { return CheckGoesOn(limits, context_.clock); }};
  const Result<PlannedMeasureQuery> plan = PlanMeasureQuery(
      *std::move(query), context_.database.Schema(), context_.clock.Now(), plan_limits);
  if (!plan.has_value()) return ToGrpcStatus(plan.error());
  criteria->Release();

  QueryTrace trace;
  AnswerSink sink(plan->shape(), answer);
  const QueryEnvironment environment{context_.database, context_.clock, context_.ledger};
  const Result<> run =
      RunMeasureQuery(*plan, environment, limits, sink, request.trace() ? &trace : nullptr);
  if (!run.has_value()) return ToGrpcStatus(run.error());
  if (request.trace()) ToMessage(trace.root, *beside_rows.mutable_trace()->add_spans());
  return give();
}

}  // namespace ficus
