// google.protobuf.Timestamp and nanoseconds since 1970.
#pragma once

#include <optional>

#include <google/protobuf/timestamp.pb.h>

#include "engine/base/clock.h"

namespace ficus {

void ToMessage(UnixNanos nanos, google::protobuf::Timestamp& message);
// No value when the time does not fit, or its nanos are not in [0, 1e9).
std::optional<UnixNanos> FromMessage(const google::protobuf::Timestamp& message);

}  // namespace ficus
