// The registry services of measures, index rules, bindings and top-N aggregations: one pattern, one
// template.
//
// Source: BanyanDB's public API, database.v1: Create, Update, Delete, Get, List, Exist. A change
// answers once it is durable and in force.
#pragma once

#include <memory>
#include <string>

#include "banyandb/database/v1/rpc.grpc.pb.h"
#include "engine/schema/schema_object.h"
#include "server/rpc/bounded_calls.h"
#include "server/rpc/rpc_context.h"
#include "server/rpc/schema_change.h"
#include "server/rpc/schema_convert.h"
#include "server/rpc/status_map.h"

namespace ficus {

// `Traits` names the generated types of one registry and says where the object is in its messages.
template <typename Traits>
class RegistryService final : public BoundedService<typename Traits::CallbackService> {
 public:
  explicit RegistryService(RpcContext& context)
      : BoundedService<typename Traits::CallbackService>(context.ledger, Traits::ServiceName()),
        context_(context) {
    this->Bound(&RegistryService::Create, "Create");
    this->Bound(&RegistryService::Update, "Update");
    this->Bound(&RegistryService::Delete, "Delete");
    this->Bound(&RegistryService::Get, "Get");
    this->Bound(&RegistryService::List, "List");
    this->Bound(&RegistryService::Exist, "Exist");
  }

  grpc::ServerUnaryReactor* Create(grpc::CallbackServerContext* call,
                                   const typename Traits::CreateRequest* request,
                                   typename Traits::CreateResponse* response) override {
    return Change(call, Traits::ObjectOf(*request), response,
                  [this](SchemaObject proposal, const SchemaRegistry& registry) {
                    return registry.PrepareCreate(std::move(proposal), context_.clock.Now(),
                                                  context_.random);
                  });
  }

  grpc::ServerUnaryReactor* Update(grpc::CallbackServerContext* call,
                                   const typename Traits::UpdateRequest* request,
                                   typename Traits::UpdateResponse* response) override {
    return Change(call, Traits::ObjectOf(*request), response,
                  [this](SchemaObject proposal, const SchemaRegistry& registry) {
                    return registry.PrepareUpdate(std::move(proposal), context_.clock.Now());
                  });
  }

  grpc::ServerUnaryReactor* Delete(grpc::CallbackServerContext* call,
                                   const typename Traits::DeleteRequest* request,
                                   typename Traits::DeleteResponse* response) override {
    grpc::ServerUnaryReactor* const reactor = call->DefaultReactor();
    const SchemaKey key = KeyOf(request->metadata());
    context_.database.ChangeSchema(
        [this, key](const SchemaRegistry& registry) {
          return registry.PrepareDelete(key, context_.clock.Now());
        },
        [this, reactor, response](const Result<SchemaChange>& change) {
          if (!change.has_value()) {
            reactor->Finish(ToGrpcStatus(change.error()));
            return;
          }
          response->set_deleted(!change->no_op());
          response->set_delete_time(context_.clock.Now());
          reactor->Finish(grpc::Status::OK);
        });
    return reactor;
  }

  grpc::ServerUnaryReactor* Get(grpc::CallbackServerContext* call,
                                const typename Traits::GetRequest* request,
                                typename Traits::GetResponse* response) override {
    grpc::ServerUnaryReactor* const reactor = call->DefaultReactor();
    const std::shared_ptr<const SchemaSnapshot> schema = context_.database.Schema();
    const SchemaObject* const object = schema->Find(KeyOf(request->metadata()));
    if (object == nullptr) {
      reactor->Finish(ResourceNotFound());
      return reactor;
    }
    ToMessage(*object, *Traits::MutableObject(*response));
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

  grpc::ServerUnaryReactor* List(grpc::CallbackServerContext* call,
                                 const typename Traits::ListRequest* request,
                                 typename Traits::ListResponse* response) override {
    grpc::ServerUnaryReactor* const reactor = call->DefaultReactor();
    if (request->group().empty()) {
      reactor->Finish(InvalidGroupField());
      return reactor;
    }
    const std::shared_ptr<const SchemaSnapshot> schema = context_.database.Schema();
    for (const SchemaObject* object : schema->List(Traits::kKind, request->group())) {
      ToMessage(*object, *Traits::AddObject(*response));
    }
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

  grpc::ServerUnaryReactor* Exist(grpc::CallbackServerContext* call,
                                  const typename Traits::ExistRequest* request,
                                  typename Traits::ExistResponse* response) override {
    grpc::ServerUnaryReactor* const reactor = call->DefaultReactor();
    const std::shared_ptr<const SchemaSnapshot> schema = context_.database.Schema();
    response->set_has_group(schema->FindGroup(request->metadata().group()) != nullptr);
    Traits::SetExists(*response, schema->Find(KeyOf(request->metadata())) != nullptr);
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

 private:
  static SchemaKey KeyOf(const banyandb::common::v1::Metadata& metadata) {
    return {Traits::kKind, metadata.group(), metadata.name()};
  }

  template <typename Message, typename Response, typename Prepare>
  grpc::ServerUnaryReactor* Change(grpc::CallbackServerContext* call, const Message* message,
                                   Response* response, Prepare prepare) {
    grpc::ServerUnaryReactor* const reactor = call->DefaultReactor();
    if (message == nullptr) {
      reactor->Finish(MissingObject(Traits::kKind));
      return reactor;
    }
    Result<SchemaObject> proposal = FromMessage(*message);
    if (!proposal.has_value()) {
      reactor->Finish(ToGrpcStatus(proposal.error()));
      return reactor;
    }
    context_.database.ChangeSchema(
        [prepare, proposal = *std::move(proposal)](const SchemaRegistry& registry) {
          return prepare(proposal, registry);
        },
        [reactor, response](const Result<SchemaChange>& change) {
          FinishChange(reactor, response, change);
        });
    return reactor;
  }

  RpcContext& context_;
};

// What differs between the registries; `lower` is the name of the object's field.
#define FICUS_REGISTRY_TRAITS(Name, lower)                                                   \
  struct Name##RegistryTraits {                                                              \
    using CallbackService = banyandb::database::v1::Name##RegistryService::CallbackService;  \
    using CreateRequest = banyandb::database::v1::Name##RegistryServiceCreateRequest;        \
    using CreateResponse = banyandb::database::v1::Name##RegistryServiceCreateResponse;      \
    using UpdateRequest = banyandb::database::v1::Name##RegistryServiceUpdateRequest;        \
    using UpdateResponse = banyandb::database::v1::Name##RegistryServiceUpdateResponse;      \
    using DeleteRequest = banyandb::database::v1::Name##RegistryServiceDeleteRequest;        \
    using DeleteResponse = banyandb::database::v1::Name##RegistryServiceDeleteResponse;      \
    using GetRequest = banyandb::database::v1::Name##RegistryServiceGetRequest;              \
    using GetResponse = banyandb::database::v1::Name##RegistryServiceGetResponse;            \
    using ListRequest = banyandb::database::v1::Name##RegistryServiceListRequest;            \
    using ListResponse = banyandb::database::v1::Name##RegistryServiceListResponse;          \
    using ExistRequest = banyandb::database::v1::Name##RegistryServiceExistRequest;          \
    using ExistResponse = banyandb::database::v1::Name##RegistryServiceExistResponse;        \
    static const char* ServiceName() {                                                       \
      return banyandb::database::v1::Name##RegistryService::service_full_name();             \
    }                                                                                        \
    static constexpr SchemaKind kKind = SchemaKind::k##Name;                                 \
    template <typename Request>                                                              \
    static auto* ObjectOf(const Request& request) {                                          \
      return request.has_##lower() ? &request.lower() : nullptr;                             \
    }                                                                                        \
    static auto* MutableObject(GetResponse& response) { return response.mutable_##lower(); } \
    static auto* AddObject(ListResponse& response) { return response.add_##lower(); }        \
    static void SetExists(ExistResponse& response, bool exists) {                            \
      response.set_has_##lower(exists);                                                      \
    }                                                                                        \
  };

FICUS_REGISTRY_TRAITS(Measure, measure)
FICUS_REGISTRY_TRAITS(IndexRule, index_rule)
FICUS_REGISTRY_TRAITS(IndexRuleBinding, index_rule_binding)
FICUS_REGISTRY_TRAITS(TopNAggregation, top_n_aggregation)
#undef FICUS_REGISTRY_TRAITS

}  // namespace ficus
