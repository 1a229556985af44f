// Snapshots for a backup to read. Source: BanyanDB's public API, database.v1.SnapshotService.
#pragma once

#include "banyandb/database/v1/rpc.grpc.pb.h"
#include "server/rpc/bounded_calls.h"
#include "server/rpc/rpc_context.h"

namespace ficus {

// One entry per catalog with something in it, in BanyanDB's order: schemas (as catalog PROPERTY,
// "schema-property/<name>"), property, measure, stream, trace. What could not be taken of a catalog
// stands in the entry's error and the call is OK. When nothing could be taken the call fails: a
// client that does not look at errors would copy a folder that is not there.
//
// Unlike there, property groups are taken when the request names them or their catalog, and an
// empty group name means every group of the catalog.
class SnapshotService final
    : public BoundedService<banyandb::database::v1::SnapshotService::CallbackService> {
 public:
  explicit SnapshotService(RpcContext& context)
      : BoundedService(context.ledger,
                       banyandb::database::v1::SnapshotService::service_full_name()),
        context_(context) {
    Bound(&SnapshotService::Snapshot, "Snapshot");
  }

  grpc::ServerUnaryReactor* Snapshot(grpc::CallbackServerContext* call,
                                     const banyandb::database::v1::SnapshotRequest* request,
                                     banyandb::database::v1::SnapshotResponse* response) override;

 private:
  RpcContext& context_;
};

}  // namespace ficus
