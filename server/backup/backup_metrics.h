// What a scrape says about the backups of each job. Labels: job_name, "" for runs by hand.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/base/clock.h"
#include "engine/base/metrics.h"
#include "server/backup/run_status.h"

namespace ficus {

// Any thread. `registry` must outlive it.
class BackupMetrics {
 public:
  explicit BackupMetrics(MetricRegistry& registry) : registry_(registry) {}

  // A run has ended; dry runs are not counted.
  void CountRun(const RunStatus& status);
  // What the destination of the job holds, read from it: these values survive a restart.
  void SetStored(const std::string& job, uint64_t bytes, uint64_t points_in_time);
  void SetLastSuccess(const std::string& job, UnixNanos time);

 private:
  MetricRegistry& registry_;
};

}  // namespace ficus
