// Connections to a node, and its refusals as errors.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <grpcpp/channel.h>
#include <grpcpp/support/status.h>

#include "engine/base/error.h"
#include "engine/base/result.h"
#include "server/client/node_channel.h"

namespace ficus::load {

// How every connection of the process is protected; its address does not count. Before the first
// Connect. The error says what of it cannot be used.
Result<> ProtectConnections(const NodeAddress& protection);

// A connection of its own that comes back by itself and takes answers of any size. `address` is
// host:port.
std::shared_ptr<grpc::Channel> Connect(const std::string& address);

// "<doing>: <code name>: <message of the node>"; `status` is not OK (CHECKed).
Error ErrorOf(const grpc::Status& status, std::string_view doing);

}  // namespace ficus::load
