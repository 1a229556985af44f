#include "server/backup/backup_metrics.h"

namespace ficus {
namespace {

MetricLabels JobLabels(const std::string& job) { return {{"job_name", job}}; }

MetricLabels JobLabels(const std::string& job, std::string name, std::string value) {
  return {{"job_name", job}, {std::move(name), std::move(value)}};
}

double Seconds(UnixNanos time) {
  return static_cast<double>(time) / static_cast<double>(kNanosPerSecond);
}

bool Succeeded(const RunStatus& status) {
  return status.phase == RunPhase::kDone && !status.degraded && status.damaged == 0 &&
         !status.resumable;
}

std::string_view ResultOf(const RunStatus& status) {
  if (status.phase != RunPhase::kDone) return RunPhaseName(status.phase);
  if (status.degraded) return "degraded";
  if (status.resumable) return RunPhaseName(RunPhase::kFailed);
  return status.damaged > 0 ? "damaged" : "success";
}

}  // namespace

void BackupMetrics::CountRun(const RunStatus& status) {
  if (status.dry_run) return;
  const std::string& job = status.job;
  registry_
      .AddCounter("ficus_backup_runs_total", "Backup runs that ended, by result.",
                  JobLabels(job, "result", std::string(ResultOf(status))))
      .Add();
  registry_
      .AddGauge("ficus_backup_last_run_success", "Whether the last run made a whole backup.",
                JobLabels(job))
      .Set(Succeeded(status) ? 1 : 0);
  if (Succeeded(status)) SetLastSuccess(job, status.ended_at);
  const RunCounts& moved = status.moved;
  const struct {
    const char* kind;
    uint64_t files;
    uint64_t bytes;
  } kinds[] = {{"sent", moved.files_sent, moved.bytes_sent},
               {"copied", moved.files_copied, moved.bytes_copied},
               {"reused", moved.files_kept, moved.bytes_kept}};
  for (const auto& kind : kinds) {
    registry_
        .AddCounter("ficus_backup_files_total", "Files of backups, by how they got there.",
                    JobLabels(job, "kind", kind.kind))
        .Add(kind.files);
    registry_
        .AddCounter("ficus_backup_bytes_total", "Bytes of backups, by how they got there.",
                    JobLabels(job, "kind", kind.kind))
        .Add(kind.bytes);
  }
  registry_
      .AddCounter("ficus_backup_verify_failures_total",
                  "Runs whose verification found damaged objects.", JobLabels(job))
      .Add(status.damaged > 0 ? 1 : 0);
}

void BackupMetrics::SetStored(const std::string& job, uint64_t bytes, uint64_t points_in_time) {
  registry_
      .AddGauge("ficus_backup_stored_bytes", "Bytes of all backups in the job's destination.",
                JobLabels(job))
      .Set(static_cast<double>(bytes));
  registry_
      .AddGauge("ficus_backup_points_in_time", "Backups that can be restored whole.",
                JobLabels(job))
      .Set(static_cast<double>(points_in_time));
}

void BackupMetrics::SetLastSuccess(const std::string& job, UnixNanos time) {
  registry_
      .AddGauge("ficus_backup_last_success_timestamp_seconds", "End of the last good run.",
                JobLabels(job))
      .Set(Seconds(time));
}

}  // namespace ficus
