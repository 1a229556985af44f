// Who this node is. Source: BanyanDB's public API, database.v1.NodeQueryService.
#pragma once

#include "banyandb/database/v1/rpc.grpc.pb.h"
#include "server/rpc/bounded_calls.h"
#include "server/rpc/rpc_context.h"

namespace ficus {

class NodeService final
    : public BoundedService<banyandb::database::v1::NodeQueryService::CallbackService> {
 public:
  explicit NodeService(RpcContext& context)
      : BoundedService(context.ledger,
                       banyandb::database::v1::NodeQueryService::service_full_name()),
        context_(context) {
    Bound(&NodeService::GetCurrentNode, "GetCurrentNode");
  }

  grpc::ServerUnaryReactor* GetCurrentNode(
      grpc::CallbackServerContext* call,
      const banyandb::database::v1::GetCurrentNodeRequest* request,
      banyandb::database::v1::GetCurrentNodeResponse* response) override;

 private:
  RpcContext& context_;
};

}  // namespace ficus
