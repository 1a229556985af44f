#include "engine/table/recovery.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/core.h>

#include "engine/base/log.h"
#include "engine/base/planted_bug.h"
#include "engine/io/publish.h"
#include "engine/table/late_file.h"
#include "engine/table/run_rebuild.h"

namespace ficus {
namespace {

std::string FileNameOf(const DamageRecord& record) {
  return record.is_index ? IndexRunFileName(record.number) : PartFileName(record.number);
}

// The number of a part or run file; false for other names.
bool ParseDataFileName(std::string_view name, FileNumber& number) {
  return ParsePartFileName(name, number) || ParseIndexRunFileName(name, number);
}

// Errors that prove something about the file. The others say something about the moment: the file
// may be whole.
bool IsDamage(const Error& error) {
  return error.code == ErrorCode::kCorruption || error.code == ErrorCode::kNotFound;
}

// No later moment makes the file one that this build can read.
bool IsForEver(const Error& error) { return error.code == ErrorCode::kUnsupportedVersion; }

void ReportLate(const Error& error) {
  LogError("table.late_file", "it stays named, and each use tries again: {}", error.ToString());
}

Result<> CreateQuarantine(FileSystem& fs, std::string_view directory) {
  const std::string path = JoinPath(directory, kQuarantineDirectory);
  const Result<> created = fs.CreateDirectory(path);
  if (!created.has_value() && created.error().code != ErrorCode::kAlreadyExists) return created;
  return fs.SyncDirectory(directory);
}

Result<> MoveToQuarantine(FileSystem& fs, std::string_view directory, const std::string& name) {
  RETURN_IF_ERROR(CreateQuarantine(fs, directory));
  const std::string quarantine = JoinPath(directory, kQuarantineDirectory);
  RETURN_IF_ERROR(fs.Rename(JoinPath(directory, name), JoinPath(quarantine, name)));
  RETURN_IF_ERROR(fs.SyncDirectory(quarantine));
  return fs.SyncDirectory(directory);
}

class Recovery {
 public:
  Recovery(TableEnvironment& environment, const TableOptions& options)
      : environment_(environment), options_(options), fs_(environment.fs) {}

  Result<RecoveredTable> Run();

 private:
  std::string PathOf(std::string_view name) const { return JoinPath(options_.directory, name); }
  Result<> ReadManifest();
  Result<> OpenParts();
  Result<> OpenRuns();
  Result<> RecordNewDamage();
  Result<> RebuildRuns();
  Result<MergedRun> WriteSurvivingEntries(FileNumber number);
  Result<> ReplaceDamagedRuns(const MergedRun& rebuilt);
  void TidyFiles();
  void TidyFile(const std::string& name);
  void TidyManifests();
  bool RemoveFile(const std::string& name);

  TableEnvironment& environment_;
  const TableOptions& options_;
  FileSystem& fs_;
  std::vector<DirectoryEntry> entries_;
  std::vector<Epoch> older_manifests_;
  std::vector<DamageRecord> new_damage_;
  std::vector<std::string> leftovers_;  // not live, and could not be removed
  RecoveredTable recovered_;
};

Result<RecoveredTable> Recovery::Run() {
  // Names seen below may be in the page cache only; what recovery relies on must be on the device.
  RETURN_IF_ERROR(fs_.SyncDirectory(options_.directory));
  ASSIGN_OR_RETURN(entries_, fs_.List(options_.directory));
  recovered_.cleaner =
      std::make_shared<GarbageCleaner>(fs_, environment_.flush, options_.directory);
  RETURN_IF_ERROR(ReadManifest());
  RETURN_IF_ERROR(OpenParts());
  RETURN_IF_ERROR(OpenRuns());
  recovered_.next_file = recovered_.manifest.next_file;
  for (const DirectoryEntry& entry : entries_) {
    FileNumber number;
    if (ParseDataFileName(entry.name, number) && number >= recovered_.next_file) {
      recovered_.next_file = number.Next();
    }
  }
  if (IsPlanted(PlantedBug::kFileNumbersStartAgain)) recovered_.next_file = FileNumber(1);
  if (!recovered_.read_only) {
    // Before any new manifest: what was never named is told by the number in the one that was
    // found.
    TidyFiles();
    RETURN_IF_ERROR(RecordNewDamage());
    RETURN_IF_ERROR(RebuildRuns());
    TidyManifests();
    if (IsPlanted(PlantedBug::kRecoveryRemovesNamedFile) && !recovered_.manifest.parts.empty()) {
      RemoveFile(PartFileName(recovered_.manifest.parts.back().number));
    }
  }
  for (const DamageRecord& record : recovered_.manifest.damaged) {
    recovered_.snapshot.damaged.push_back(DamagedFileOf(options_.directory, record));
  }
  if (recovered_.read_only) {
    // An older manifest knows less: no query may take what it names for everything.
    recovered_.snapshot.damaged.push_back({FileNumber(), options_.directory,
                                           recovered_.read_only->ToString(), TimeRange::All(),
                                           false});
  }
  return std::move(recovered_);
}

Result<> Recovery::ReadManifest() {
  ASSIGN_OR_RETURN(ManifestReading reading, ReadNewestManifest(fs_, options_.directory));
  older_manifests_ = std::move(reading.older);
  recovered_.manifest = std::move(reading.manifest);
  if (reading.hole) {
    recovered_.read_only = std::move(reading.hole);
  } else if (!reading.found) {
    const bool has_data = std::any_of(entries_.begin(), entries_.end(), [](const auto& entry) {
      FileNumber number;
      return ParseDataFileName(entry.name, number);
    });
    if (has_data) {
      recovered_.read_only = Error{ErrorCode::kCorruption, "data files without any manifest"};
    } else {
      // Created, and the machine stopped before the first manifest.
      RETURN_IF_ERROR(TsTable::Create(environment_, options_));
      ASSIGN_OR_RETURN(reading, ReadNewestManifest(fs_, options_.directory));
      recovered_.manifest = std::move(reading.manifest);
    }
  }
  if (recovered_.read_only) {
    LogError("table.read_only", "{} takes no writes: {}", options_.directory,
             recovered_.read_only->ToString());
    return Ok();
  }
  if (recovered_.manifest.group != options_.group) {
    return Error{ErrorCode::kFailedPrecondition,
                 fmt::format("{} belongs to group id {}, not {}", options_.directory,
                             Hex16(recovered_.manifest.group), Hex16(options_.group))};
  }
  return Ok();
}

Result<> Recovery::OpenParts() {
  for (const PartInfo& info : recovered_.manifest.parts) {
    const std::string name = PartFileName(info.number);
    auto part = Part::Open(fs_, PathOf(name), &info, FileClass::kRecovery);
    if (!part.has_value()) {
      if (IsDamage(part.error())) {
        new_damage_.push_back({info.number, false, info.times, part.error().message});
        continue;
      }
      if (IsForEver(part.error())) return part.error();
      ReportLate(part.error());
      part = OpenPartLater(fs_, PathOf(name), info);
    }
    recovered_.snapshot.parts.push_back(
        {*std::move(part), std::make_shared<FileHandle>(recovered_.cleaner, name)});
  }
  return Ok();
}

Result<> Recovery::OpenRuns() {
  for (const IndexRunInfo& info : recovered_.manifest.runs) {
    const std::string name = IndexRunFileName(info.number);
    auto run = IndexRun::Open(fs_, PathOf(name), &info, FileClass::kRecovery);
    if (!run.has_value()) {
      if (IsDamage(run.error())) {
        new_damage_.push_back({info.number, true, TimeRange::All(), run.error().message});
        continue;
      }
      if (IsForEver(run.error())) return run.error();
      ReportLate(run.error());
      run = OpenIndexRunLater(fs_, PathOf(name), info);
    }
    recovered_.snapshot.runs.push_back(
        {*std::move(run), std::make_shared<FileHandle>(recovered_.cleaner, name)});
  }
  return Ok();
}

Result<> Recovery::RecordNewDamage() {
  if (!new_damage_.empty()) {
    for (const DamageRecord& record : new_damage_) {
      LogError("table.damage", "{} is set aside: {}", PathOf(FileNameOf(record)), record.reason);
    }
    Manifest next = recovered_.manifest;
    RecordDamage(next, new_damage_);
    next.epoch = next.epoch.Next();
    next.next_file = std::max(next.next_file, recovered_.next_file);
    RETURN_IF_ERROR(WriteManifest(fs_, environment_.random, options_.directory, next));
    older_manifests_.insert(older_manifests_.begin(), recovered_.manifest.epoch);
    recovered_.manifest = std::move(next);
  }
  MoveDamaged(fs_, options_.directory, recovered_.manifest);
  return Ok();
}

// Puts one new run in the place of all damaged ones when the parts can be read and know every
// series, and memory and disk have room for it; else the next opening tries again. The damaged
// files stay in quarantine.
Result<> Recovery::RebuildRuns() {
  const std::vector<DamageRecord>& damaged = recovered_.manifest.damaged;
  const auto is_index = [](const DamageRecord& record) { return record.is_index; };
  if (std::none_of(damaged.begin(), damaged.end(), is_index)) return Ok();
  const FileNumber number = recovered_.next_file;
  recovered_.next_file = number.Next();
  const Result<MergedRun> rebuilt = WriteSurvivingEntries(number);
  if (!rebuilt.has_value()) {
    LogError("table.rebuild", "{}: its index cannot be rebuilt: {}", options_.directory,
             rebuilt.error().ToString());
    return Ok();
  }
  RETURN_IF_ERROR(ReplaceDamagedRuns(*rebuilt));
  LogWarn("table.rebuild", "{}: {} series of damaged index runs are rebuilt from its parts",
          options_.directory, rebuilt->info.entries);
  return Ok();
}

Result<MergedRun> Recovery::WriteSurvivingEntries(FileNumber number) {
  MemoryLedger& ledger = environment_.ledger;
  const size_t bytes = std::min(RebuildMemoryBytes(recovered_.snapshot), ledger.limit_bytes() / 4);
  ASSIGN_OR_RETURN(const MemoryReservation memory,
                   ledger.Reserve(MemoryConsumer::kFlushMerge, bytes));
  ASSIGN_OR_RETURN(const uint64_t nameless, CountNamelessSeries(recovered_.snapshot));
  if (nameless > 0) {
    return Error{ErrorCode::kCorruption, fmt::format("no part knows {} of its series", nameless)};
  }
  ASSIGN_OR_RETURN(const auto entries, ListSurvivingEntries(recovered_.snapshot));
  const auto every = [](SubjectId) { return true; };
  return WriteIndexRun(fs_, environment_.random, options_.directory, number, *entries, every,
                       FileClass::kRecovery);
}

Result<> Recovery::ReplaceDamagedRuns(const MergedRun& rebuilt) {
  Manifest next = recovered_.manifest;
  std::erase_if(next.damaged, [](const DamageRecord& record) { return record.is_index; });
  if (rebuilt.written) {
    const std::string name = IndexRunFileName(rebuilt.info.number);
    ASSIGN_OR_RETURN(std::shared_ptr<const IndexRun> run,
                     IndexRun::Open(fs_, PathOf(name), &rebuilt.info, FileClass::kRecovery));
    recovered_.snapshot.runs.push_back(
        {std::move(run), std::make_shared<FileHandle>(recovered_.cleaner, name)});
    next.runs.push_back(rebuilt.info);
  }
  next.epoch = next.epoch.Next();
  next.next_file = std::max(next.next_file, recovered_.next_file);
  RETURN_IF_ERROR(WriteManifest(fs_, environment_.random, options_.directory, next));
  older_manifests_.insert(older_manifests_.begin(), recovered_.manifest.epoch);
  recovered_.manifest = std::move(next);
  return Ok();
}

// Afterwards the manifest lists as obsolete what could not be removed and nothing else. The next
// one is published with the directory synced: what it does not list any more is gone for good.
void Recovery::TidyFiles() {
  std::set<std::string> kept;
  for (const PartInfo& info : recovered_.manifest.parts) kept.insert(PartFileName(info.number));
  for (const IndexRunInfo& info : recovered_.manifest.runs) {
    kept.insert(IndexRunFileName(info.number));
  }
  for (const DamageRecord& record : recovered_.manifest.damaged) kept.insert(FileNameOf(record));
  for (const DirectoryEntry& entry : entries_) {
    if (!kept.contains(entry.name) && !entry.is_directory) TidyFile(entry.name);
  }
  recovered_.manifest.obsolete = std::move(leftovers_);
}

void Recovery::TidyManifests() {
  // The newest of the older ones stays beside the current one.
  if (!older_manifests_.empty()) recovered_.previous_manifest = older_manifests_.front();
  for (size_t i = 1; i < older_manifests_.size(); ++i) {
    RemoveFile(ManifestFileName(older_manifests_[i]));
  }
}

void Recovery::TidyFile(const std::string& name) {
  FileNumber number;
  if (IsTemporaryName(name)) {
    RemoveFile(name);
    return;
  }
  if (!ParseDataFileName(name, number)) return;
  const std::vector<std::string>& obsolete = recovered_.manifest.obsolete;
  const bool is_obsolete = std::find(obsolete.begin(), obsolete.end(), name) != obsolete.end();
  const bool never_named = number >= recovered_.manifest.next_file;
  if (is_obsolete || never_named) {
    if (!RemoveFile(name)) leftovers_.push_back(name);
    return;
  }
  LogError("table.unknown_file", "{} is named by no manifest: it is set aside", PathOf(name));
  const Result<> moved = MoveToQuarantine(fs_, options_.directory, name);
  if (!moved.has_value()) {
    LogWarn("table.unknown_file", "{} stays: {}", PathOf(name), moved.error().ToString());
  }
}

bool Recovery::RemoveFile(const std::string& name) {
  const Result<> removed = fs_.Remove(PathOf(name));
  if (removed.has_value() || removed.error().code == ErrorCode::kNotFound) return true;
  LogWarn("table.garbage", "{} stays: {}", PathOf(name), removed.error().ToString());
  return false;
}

}  // namespace

Result<RecoveredTable> RecoverTable(TableEnvironment& environment, const TableOptions& options) {
  Result<RecoveredTable> recovered = Recovery(environment, options).Run();
  if (recovered.has_value()) return recovered;
  return std::move(recovered).error().With(fmt::format("open table {}", options.directory));
}

void RecordDamage(Manifest& manifest, const std::vector<DamageRecord>& damage) {
  for (const DamageRecord& record : damage) {
    const auto is_damaged = [&](const auto& info) { return info.number == record.number; };
    const size_t erased = record.is_index ? std::erase_if(manifest.runs, is_damaged)
                                          : std::erase_if(manifest.parts, is_damaged);
    if (erased > 0) manifest.damaged.push_back(record);
  }
}

void MoveDamaged(FileSystem& fs, std::string_view directory, const Manifest& manifest) {
  for (const DamageRecord& record : manifest.damaged) {
    const std::string name = FileNameOf(record);
    if (!fs.Status(JoinPath(directory, name)).has_value()) continue;
    const Result<> moved = MoveToQuarantine(fs, directory, name);
    if (!moved.has_value()) {
      LogWarn("table.damage", "{}/{} stays among the live files: {}", directory, name,
              moved.error().ToString());
    }
  }
}

DamagedFile DamagedFileOf(std::string_view directory, const DamageRecord& record) {
  DamagedFile damaged;
  damaged.number = record.number;
  damaged.path = JoinPath(JoinPath(directory, kQuarantineDirectory), FileNameOf(record));
  damaged.reason = record.reason;
  damaged.times = record.times;
  damaged.is_index = record.is_index;
  return damaged;
}

}  // namespace ficus
