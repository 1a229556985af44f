#include "server/rpc/version_service.h"

#include <utility>

#include <grpcpp/impl/codegen/rpc_service_method.h>

#include "banyandb/common/v1/rpc.pb.h"
#include "server/rpc/bounded_calls.h"

namespace ficus {

VersionService::VersionService(MemoryLedger& ledger, std::string version, std::string revision)
    : version_(std::move(version)), revision_(std::move(revision)) {
  using Request = banyandb::common::v1::GetAPIVersionRequest;
  using Response = banyandb::common::v1::GetAPIVersionResponse;
  AddMethod(new grpc::internal::RpcServiceMethod("/banyandb.common.v1.Service/GetAPIVersion",
                                                 grpc::internal::RpcMethod::NORMAL_RPC, nullptr));
  MarkMethodCallback(
      0, NewBoundedUnary<Request, Response>(
             ledger, [this](grpc::CallbackServerContext* call, const Request*, Response* response) {
               response->mutable_version()->set_version(version_);
               response->mutable_version()->set_revision(revision_);
               grpc::ServerUnaryReactor* const reactor = call->DefaultReactor();
               reactor->Finish(grpc::Status::OK);
               return reactor;
             }));
}

}  // namespace ficus
