#include "server/rpc/schema_change.h"

#include <string>
#include <string_view>

#include <fmt/core.h>

namespace ficus {
namespace {

// A field of a protobuf message on the wire: number, length, bytes. All lengths here are below 128.
std::string LengthDelimited(int number, std::string_view bytes) {
  std::string field;
  field += static_cast<char>(number << 3 | 2);
  field += static_cast<char>(bytes.size());
  field += bytes;
  return field;
}

}  // namespace

grpc::Status ResourceNotFound() {
  return {grpc::StatusCode::NOT_FOUND, "banyandb: resource not found"};
}

grpc::Status InvalidGroupField() {
  constexpr std::string_view kText = "banyandb: input is invalid";
  // google.rpc.Status { code = 1, message = 2, details = 3 } with one google.rpc.BadRequest; those
  // messages are not packaged, and this is the only one ever sent.
  const std::string violation =
      LengthDelimited(1, "group") + LengthDelimited(2, "group can't be empty");
  const std::string bad_request = LengthDelimited(1, violation);
  const std::string any = LengthDelimited(1, "type.googleapis.com/google.rpc.BadRequest") +
                          LengthDelimited(2, bad_request);
  std::string details;
  details += static_cast<char>(1 << 3);
  details += static_cast<char>(grpc::StatusCode::INVALID_ARGUMENT);
  details += LengthDelimited(2, kText);
  details += LengthDelimited(3, any);
  return {grpc::StatusCode::INVALID_ARGUMENT, std::string(kText), details};
}

grpc::Status MissingObject(SchemaKind kind) {
  return {grpc::StatusCode::INVALID_ARGUMENT,
          fmt::format("invalid request: {} is required", SchemaKindName(kind))};
}

}  // namespace ficus
