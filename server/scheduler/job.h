// What the scheduler is asked to run, what it hands out, and what it tells.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "server/scheduler/schedule.h"
#include "server/scheduler/time_zone.h"

namespace ficus {

// A slot that comes due while the job still runs.
enum class OverlapPolicy : uint8_t {
  kSkip,   // is not run, and counted as skipped
  kQueue,  // runs when the running one has ended; one waits, further ones are skipped
};

// Slots that came due while the node was down, or that the clock jumped over.
enum class MissedPolicy : uint8_t {
  kRunOnce,  // one run for all of them together
  kIgnore,
};

inline constexpr size_t kJobNameBytesMax = 255;
inline constexpr size_t kJobsMax = 1'000;

struct ScheduledJob {
  std::string name;  // 1 to kJobNameBytesMax bytes
  Schedule schedule;
  TimeZone zone = TimeZone::Utc();
  int64_t jitter_nanos = 0;
  OverlapPolicy overlap = OverlapPolicy::kSkip;
  MissedPolicy missed = MissedPolicy::kRunOnce;
};

// One run.
struct JobRun {
  std::string name;
  UnixNanos slot = 0;
  UnixNanos started_at = 0;
  // For slots that were missed; `slot` is the newest of them.
  bool catch_up = false;
};

// Called on the executor, must not block it, and must not throw. `done` may be called from any
// thread, once; when all copies of it are gone uncalled the run has ended with kCancelled.
using JobRunner = std::function<void(const JobRun& run, std::function<void(Result<>)> done)>;

struct JobStatus {
  std::string name;
  std::string schedule;
  std::string zone;
  bool paused = false;
  bool running = false;
  bool queued = false;  // a slot waits for the running one to end

  // The latest run; none before the first.
  std::optional<UnixNanos> last_slot;
  std::optional<UnixNanos> last_start;
  std::optional<UnixNanos> last_end;  // none while it runs
  std::optional<Error> last_error;    // none while it runs, and when it succeeded
  std::optional<UnixNanos> last_success_end;

  // None while paused, and for a schedule without further slots. `next_due` includes the jitter.
  std::optional<UnixNanos> next_slot;
  std::optional<UnixNanos> next_due;

  // Since the job is known, over restarts.
  uint64_t runs = 0;
  uint64_t failures = 0;
  uint64_t missed = 0;   // slots not started in time, whether or not a run made up for them
  uint64_t skipped = 0;  // slots not run because the job still ran
};

}  // namespace ficus
