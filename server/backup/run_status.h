// How far a run is and how it ended: what status commands, metrics and the page show.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/clock.h"
#include "engine/base/error.h"

namespace ficus {

// In the order a run goes through them; the last four are the ends.
enum class RunPhase : uint8_t {
  kWaiting,   // for another run of the same destination
  kSnapshot,  // the node links its files
  kPlan,
  kUpload,
  kCommit,
  kVerify,
  kPrune,
  kCleaning,   // removes what an unfinished run left
  kDone,       // committed; see `result` about verification
  kFailed,     // see `error`; `resumable` says whether the next run goes on
  kCancelled,  // nothing is left of it
  kCleaned,    // an unfinished run of before a restart, removed
};
// "upload", "done", ...
std::string_view RunPhaseName(RunPhase phase);
inline bool IsEnd(RunPhase phase) { return phase >= RunPhase::kDone; }

// Counted from the plan on; never falls while a run lives. total = kept + copied + sent at the end.
struct RunCounts {
  uint64_t files_total = 0;
  uint64_t bytes_total = 0;
  uint64_t files_sent = 0;
  uint64_t bytes_sent = 0;
  uint64_t files_copied = 0;  // inside the store
  uint64_t bytes_copied = 0;
  uint64_t files_kept = 0;  // in their place already
  uint64_t bytes_kept = 0;
  friend bool operator==(const RunCounts&, const RunCounts&) = default;
};

struct RunStatus {
  std::string run;
  std::string job;  // empty for a run by hand
  std::string remote;
  bool dry_run = false;
  bool resumed = false;
  RunPhase phase = RunPhase::kWaiting;
  std::string timedir;      // known from the plan on
  uint64_t generation = 0;  // committed or about to be; 0 before the plan
  RunCounts planned;        // what the plan says; equals `moved` at a good end
  RunCounts moved;          // so far
  double bytes_per_second = 0;
  double eta_seconds = -1;  // negative: not known
  UnixNanos started_at = 0;
  UnixNanos ended_at = 0;  // 0: still running
  // The store holds exactly this already: nothing was committed anew.
  bool unchanged = false;
  bool degraded = false;
  uint64_t missing = 0;         // files that a degraded backup lacks
  bool verified = false;        // read back whole, nothing damaged
  uint64_t damaged = 0;         // objects that the verification named
  uint64_t pruned_backups = 0;  // removed by the job's keep rule
  // Of a run that did not reach kDone, and of one whose verification or pruning failed after it.
  std::string error;
  ErrorCode error_code = ErrorCode::kUnknown;
  bool resumable = false;  // with kDone: what follows the commit is not done yet
};

}  // namespace ficus
