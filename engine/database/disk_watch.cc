#include "engine/database/disk_watch.h"

#include <algorithm>
#include <limits>
#include <memory>

#include <fmt/core.h>

#include "engine/base/log.h"

namespace ficus {
namespace {

constexpr std::string_view kBallastFile = "ballast";

// In whole percent, rounded up: 95.1 % full is fuller than 95 %.
uint64_t UsedPercent(uint64_t total, uint64_t free) {
  if (total == 0) return 0;
  const uint64_t used = total - std::min(total, free);
  return (used * 100 + total - 1) / total;
}

}  // namespace

void DiskWatch::Start() {
  const Result<> created = CreateBallast();
  if (!created.has_value()) Enter(created.error().ToString());
  Check();
}

void DiskWatch::Check() {
  const bool was_read_only = Reason().has_value();
  const uint32_t mark =
      options_.read_only_percent - (was_read_only ? options_.hysteresis_percent : 0);
  for (FileSystem* fs : {&fs_, &log_fs_}) {
    // The ballast was freed for the way out and comes back: what it takes is not free.
    const uint64_t ballast = was_read_only ? options_.ballast_bytes : 0;
    if (std::optional<std::string> full = FullDisk(*fs, mark, ballast)) {
      if (!was_read_only) Enter(*full);
      return;
    }
  }
  if (!was_read_only) return;
  const Result<> created = CreateBallast();
  if (!created.has_value()) return;
  MutexLock lock(mutex_);
  reason_.reset();
  LogInfo("disk.writable", "there is space again: writes are taken");
}

void DiskWatch::ReportNoSpace(const Error& error) {
  if (!Reason().has_value()) Enter(error.ToString());
}

uint64_t DiskWatch::MergeRoom() const {
  const Result<SpaceStatus> space = fs_.Space();
  // Then the merge finds out by itself.
  if (!space.has_value() || space->total_bytes == 0) return std::numeric_limits<uint64_t>::max();
  const uint64_t kept = space->total_bytes / 100 * (100 - options_.read_only_percent);
  return (space->free_bytes - std::min(space->free_bytes, kept)) / 2;
}

std::optional<std::string> DiskWatch::Reason() const {
  MutexLock lock(mutex_);
  return reason_;
}

std::optional<std::string> DiskWatch::FullDisk(FileSystem& fs, uint32_t percent,
                                               uint64_t reserved_bytes) const {
  const Result<SpaceStatus> space = fs.Space();
  if (!space.has_value()) {
    LogWarn("disk.watch", "{}", space.error().ToString());
    return std::nullopt;
  }
  const uint64_t bytes = UsedPercent(
      space->total_bytes, space->free_bytes - std::min(space->free_bytes, reserved_bytes));
  if (bytes > percent) return fmt::format("disk of {} is {} % full", fs.root(), bytes);
  const uint64_t inodes = UsedPercent(space->total_inodes, space->free_inodes);
  if (inodes > percent) return fmt::format("{} % of the inodes of {} are used", inodes, fs.root());
  return std::nullopt;
}

Result<> DiskWatch::CreateBallast() {
  if (options_.ballast_bytes == 0) return Ok();
  OpenOptions options;
  options.file_class = FileClass::kTool;
  options.mode = OpenMode::kCreate;
  Result<std::unique_ptr<File>> file = fs_.Open(kBallastFile, options);
  if (!file.has_value() && file.error().code == ErrorCode::kAlreadyExists) return Ok();
  if (!file.has_value()) return std::move(file).error();
  const Result<> allocated = (*file)->Allocate(0, options_.ballast_bytes);
  if (!allocated.has_value()) FreeBallast();
  return allocated;
}

void DiskWatch::FreeBallast() {
  const Result<> removed = fs_.Remove(kBallastFile);
  if (!removed.has_value() && removed.error().code != ErrorCode::kNotFound) {
    LogWarn("disk.ballast", "{}", removed.error().ToString());
  }
}

void DiskWatch::Enter(const std::string& reason) {
  {
    MutexLock lock(mutex_);
    reason_ = reason;
  }
  LogError("disk.read_only", "the node takes no writes until there is space: {}", reason);
  FreeBallast();
}

}  // namespace ficus
