#include "server/rpc/timestamp_convert.h"

namespace ficus {

SecondsAndNanos Split(UnixNanos nanos) {
  int64_t seconds = nanos / kNanosPerSecond;
  int64_t rest = nanos % kNanosPerSecond;
  if (rest < 0) {
    rest += kNanosPerSecond;
    --seconds;
  }
  return {seconds, static_cast<int32_t>(rest)};
}

void ToMessage(UnixNanos nanos, google::protobuf::Timestamp& message) {
  const SecondsAndNanos time = Split(nanos);
  message.set_seconds(time.seconds);
  message.set_nanos(time.nanos);
}

std::optional<UnixNanos> FromMessage(const google::protobuf::Timestamp& message) {
  if (message.nanos() < 0 || message.nanos() >= kNanosPerSecond) return std::nullopt;
  int64_t nanos = 0;
  if (__builtin_mul_overflow(message.seconds(), kNanosPerSecond, &nanos) ||
      __builtin_add_overflow(nanos, static_cast<int64_t>(message.nanos()), &nanos)) {
    return std::nullopt;
  }
  return nanos;
}

}  // namespace ficus
