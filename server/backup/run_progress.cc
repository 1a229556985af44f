#include "server/backup/run_progress.h"

#include <algorithm>
#include <utility>

namespace ficus {
namespace {

uint64_t BytesInPlace(const RunCounts& counts) {
  return counts.bytes_sent + counts.bytes_copied + counts.bytes_kept;
}

uint64_t& BytesOf(ObjectRoute route, RunCounts& counts) {
  switch (route) {
    case ObjectRoute::kKept:
      return counts.bytes_kept;
    case ObjectRoute::kCopied:
      return counts.bytes_copied;
    case ObjectRoute::kSent:
      break;
  }
  return counts.bytes_sent;
}

uint64_t& FilesOf(ObjectRoute route, RunCounts& counts) {
  switch (route) {
    case ObjectRoute::kKept:
      return counts.files_kept;
    case ObjectRoute::kCopied:
      return counts.files_copied;
    case ObjectRoute::kSent:
      break;
  }
  return counts.files_sent;
}

}  // namespace

std::string_view RunPhaseName(RunPhase phase) {
  switch (phase) {
    case RunPhase::kWaiting:
      return "waiting";
    case RunPhase::kSnapshot:
      return "snapshot";
    case RunPhase::kPlan:
      return "plan";
    case RunPhase::kUpload:
      return "upload";
    case RunPhase::kCommit:
      return "commit";
    case RunPhase::kVerify:
      return "verify";
    case RunPhase::kPrune:
      return "prune";
    case RunPhase::kCleaning:
      return "cleaning";
    case RunPhase::kDone:
      return "done";
    case RunPhase::kFailed:
      return "failed";
    case RunPhase::kCancelled:
      return "cancelled";
    case RunPhase::kCleaned:
      return "cleaned";
  }
  return "unknown";
}

RunProgress::RunProgress(const Clock& clock, RunStatus begin)
    : clock_(clock), status_(std::move(begin)) {}

RunStatus RunProgress::Get() const {
  MutexLock lock(mutex_);
  RunStatus status = status_;
  const int64_t nanos = clock_.Monotonic() - transfer_began_;
  if (status.phase != RunPhase::kUpload || nanos <= 0) return status;
  const uint64_t in_place = BytesInPlace(status.moved);
  const uint64_t total = std::max(status.planned.bytes_total, in_place);
  status.bytes_per_second = static_cast<double>(in_place - transfer_base_) *
                            static_cast<double>(kNanosPerSecond) / static_cast<double>(nanos);
  if (status.bytes_per_second > 0) {
    status.eta_seconds = static_cast<double>(total - in_place) / status.bytes_per_second;
  }
  return status;
}

void RunProgress::Change(const std::function<void(RunStatus&)>& change) {
  MutexLock lock(mutex_);
  change(status_);
}

void RunProgress::SetPhase(RunPhase phase) {
  MutexLock lock(mutex_);
  status_.phase = phase;
}

void RunProgress::StartTransfer(const RunCounts& planned, const RunCounts& already) {
  MutexLock lock(mutex_);
  status_.phase = RunPhase::kUpload;
  status_.planned = planned;
  status_.moved = already;
  status_.moved.files_total = planned.files_total;
  status_.moved.bytes_total = planned.bytes_total;
  transfer_began_ = clock_.Monotonic();
  transfer_base_ = BytesInPlace(already);
}

void RunProgress::AddBytes(ObjectRoute route, uint64_t bytes) {
  MutexLock lock(mutex_);
  BytesOf(route, status_.moved) += bytes;
}

void RunProgress::AddFile(ObjectRoute route, uint64_t bytes) {
  MutexLock lock(mutex_);
  ++FilesOf(route, status_.moved);
  BytesOf(route, status_.moved) += bytes;
}

}  // namespace ficus
