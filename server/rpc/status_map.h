// What an engine error is on the wire.
#pragma once

#include <grpcpp/support/status.h>

#include "engine/base/error.h"

namespace ficus {

// The gRPC status of `error`: its code by the table in the .cc, its text as it is. kUnknown texts
// are BanyanDB's own and reach the client unchanged.
grpc::Status ToGrpcStatus(const Error& error);

}  // namespace ficus
