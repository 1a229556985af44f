// Connections to a node, and its refusals as errors.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <grpcpp/channel.h>
#include <grpcpp/support/status.h>

#include "engine/base/error.h"

namespace ficus::load {

// A connection of its own, without encryption, that comes back by itself and takes answers of any
// size. `address` is host:port.
std::shared_ptr<grpc::Channel> Connect(const std::string& address);

// "<doing>: <code name>: <message of the node>"; `status` is not OK (CHECKed).
Error ErrorOf(const grpc::Status& status, std::string_view doing);

}  // namespace ficus::load
