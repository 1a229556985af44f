// The gRPC server: every service on one port.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "server/rpc/rpc_context.h"
#include "server/rpc/server_credentials.h"

namespace grpc {
class Service;
}

namespace ficus {

struct RpcServerOptions {
  std::string host = "127.0.0.1";  // an address without brackets
  uint16_t port = 0;               // 0: the system chooses
  uint64_t max_message_bytes = 16 << 20;
  bool reflection = true;
  PortProtection protection{};
};

class RpcServer {
 public:
  // Listens and serves. kUnavailable names the address when it cannot be had. `context` and the
  // services of `more`, which are served beside the server's own, outlive the server.
  static Result<std::unique_ptr<RpcServer>> Start(RpcContext& context,
                                                  const RpcServerOptions& options,
                                                  const std::vector<grpc::Service*>& more = {});
  virtual ~RpcServer() = default;  // after Stop()

  virtual uint16_t port() const = 0;
  // What grpc.health.v1 answers for the server as a whole.
  virtual void SetServing(bool serving) = 0;
  // Takes no new calls, lets the running ones finish for at most `grace_nanos`, then cancels them.
  // Idempotent.
  virtual void Stop(int64_t grace_nanos) = 0;
};

}  // namespace ficus
