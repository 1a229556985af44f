#include "server/rpc/snapshot_service.h"

#include <utility>

#include <fmt/core.h>

#include "engine/snapshot/snapshot_name.h"
#include "server/rpc/status_map.h"

namespace ficus {
namespace {

namespace database = banyandb::database::v1;
namespace common = banyandb::common::v1;

Result<Catalog> FromMessage(common::Catalog catalog) {
  switch (catalog) {
    case common::CATALOG_STREAM:
      return Catalog::kStream;
    case common::CATALOG_MEASURE:
      return Catalog::kMeasure;
    case common::CATALOG_PROPERTY:
      return Catalog::kProperty;
    case common::CATALOG_TRACE:
      return Catalog::kTrace;
    default:
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("catalog {} does not exist", static_cast<int>(catalog))};
  }
}

common::Catalog ToMessage(Catalog catalog) {
  switch (catalog) {
    case Catalog::kStream:
      return common::CATALOG_STREAM;
    case Catalog::kMeasure:
      return common::CATALOG_MEASURE;
    case Catalog::kProperty:
      return common::CATALOG_PROPERTY;
    case Catalog::kTrace:
      return common::CATALOG_TRACE;
  }
  return common::CATALOG_UNSPECIFIED;
}

Result<SnapshotRequest> FromMessage(const database::SnapshotRequest& message) {
  SnapshotRequest request;
  for (const database::SnapshotRequest::Group& group : message.groups()) {
    ASSIGN_OR_RETURN(const Catalog catalog, FromMessage(group.catalog()));
    request.items.push_back({catalog, group.group()});
  }
  return request;
}

void ToMessage(const CatalogSnapshot& catalog, database::Snapshot& message) {
  const bool is_schema = catalog.folder == kSchemaSnapshotFolder;
  message.set_catalog(ToMessage(catalog.catalog));
  message.set_name(is_schema ? fmt::format("{}/{}", kSchemaSnapshotFolder, catalog.name)
                             : catalog.name);
  message.set_error(catalog.error);
}

}  // namespace

grpc::ServerUnaryReactor* SnapshotService::Snapshot(grpc::CallbackServerContext* call,
                                                    const database::SnapshotRequest* request,
                                                    database::SnapshotResponse* response) {
  grpc::ServerUnaryReactor* const reactor = call->DefaultReactor();
  Result<SnapshotRequest> wanted = FromMessage(*request);
  if (!wanted.has_value()) {
    reactor->Finish(ToGrpcStatus(wanted.error()));
    return reactor;
  }
  context_.database.TakeSnapshot(*std::move(wanted),
                                 [reactor, response](const Result<SnapshotContents>& contents) {
                                   if (!contents.has_value()) {
                                     reactor->Finish(ToGrpcStatus(contents.error()));
                                     return;
                                   }
                                   for (const CatalogSnapshot& catalog : contents->catalogs) {
                                     ToMessage(catalog, *response->add_snapshots());
                                   }
                                   reactor->Finish(grpc::Status::OK);
                                 });
  return reactor;
}

}  // namespace ficus
