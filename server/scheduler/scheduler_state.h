// What the scheduler keeps over restarts, as one small file: FILE-FORMAT.md, "Scheduler state".
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "server/scheduler/slot_ledger.h"

namespace ficus {

inline constexpr uint64_t kSchedulerStateBytesMax = uint64_t{2} << 20;
inline constexpr size_t kResultTextBytesMax = 512;

struct JobRecord {
  std::string name;
  // As in the configuration: marks of another schedule mean nothing.
  std::string schedule;
  std::string zone;
  SlotMarks marks;
  bool paused = false;
  bool running = false;
  std::optional<UnixNanos> queued_slot;

  std::optional<UnixNanos> last_slot;
  std::optional<UnixNanos> last_start;
  std::optional<UnixNanos> last_end;
  std::optional<UnixNanos> last_success_end;
  std::optional<Error> last_error;

  uint64_t runs = 0;
  uint64_t failures = 0;
  uint64_t missed = 0;
  uint64_t skipped = 0;

  friend bool operator==(const JobRecord&, const JobRecord&) = default;
};

// At most kJobsMax records; the text of an error is cut to kResultTextBytesMax.
std::string EncodeSchedulerState(const std::vector<JobRecord>& jobs);
// Any bytes. kCorruption, or kUnsupportedVersion for the file of a later version.
Result<std::vector<JobRecord>> DecodeSchedulerState(std::string_view bytes);

}  // namespace ficus
