// The answers that all registry services share.
#pragma once

#include <grpcpp/support/server_callback.h>
#include <grpcpp/support/status.h>

#include "engine/schema/schema_registry.h"
#include "server/rpc/status_map.h"

namespace ficus {

grpc::Status ResourceNotFound();
// INVALID_ARGUMENT with a google.rpc.BadRequest detail for the field `group`.
grpc::Status InvalidGroupField();
grpc::Status MissingObject(SchemaKind kind);

// Answers a creation or an update with the revision of the change.
template <typename Response>
void FinishChange(grpc::ServerUnaryReactor* reactor, Response* response,
                  const Result<SchemaChange>& change) {
  if (!change.has_value()) {
    reactor->Finish(ToGrpcStatus(change.error()));
    return;
  }
  response->set_mod_revision(change->revision);
  reactor->Finish(grpc::Status::OK);
}

}  // namespace ficus
