#include "server/rpc/status_map.h"

#include <set>

#include <catch2/catch.hpp>

namespace ficus {
namespace {

TEST_CASE("every error code has a gRPC code, and never OK", "[rpc]") {
  for (int code = 0; code < kErrorCodeCount; ++code) {
    const grpc::Status status = ToGrpcStatus({static_cast<ErrorCode>(code), "why"});
    CAPTURE(code);
    REQUIRE(!status.ok());
    REQUIRE(status.error_message() == "why");
  }
  REQUIRE(ToGrpcStatus({ErrorCode::kCorruption, ""}).error_code() == grpc::StatusCode::DATA_LOSS);
  REQUIRE(ToGrpcStatus({ErrorCode::kUnknown, ""}).error_code() == grpc::StatusCode::UNKNOWN);
  REQUIRE(ToGrpcStatus({ErrorCode::kNotFound, ""}).error_code() == grpc::StatusCode::NOT_FOUND);
}

}  // namespace
}  // namespace ficus
