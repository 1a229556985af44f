// Stops the process because going on could lose or falsify data: a failed fsync, a log that refuses
// a write.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace ficus {

// Logs `reason`, flushes the log and aborts. No destructor runs, so nothing is written any more.
// Under a StopHandler the handler runs instead of the abort and must not return normally.
[[noreturn]] void StopProcess(std::string_view reason);

// What a handler may throw to unwind to the test that expects the stop.
struct ProcessStopped {
  std::string reason;
};

// Replaces the abort while it lives; for tests that play a crash inside one process. One at a time.
class StopHandler {
 public:
  explicit StopHandler(std::function<void(std::string_view)> handler);
  ~StopHandler();
  StopHandler(const StopHandler&) = delete;
  StopHandler& operator=(const StopHandler&) = delete;
};

}  // namespace ficus
