#include "server/rpc/node_service.h"

#include "server/rpc/timestamp_convert.h"

namespace ficus {

grpc::ServerUnaryReactor* NodeService::GetCurrentNode(
    grpc::CallbackServerContext* call, const banyandb::database::v1::GetCurrentNodeRequest*,
    banyandb::database::v1::GetCurrentNodeResponse* response) {
  banyandb::database::v1::Node& node = *response->mutable_node();
  // BanyanDB names a standalone node by its gRPC address.
  node.mutable_metadata()->set_name(context_.grpc_address);
  node.set_grpc_address(context_.grpc_address);
  node.set_http_address(context_.http_address);
  node.add_roles(banyandb::database::v1::ROLE_META);
  node.add_roles(banyandb::database::v1::ROLE_DATA);
  node.add_roles(banyandb::database::v1::ROLE_LIAISON);
  for (const auto& [key, value] : context_.labels) (*node.mutable_labels())[key] = value;
  ToMessage(context_.database.opened_at(), *node.mutable_created_at());
  grpc::ServerUnaryReactor* const reactor = call->DefaultReactor();
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

}  // namespace ficus
