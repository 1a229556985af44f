// SIGTERM, SIGINT and SIGHUP of a node, heard at any time: while it starts, too.
#pragma once

#include <atomic>
#include <memory>
#include <stop_token>
#include <thread>

#include "engine/base/mutex.h"
#include "engine/base/result.h"

namespace ficus {

class Signals {
 public:
  // From here on the signals come to this object. The calling thread, and those that it starts,
  // keep them blocked. Before other threads start; one at a time. kResourceExhausted: no thread for
  // it.
  static Result<std::unique_ptr<Signals>> Listen();
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // Requested by the first SIGTERM or SIGINT, which is logged. Those behind it change nothing.
  std::stop_token stop() const { return stop_.get_token(); }

  // Waits for what is to be done next: SIGHUP, or the first SIGTERM or SIGINT, which is told again
  // and again. Several of SIGHUP may be told as one. Any thread.
  int Wait();

 private:
  Signals() = default;

  void Run();
  void Take(int signal);

  std::stop_source stop_;
  Mutex mutex_;
  CondVar came_;
  bool hangup_ GUARDED_BY(mutex_) = false;
  int end_ GUARDED_BY(mutex_) = 0;
  std::atomic<bool> closing_{false};
  std::jthread listener_;
};

}  // namespace ficus
