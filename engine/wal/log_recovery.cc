#include "engine/wal/log_recovery.h"

#include <string>

#include "engine/base/check.h"
#include "engine/base/log.h"
#include "engine/io/publish.h"

namespace ficus {
namespace {

constexpr std::string_view kBrokenSuffix = ".broken";

Result<std::unique_ptr<LogReader>> OpenReader(FileSystem& fs, const std::stop_token& stop) {
  return LogReader::Open(fs,
                         {.file_class = FileClass::kRecovery, .drop_cache = true, .stop = stop});
}

// Copies what follows the intact part of `file` to `path`.
Result<> CopyTail(FileSystem& fs, RandomSource& random, const LogFileReport& file,
                  const std::string& path) {
  ASSIGN_OR_RETURN(const auto from, fs.Open(file.name, {.file_class = FileClass::kRecovery}));
  std::string tail(file.used_end - file.intact_end, '\0');
  RETURN_IF_ERROR(from->ReadAt(file.intact_end, tail));
  return PublishFile(fs, random, path, tail, FileClass::kRecovery);
}

// For a person who wants to know what was cut. It was never acknowledged, so a full disk does not
// keep the node from starting.
Result<> KeepTornTail(FileSystem& fs, RandomSource& random, const LogFileReport& file) {
  LogWarn("wal.torn_tail", "log file {}: bytes [{}, {}) were never durable and are cut off",
          file.name, file.intact_end, file.used_end);
  Result<> kept = CopyTail(fs, random, file, file.name + std::string(kBrokenSuffix));
  if (!kept && kept.error().code == ErrorCode::kNoSpace) {
    LogWarn("wal.copy_refused", "no copy of the torn tail is kept: {}", kept.error().ToString());
    return Ok();
  }
  return kept;
}

// Removes what follows the last intact batch: what was copied, and space that was never used.
Result<> CutTail(FileSystem& fs, const LogFileReport& file) {
  if (file.bytes <= file.intact_end) return Ok();
  ASSIGN_OR_RETURN(const auto to, fs.Open(file.name, {.file_class = FileClass::kLog,
                                                      .mode = OpenMode::kReadWrite}));
  RETURN_IF_ERROR(to->Truncate(file.intact_end));
  return to->Sync(SyncKind::kAll);
}

// Newest first and one after the other, so that a crash leaves the damage where it is and the next
// recovery finds it.
Result<> SetAsideFiles(FileSystem& fs, const LogReport& report) {
  for (size_t index = report.files.size(); index > report.readable_files; --index) {
    const std::string& name = report.files[index - 1].name;
    RETURN_IF_ERROR(fs.Rename(name, LostFileName(name, report.highest), FileClass::kLog));
    RETURN_IF_ERROR(fs.SyncDirectory("", FileClass::kLog));
  }
  return Ok();
}

Result<> SetAsideDamage(FileSystem& fs, RandomSource& random, const LogReport& report) {
  LogError("wal.damage_accepted", "everything in the log behind position {} is set aside: {}",
           report.last.value(), report.damage->ToError().message);
  RETURN_IF_ERROR(SetAsideFiles(fs, report));
  if (report.readable_files == 0) return Ok();
  const LogFileReport& damaged = report.files[report.readable_files - 1];
  if (damaged.used_end > damaged.intact_end) {
    RETURN_IF_ERROR(CopyTail(fs, random, damaged, LostFileName(damaged.name, report.highest)));
  }
  return CutTail(fs, damaged);
}

// What was read may have been in the page cache only.
Result<> SyncFiles(FileSystem& fs, const LogReport& report) {
  for (const LogFileReport& file : report.files) {
    ASSIGN_OR_RETURN(const auto opened, fs.Open(file.name, {.file_class = FileClass::kLog,
                                                            .mode = OpenMode::kReadWrite}));
    RETURN_IF_ERROR(opened->Sync(SyncKind::kAll));
  }
  return Ok();
}

}  // namespace

Result<RecoveredLog> RecoverLog(FileSystem& fs, RandomSource& random, OnDamage on_damage,
                                const std::stop_token& stop) {
  RecoveredLog log;
  ASSIGN_OR_RETURN(log.reader, OpenReader(fs, stop));
  if (const auto& damage = log.reader->report().damage) {
    if (on_damage == OnDamage::kRefuse) return damage->ToError();
    RETURN_IF_ERROR(SetAsideDamage(fs, random, log.reader->report()));
    log.damaged = true;
    ASSIGN_OR_RETURN(log.reader, OpenReader(fs, stop));
  }
  const LogReport& report = log.reader->report();
  CHECK(!report.damage) << report.damage->ToError().message;
  log.highest = report.highest;
  log.torn_tail = report.torn_tail;
  if (log.torn_tail) RETURN_IF_ERROR(KeepTornTail(fs, random, report.files.back()));
  RETURN_IF_ERROR(CutTail(fs, report.files.back()));
  RETURN_IF_ERROR(SyncFiles(fs, report));
  RETURN_IF_ERROR(RemoveLogTemporaries(fs));
  return log;
}

Result<> RemoveLogTemporaries(FileSystem& fs) {
  ASSIGN_OR_RETURN(const auto entries, fs.List(""));
  for (const DirectoryEntry& entry : entries) {
    if (entry.is_directory || !IsTemporaryName(entry.name)) continue;
    RETURN_IF_ERROR(fs.Remove(entry.name));
  }
  return fs.SyncDirectory("", FileClass::kLog);
}

}  // namespace ficus
