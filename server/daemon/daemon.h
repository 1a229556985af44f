// The node: builds everything in order, starts it, stops it in reverse order.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stop_token>

#include "config/config.h"
#include "config/load.h"
#include "engine/base/result.h"
#include "server/rpc/admin_setup.h"

namespace ficus {

// Threads: one, which is not one of the pools it makes, unless a member says otherwise.
class Daemon {
 public:
  // Reads the configuration again, from where it came; the error lists what is wrong with it.
  using LoadConfig = std::function<Result<LoadedConfig>()>;

  // Replays the log, then listens. On an error nothing runs any more; the text is for the operator.
  // kInvalidArgument: the configuration cannot be. kCancelled: `stop` ended the start; what it had
  // not done, the next one does.
  static Result<std::unique_ptr<Daemon>> Start(const Config& config, LoadConfig load_again,
                                               std::stop_token stop);
  virtual ~Daemon() = default;  // stops

  virtual uint16_t grpc_port() const = 0;
  virtual uint16_t http_port() const = 0;
  virtual uint16_t metrics_port() const = 0;

  // Reads the configuration again and takes over what a running node can, or nothing. Any thread,
  // but not while Stop() runs.
  virtual Result<ReloadReport> Reload() = 0;

  // Finishes what was acknowledged, flushes it as far as that takes a few seconds, and closes
  // everything; within ten seconds. Idempotent.
  virtual void Stop() = 0;
};

// The marker in storage.path by which `ficusctl log accept-loss` tells the next start that
// acknowledged rows may be gone. Used once.
inline constexpr char kAcceptLogLossFile[] = "accept-log-loss";

}  // namespace ficus
