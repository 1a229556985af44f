// Collects how far a run is, from all of its threads, and works out rate and remaining time.
#pragma once

#include <cstdint>
#include <functional>

#include "engine/base/clock.h"
#include "engine/base/mutex.h"
#include "server/backup/run_journal.h"
#include "server/backup/run_status.h"

namespace ficus {

// All members: any thread. `clock` must outlive it.
class RunProgress {
 public:
  RunProgress(const Clock& clock, RunStatus begin);

  // With rate and remaining time as of now.
  RunStatus Get() const;
  void Change(const std::function<void(RunStatus&)>& change);
  void SetPhase(RunPhase phase);

  // What the plan says. Files that need nothing moved count at once; rates begin here.
  void StartTransfer(const RunCounts& planned, const RunCounts& already);
  // Bytes of a file that is under way.
  void AddBytes(ObjectRoute route, uint64_t bytes);
  // A file is in its place; `bytes` of it have not been added yet.
  void AddFile(ObjectRoute route, uint64_t bytes);

 private:
  const Clock& clock_;
  mutable Mutex mutex_;
  RunStatus status_ GUARDED_BY(mutex_);
  int64_t transfer_began_ GUARDED_BY(mutex_) = 0;  // monotonic
  uint64_t transfer_base_ GUARDED_BY(mutex_) = 0;  // bytes in place when it began
};

}  // namespace ficus
