// Waiting until a change of schemas can be used. Source: BanyanDB's public API,
// schema.v1.SchemaBarrierService.
//
// Changes are in force before they are answered here, so a client that awaits its own is answered
// at once; what is not there yet is looked for again until the time is up.
#pragma once

#include "banyandb/schema/v1/barrier.grpc.pb.h"
#include "server/rpc/bounded_calls.h"
#include "server/rpc/rpc_context.h"

namespace ficus {

class BarrierService final
    : public BoundedService<banyandb::schema::v1::SchemaBarrierService::CallbackService> {
 public:
  explicit BarrierService(RpcContext& context);

  grpc::ServerUnaryReactor* AwaitRevisionApplied(
      grpc::CallbackServerContext* call,
      const banyandb::schema::v1::AwaitRevisionAppliedRequest* request,
      banyandb::schema::v1::AwaitRevisionAppliedResponse* response) override;
  grpc::ServerUnaryReactor* AwaitSchemaApplied(
      grpc::CallbackServerContext* call,
      const banyandb::schema::v1::AwaitSchemaAppliedRequest* request,
      banyandb::schema::v1::AwaitSchemaAppliedResponse* response) override;
  grpc::ServerUnaryReactor* AwaitSchemaDeleted(
      grpc::CallbackServerContext* call,
      const banyandb::schema::v1::AwaitSchemaDeletedRequest* request,
      banyandb::schema::v1::AwaitSchemaDeletedResponse* response) override;

 private:
  RpcContext& context_;
};

}  // namespace ficus
