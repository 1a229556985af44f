#include "server/rpc/group_service.h"

#include <chrono>
#include <string>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/core.h>

#include "engine/base/check.h"
#include "server/rpc/schema_change.h"
#include "server/rpc/schema_convert.h"
#include "server/rpc/status_map.h"
#include "server/rpc/timestamp_convert.h"

namespace ficus {
namespace {

namespace database = banyandb::database::v1;

// The names of everything in a group, by kind.
void FillSchemaInfo(const SchemaSnapshot& schema, const std::string& group,
                    database::SchemaInfo& info) {
  for (const SchemaObject* object : schema.ListGroup(group)) {
    const std::string& name = object->key.name;
    switch (object->key.kind) {
      case SchemaKind::kGroup:
        break;
      case SchemaKind::kStream:
        info.add_streams(name);
        break;
      case SchemaKind::kMeasure:
        info.add_measures(name);
        break;
      case SchemaKind::kTrace:
        info.add_traces(name);
        break;
      case SchemaKind::kProperty:
        info.add_properties(name);
        break;
      case SchemaKind::kIndexRule:
        info.add_index_rules(name);
        break;
      case SchemaKind::kIndexRuleBinding:
        info.add_index_rule_bindings(name);
        break;
      case SchemaKind::kTopNAggregation:
        info.add_topn_aggregations(name);
        break;
    }
  }
}

std::string Rfc3339(UnixNanos nanos) {
  const std::chrono::sys_seconds seconds{
      std::chrono::floor<std::chrono::seconds>(std::chrono::nanoseconds(nanos))};
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}",
                     fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)));
}

void FillShardInfo(const Snapshot& snapshot, ShardId shard, database::ShardInfo& info) {
  info.set_shard_id(shard.value());
  info.set_data_count(static_cast<int64_t>(snapshot.rows()));
  info.set_data_size_bytes(static_cast<int64_t>(snapshot.file_bytes() + snapshot.memory_bytes()));
  info.set_part_count(static_cast<int64_t>(snapshot.parts.size() + snapshot.mem_parts.size()));
  info.set_file_part_count(static_cast<int64_t>(snapshot.parts.size()));
}

Result<> FillSegmentInfo(Segment& segment, database::SegmentInfo& info) {
  const std::string& directory = segment.directory();
  info.set_segment_id(directory.substr(directory.rfind('/') + 1));
  info.set_time_range_start(Rfc3339(segment.times().begin));
  info.set_time_range_end(Rfc3339(segment.times().end));
  uint64_t series = 0;
  uint64_t series_bytes = 0;
  for (const ShardId shard : segment.ExistingShards()) {
    ASSIGN_OR_RETURN(const std::shared_ptr<TsTable> table, segment.Shard(shard));
    const std::shared_ptr<const Snapshot> snapshot = table->Current();
    FillShardInfo(*snapshot, shard, *info.add_shard_info());
    for (const SnapshotRun& run : snapshot->runs) {
      series += run.run->info().entries;
      series_bytes += run.run->info().file_bytes;
    }
  }
  info.mutable_series_index_info()->set_data_count(static_cast<int64_t>(series));
  info.mutable_series_index_info()->set_data_size_bytes(static_cast<int64_t>(series_bytes));
  return Ok();
}

void FillTask(const DeletionTask& task, database::GroupDeletionTask& message) {
  switch (task.state) {
    case DeletionState::kUnderWay:
      message.set_current_phase(database::GroupDeletionTask::PHASE_IN_PROGRESS);
      break;
    case DeletionState::kDone:
      message.set_current_phase(database::GroupDeletionTask::PHASE_COMPLETED);
      break;
    case DeletionState::kFailed:
      message.set_current_phase(database::GroupDeletionTask::PHASE_FAILED);
      break;
  }
  message.set_message(task.message);
  ToMessage(task.created_at, *message.mutable_created_at());
  ToMessage(task.updated_at, *message.mutable_updated_at());
}

}  // namespace

GroupService::GroupService(RpcContext& context)
    : BoundedService(context.ledger,
                     banyandb::database::v1::GroupRegistryService::service_full_name()),
      context_(context) {
  Bound(&GroupService::Create, "Create");
  Bound(&GroupService::Update, "Update");
  Bound(&GroupService::Delete, "Delete");
  Bound(&GroupService::Get, "Get");
  Bound(&GroupService::List, "List");
  Bound(&GroupService::Exist, "Exist");
  Bound(&GroupService::Inspect, "Inspect");
  Bound(&GroupService::Query, "Query");
}

grpc::ServerUnaryReactor* GroupService::Create(
    grpc::CallbackServerContext* call, const database::GroupRegistryServiceCreateRequest* request,
    database::GroupRegistryServiceCreateResponse* response) {
  grpc::ServerUnaryReactor* const reactor = call->DefaultReactor();
  if (!request->has_group()) {
    reactor->Finish(MissingObject(SchemaKind::kGroup));
    return reactor;
  }
  Result<SchemaObject> proposal = FromMessage(request->group());
  if (!proposal.has_value()) {
    reactor->Finish(ToGrpcStatus(proposal.error()));
    return reactor;
  }
  context_.database.ChangeSchema(
      [this, proposal = *std::move(proposal)](const SchemaRegistry& registry) {
        return registry.PrepareCreate(proposal, context_.clock.Now(), context_.random);
      },
      [reactor, response](const Result<SchemaChange>& change) {
        FinishChange(reactor, response, change);
      });
  return reactor;
}

grpc::ServerUnaryReactor* GroupService::Update(
    grpc::CallbackServerContext* call, const database::GroupRegistryServiceUpdateRequest* request,
    database::GroupRegistryServiceUpdateResponse* response) {
  grpc::ServerUnaryReactor* const reactor = call->DefaultReactor();
  if (!request->has_group()) {
    reactor->Finish(MissingObject(SchemaKind::kGroup));
    return reactor;
  }
  Result<SchemaObject> proposal = FromMessage(request->group());
  if (!proposal.has_value()) {
    reactor->Finish(ToGrpcStatus(proposal.error()));
    return reactor;
  }
  context_.database.ChangeSchema(
      [this, proposal = *std::move(proposal)](const SchemaRegistry& registry) {
        return registry.PrepareUpdate(proposal, context_.clock.Now());
      },
      [reactor, response](const Result<SchemaChange>& change) {
        FinishChange(reactor, response, change);
      });
  return reactor;
}

grpc::ServerUnaryReactor* GroupService::Delete(
    grpc::CallbackServerContext* call, const database::GroupRegistryServiceDeleteRequest* request,
    database::GroupRegistryServiceDeleteResponse* response) {
  grpc::ServerUnaryReactor* const reactor = call->DefaultReactor();
  const std::string& group = request->group();
  const std::shared_ptr<const SchemaSnapshot> schema = context_.database.Schema();
  if (group != kDeletionTaskGroup && schema->FindGroup(group) == nullptr) {
    reactor->Finish(ResourceNotFound());
    return reactor;
  }
  if (request->dry_run()) {
    FillSchemaInfo(*schema, group, *response->mutable_schema_info());
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
  const GroupDeletion deletion =
      request->data_only() ? GroupDeletion::kDataOnly : GroupDeletion::kEverything;
  const auto allow = [this, group, force = request->force()] {
    return force ? Ok() : CheckEmpty(group);
  };
  context_.database.DeleteGroup(group, deletion, allow,
                                [this, reactor, response](const Result<SchemaChange>& change) {
                                  if (!change.has_value()) {
                                    reactor->Finish(ToGrpcStatus(change.error()));
                                    return;
                                  }
                                  response->set_delete_time(context_.clock.Now());
                                  response->set_mod_revision(change->revision);
                                  reactor->Finish(grpc::Status::OK);
                                });
  return reactor;
}

Result<> GroupService::CheckEmpty(const std::string& group) const {
  ASSIGN_OR_RETURN(const bool has_rows, context_.database.HasRows(group));
  if (!has_rows) return Ok();
  return Error{
      ErrorCode::kFailedPrecondition,
      fmt::format("group {} is not empty, use force=true to delete non-empty groups", group)};
}

grpc::ServerUnaryReactor* GroupService::Get(grpc::CallbackServerContext* call,
                                            const database::GroupRegistryServiceGetRequest* request,
                                            database::GroupRegistryServiceGetResponse* response) {
  grpc::ServerUnaryReactor* const reactor = call->DefaultReactor();
  const std::shared_ptr<const SchemaSnapshot> schema = context_.database.Schema();
  const SchemaObject* const object = schema->FindGroup(request->group());
  if (object == nullptr) {
    reactor->Finish(ResourceNotFound());
    return reactor;
  }
  ToMessage(*object, *response->mutable_group());
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

grpc::ServerUnaryReactor* GroupService::List(grpc::CallbackServerContext* call,
                                             const database::GroupRegistryServiceListRequest*,
                                             database::GroupRegistryServiceListResponse* response) {
  grpc::ServerUnaryReactor* const reactor = call->DefaultReactor();
  const std::shared_ptr<const SchemaSnapshot> schema = context_.database.Schema();
  for (const SchemaObject* object : schema->Groups()) ToMessage(*object, *response->add_group());
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

grpc::ServerUnaryReactor* GroupService::Exist(
    grpc::CallbackServerContext* call, const database::GroupRegistryServiceExistRequest* request,
    database::GroupRegistryServiceExistResponse* response) {
  grpc::ServerUnaryReactor* const reactor = call->DefaultReactor();
  response->set_has_group(context_.database.Schema()->FindGroup(request->group()) != nullptr);
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

grpc::ServerUnaryReactor* GroupService::Inspect(
    grpc::CallbackServerContext* call, const database::GroupRegistryServiceInspectRequest* request,
    database::GroupRegistryServiceInspectResponse* response) {
  grpc::ServerUnaryReactor* const reactor = call->DefaultReactor();
  context_.query_executor.Post([this, reactor, response, group = request->group()] {
    reactor->Finish(InspectNow(group, *response));
  });
  return reactor;
}

grpc::Status GroupService::InspectNow(const std::string& group,
                                      database::GroupRegistryServiceInspectResponse& response) {
  const std::shared_ptr<const SchemaSnapshot> schema = context_.database.Schema();
  const SchemaObject* const object = schema->FindGroup(group);
  if (object == nullptr) return ResourceNotFound();
  ToMessage(*object, *response.mutable_group());
  FillSchemaInfo(*schema, group, *response.mutable_schema_info());
  database::DataInfo& data = *response.add_data_info();
  data.mutable_node()->mutable_metadata()->set_name(context_.node_name);
  const std::shared_ptr<GroupStore> store = context_.database.FindGroup(object->group_id);
  if (store == nullptr) return grpc::Status::OK;
  int64_t bytes = 0;
  for (const auto& segment : store->Segments(TimeRange::All())) {
    database::SegmentInfo& info = *data.add_segment_info();
    const Result<> filled = FillSegmentInfo(*segment, info);
    if (!filled.has_value()) return ToGrpcStatus(filled.error());
    for (const database::ShardInfo& shard : info.shard_info()) bytes += shard.data_size_bytes();
  }
  data.set_data_size_bytes(bytes);
  return grpc::Status::OK;
}

grpc::ServerUnaryReactor* GroupService::Query(
    grpc::CallbackServerContext* call, const database::GroupRegistryServiceQueryRequest* request,
    database::GroupRegistryServiceQueryResponse* response) {
  grpc::ServerUnaryReactor* const reactor = call->DefaultReactor();
  const std::optional<DeletionTask> task = context_.database.Task(request->group());
  if (!task.has_value()) {
    reactor->Finish({grpc::StatusCode::UNKNOWN,
                     fmt::format("deletion task for group {} not found", request->group())});
    return reactor;
  }
  FillTask(*task, *response->mutable_task());
  reactor->Finish(grpc::Status::OK);
  return reactor;
}

}  // namespace ficus
