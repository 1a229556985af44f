#include "engine/query/damage_log.h"

#include <utility>

namespace ficus {
namespace {

// The file is damaged, was set aside since the snapshot was taken, or the device does not give it:
// a query that may go on without it does.
bool CannotBeRead(const Error& error) {
  return error.code == ErrorCode::kCorruption || error.code == ErrorCode::kIo ||
         error.code == ErrorCode::kNotFound;
}

}  // namespace

Result<> DamageLog::Check(const std::vector<DamagedFile>& damaged, const TimeRange& times,
                          QueryStep& step) {
  for (const DamagedFile& file : damaged) {
    if (!file.is_index && !file.times.Overlaps(times)) continue;
    if (policy_ == DamagedParts::kFail) {
      return Error{ErrorCode::kCorruption,
                   "the query needs the damaged file " + file.path + ": " + file.reason};
    }
    step.Tag("damaged_file_skipped", file.path);
  }
  return Ok();
}

Result<std::shared_ptr<const Snapshot>> DamageLog::Admit(std::shared_ptr<const Snapshot> snapshot,
                                                         const TimeRange& times, QueryStep& step) {
  RETURN_IF_ERROR(Check(snapshot->damaged, times, step));
  if (excluded_.empty()) return snapshot;
  auto admitted = std::make_shared<Snapshot>(*snapshot);
  std::erase_if(admitted->parts,
                [&](const SnapshotPart& part) { return excluded_.count(part.part->path()) != 0; });
  std::erase_if(admitted->runs,
                [&](const SnapshotRun& run) { return excluded_.count(run.run->path()) != 0; });
  const size_t left_out = snapshot->parts.size() - admitted->parts.size() + snapshot->runs.size() -
                          admitted->runs.size();
  if (left_out > 0) step.Tag("damaged_files_left_out", left_out);
  return std::shared_ptr<const Snapshot>(std::move(admitted));
}

Result<> DamageLog::Met(const Error& error, TsTable& table, const Snapshot& snapshot,
                        const std::function<Result<>()>& goes_on) {
  if (error.code == ErrorCode::kCorruption) table.CheckDamage();
  if (policy_ == DamagedParts::kFail || !CannotBeRead(error)) return error;
  const size_t known = excluded_.size();
  for (const SnapshotPart& part : snapshot.parts) {
    RETURN_IF_ERROR(goes_on());
    const Result<> verified = part.part->Verify(FileClass::kQuery);
    if (!verified.has_value() && CannotBeRead(verified.error())) {
      excluded_.insert(part.part->path());
    }
  }
  for (const SnapshotRun& run : snapshot.runs) {
    RETURN_IF_ERROR(goes_on());
    const Result<> verified = run.run->Verify();
    if (!verified.has_value() && CannotBeRead(verified.error())) {
      excluded_.insert(run.run->path());
    }
  }
  if (excluded_.size() == known) return error;  // nothing to leave out: trying again is pointless
  return Ok();
}

}  // namespace ficus
