// The registry of groups. Source: BanyanDB's public API, database.v1.GroupRegistryService.
#pragma once

#include "banyandb/database/v1/rpc.grpc.pb.h"
#include "server/rpc/bounded_calls.h"
#include "server/rpc/rpc_context.h"

namespace ficus {

class GroupService final
    : public BoundedService<banyandb::database::v1::GroupRegistryService::CallbackService> {
 public:
  explicit GroupService(RpcContext& context);

  grpc::ServerUnaryReactor* Create(
      grpc::CallbackServerContext* call,
      const banyandb::database::v1::GroupRegistryServiceCreateRequest* request,
      banyandb::database::v1::GroupRegistryServiceCreateResponse* response) override;
  grpc::ServerUnaryReactor* Update(
      grpc::CallbackServerContext* call,
      const banyandb::database::v1::GroupRegistryServiceUpdateRequest* request,
      banyandb::database::v1::GroupRegistryServiceUpdateResponse* response) override;
  // Answers once the group is gone for readers and writers; its files go in the background (Query
  // tells).
  grpc::ServerUnaryReactor* Delete(
      grpc::CallbackServerContext* call,
      const banyandb::database::v1::GroupRegistryServiceDeleteRequest* request,
      banyandb::database::v1::GroupRegistryServiceDeleteResponse* response) override;
  grpc::ServerUnaryReactor* Get(
      grpc::CallbackServerContext* call,
      const banyandb::database::v1::GroupRegistryServiceGetRequest* request,
      banyandb::database::v1::GroupRegistryServiceGetResponse* response) override;
  grpc::ServerUnaryReactor* List(
      grpc::CallbackServerContext* call,
      const banyandb::database::v1::GroupRegistryServiceListRequest* request,
      banyandb::database::v1::GroupRegistryServiceListResponse* response) override;
  grpc::ServerUnaryReactor* Exist(
      grpc::CallbackServerContext* call,
      const banyandb::database::v1::GroupRegistryServiceExistRequest* request,
      banyandb::database::v1::GroupRegistryServiceExistResponse* response) override;
  grpc::ServerUnaryReactor* Inspect(
      grpc::CallbackServerContext* call,
      const banyandb::database::v1::GroupRegistryServiceInspectRequest* request,
      banyandb::database::v1::GroupRegistryServiceInspectResponse* response) override;
  grpc::ServerUnaryReactor* Query(
      grpc::CallbackServerContext* call,
      const banyandb::database::v1::GroupRegistryServiceQueryRequest* request,
      banyandb::database::v1::GroupRegistryServiceQueryResponse* response) override;

 private:
  Result<> CheckEmpty(const std::string& group) const;
  grpc::Status InspectNow(const std::string& group,
                          banyandb::database::v1::GroupRegistryServiceInspectResponse& response);

  RpcContext& context_;
};

}  // namespace ficus
