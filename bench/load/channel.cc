#include "bench/load/channel.h"

#include <fmt/format.h>
#include <grpcpp/support/channel_arguments.h>

#include "engine/base/check.h"

namespace ficus::load {
namespace {

ErrorCode CodeOf(grpc::StatusCode code) {
  switch (code) {
    case grpc::StatusCode::INVALID_ARGUMENT:
    case grpc::StatusCode::OUT_OF_RANGE:
      return ErrorCode::kInvalidArgument;
    case grpc::StatusCode::FAILED_PRECONDITION:
    case grpc::StatusCode::ABORTED:
      return ErrorCode::kFailedPrecondition;
    case grpc::StatusCode::NOT_FOUND:
      return ErrorCode::kNotFound;
    case grpc::StatusCode::ALREADY_EXISTS:
      return ErrorCode::kAlreadyExists;
    case grpc::StatusCode::PERMISSION_DENIED:
    case grpc::StatusCode::UNAUTHENTICATED:
      return ErrorCode::kPermissionDenied;
    case grpc::StatusCode::DATA_LOSS:
      return ErrorCode::kCorruption;
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
      return ErrorCode::kResourceExhausted;
    case grpc::StatusCode::UNAVAILABLE:
      return ErrorCode::kUnavailable;
    case grpc::StatusCode::CANCELLED:
      return ErrorCode::kCancelled;
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return ErrorCode::kDeadlineExceeded;
    case grpc::StatusCode::UNIMPLEMENTED:
      return ErrorCode::kUnimplemented;
    default:
      return ErrorCode::kUnknown;
  }
}

NodeAddress& Protection() {
  static NodeAddress protection;
  return protection;
}

}  // namespace

Result<> ProtectConnections(const NodeAddress& protection) {
  RETURN_IF_ERROR(ConnectToNode(protection));
  Protection() = protection;
  return Ok();
}

std::shared_ptr<grpc::Channel> Connect(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  // A node that was killed is back within a second or two. The "minimum backoff" stays as it is: it
  // is how long a connection may take, and a busy machine needs long.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 500);
  NodeAddress node = Protection();
  node.address = address;
  const Result<std::shared_ptr<grpc::Channel>> channel = ConnectToNode(node, arguments);
  CHECK(channel.has_value()) << channel.error().message;  // it was tried by ProtectConnections
  return *channel;
}

Error ErrorOf(const grpc::Status& status, std::string_view doing) {
  CHECK(!status.ok());
  const ErrorCode code = CodeOf(status.error_code());
  return Error{code, fmt::format("{}: {}", doing, status.error_message())};
}

}  // namespace ficus::load
