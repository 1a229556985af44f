// Writing and querying measures. Source: BanyanDB's public API, measure.v1.MeasureService.
#pragma once

#include <memory>

#include "banyandb/measure/v1/rpc.grpc.pb.h"
#include "server/rpc/bounded_calls.h"
#include "server/rpc/measure_write_reactor.h"
#include "server/rpc/rpc_context.h"

namespace ficus {

// Write takes the messages as bytes: they are walked by hand, never parsed into generated classes.
// The methods but Write and Query answer UNIMPLEMENTED, and their requests are not even parsed.
template <typename Base>
using MeasureMethods = banyandb::measure::v1::MeasureService::WithRawCallbackMethod_Write<
    banyandb::measure::v1::MeasureService::WithRawCallbackMethod_TopN<
        banyandb::measure::v1::MeasureService::WithRawCallbackMethod_DeleteExpiredSegments<
            banyandb::measure::v1::MeasureService::WithCallbackMethod_Query<Base>>>>;

class MeasureService final
    : public BoundedService<MeasureMethods<banyandb::measure::v1::MeasureService::Service>> {
 public:
  explicit MeasureService(RpcContext& context);

  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Write(
      grpc::CallbackServerContext* call) override;

  // Of Query. The answer is written as bytes, never made of generated classes.
  grpc::ServerUnaryReactor* AnswerQuery(grpc::CallbackServerContext* call,
                                        const banyandb::measure::v1::QueryRequest* request,
                                        grpc::ByteBuffer* response);

 private:
  struct RunningQuery;

  // Answers the query, or tries again a little later while a schema is waited for.
  void RunQuery(const std::shared_ptr<RunningQuery>& query);
  grpc::Status QueryNow(RunningQuery& query);

  RpcContext& context_;
  WriteMetrics write_metrics_;
  Counter& queries_;
  Counter& query_errors_;
  Histogram& query_seconds_;
};

}  // namespace ficus
