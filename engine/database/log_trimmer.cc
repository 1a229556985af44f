#include "engine/database/log_trimmer.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "engine/base/log.h"
#include "engine/base/planted_bug.h"

namespace ficus {

void LogTrimmer::Trim(Log& log) {
  // In this order: a batch that was told has its pin, which it leaves only after its tables hold
  // it, and what comes later lies above.
  const LogPosition told = log.told_position();
  LogPosition trim = std::min(told, log.durable_position()).Next();
  const std::optional<LogPosition> pinned = pins_.Oldest();
  if (pinned && !IsPlanted(PlantedBug::kTrimIgnoresPins)) trim = std::min(trim, *pinned);
  for (const auto& store : groups_.All()) {
    if (IsPlanted(PlantedBug::kTrimIgnoresUnflushed)) break;
    if (const std::optional<LogPosition> oldest = store->OldestUnflushed()) {
      trim = std::min(trim, *oldest);
    }
  }
  const Result<> trimmed = log.Trim(trim);
  if (!trimmed.has_value()) LogWarn("log.trim", "{}", trimmed.error().ToString());
}

void LogTrimmer::FlushOldest(const Log& log) {
  const std::vector<Log::FileSummary> files = log.files();
  if (files.size() < 2) return;
  uint64_t bytes = 0;
  for (const Log::FileSummary& file : files) bytes += file.bytes;
  const bool too_old = clock_.Now() - files.front().created > limits_.age_nanos;
  if (bytes <= limits_.bytes_max && !too_old) return;
  const LogPosition below = files[files.size() / 2].first;
  for (const auto& store : groups_.All()) {
    for (const auto& table : store->OpenTables()) {
      const std::optional<LogPosition> oldest = table->OldestUnflushed();
      if (oldest.has_value() && *oldest < below) table->Flush([](const Result<>&) {});
    }
  }
}

}  // namespace ficus
