// google.protobuf.Timestamp and nanoseconds since 1970.
#pragma once

#include <cstdint>
#include <optional>

#include <google/protobuf/timestamp.pb.h>

#include "engine/base/clock.h"

namespace ficus {

struct SecondsAndNanos {
  int64_t seconds = 0;
  int32_t nanos = 0;  // in [0, 1e9)
};
SecondsAndNanos Split(UnixNanos nanos);

void ToMessage(UnixNanos nanos, google::protobuf::Timestamp& message);
// No value when the time does not fit, or its nanos are not in [0, 1e9).
std::optional<UnixNanos> FromMessage(const google::protobuf::Timestamp& message);

}  // namespace ficus
