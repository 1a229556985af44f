#include "server/rpc/timestamp_convert.h"

#include <limits>

#include <catch2/catch.hpp>

namespace ficus {
namespace {

TEST_CASE("every time of int64 nanoseconds goes there and back", "[rpc]") {
  for (const UnixNanos nanos :
       {UnixNanos{0}, UnixNanos{-1}, UnixNanos{1'795'159'800'123'456'789},
        std::numeric_limits<UnixNanos>::min(), std::numeric_limits<UnixNanos>::max()}) {
    google::protobuf::Timestamp message;
    ToMessage(nanos, message);
    REQUIRE(message.nanos() >= 0);
    // The first moment of int64 lies below a whole second that does not fit.
    if (nanos == std::numeric_limits<UnixNanos>::min()) continue;
    REQUIRE(FromMessage(message) == nanos);
  }
}

TEST_CASE("a time that does not fit, or is none, has no value", "[rpc]") {
  google::protobuf::Timestamp message;
  message.set_seconds(std::numeric_limits<int64_t>::max());
  REQUIRE(!FromMessage(message).has_value());
  message.set_seconds(1);
  message.set_nanos(-1);
  REQUIRE(!FromMessage(message).has_value());
  message.set_nanos(1'000'000'000);
  REQUIRE(!FromMessage(message).has_value());
}

}  // namespace
}  // namespace ficus
