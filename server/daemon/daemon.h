// The node: builds everything in order, starts it, stops it in reverse order.
#pragma once

#include <cstdint>
#include <memory>

#include "config/config.h"
#include "engine/base/result.h"

namespace ficus {

// Threads: one, which is not one of the pools it makes.
class Daemon {
 public:
  // Replays the log, then listens. On an error nothing runs any more; the text is for the operator.
  static Result<std::unique_ptr<Daemon>> Start(const Config& config);
  virtual ~Daemon() = default;  // stops

  virtual uint16_t grpc_port() const = 0;
  virtual uint16_t http_port() const = 0;
  virtual uint16_t metrics_port() const = 0;

  // Finishes what was acknowledged, flushes it as far as that takes a few seconds, and closes
  // everything; within ten seconds. Idempotent.
  virtual void Stop() = 0;
};

// The marker in storage.path by which `ficusctl log accept-loss` tells the next start that
// acknowledged rows may be gone. Used once.
inline constexpr char kAcceptLogLossFile[] = "accept-log-loss";

}  // namespace ficus
