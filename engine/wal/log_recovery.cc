#include "engine/wal/log_recovery.h"

#include <string>

#include "engine/base/log.h"
#include "engine/io/publish.h"

namespace ficus {
namespace {

constexpr std::string_view kBrokenSuffix = ".broken";

// For a person who wants to know what was cut. It was never acknowledged, so a full disk does not
// keep the node from starting.
Result<> KeepCopy(FileSystem& fs, RandomSource& random, const LogFileReport& file) {
  ASSIGN_OR_RETURN(const auto from, fs.Open(file.name, {.file_class = FileClass::kRecovery}));
  std::string tail(file.used_end - file.intact_end, '\0');
  RETURN_IF_ERROR(from->ReadAt(file.intact_end, tail));
  const Result<> kept = PublishFile(fs, random, BrokenFileName(file), tail, FileClass::kRecovery);
  if (!kept && kept.error().code == ErrorCode::kNoSpace) {
    LogWarn("wal.copy_refused", "no copy of the torn tail is kept: {}", kept.error().ToString());
    return Ok();
  }
  return kept;
}

// Removes what follows the last intact batch: a torn tail, and the space that was never used.
Result<> CutTail(FileSystem& fs, RandomSource& random, const LogFileReport& file) {
  if (file.used_end > file.intact_end) {
    RETURN_IF_ERROR(KeepCopy(fs, random, file));
    LogWarn("wal.torn_tail", "log file {}: bytes [{}, {}) were never durable and are cut off",
            file.name, file.intact_end, file.used_end);
  }
  if (file.bytes <= file.intact_end) return Ok();
  ASSIGN_OR_RETURN(const auto to, fs.Open(file.name, {.file_class = FileClass::kLog,
                                                      .mode = OpenMode::kReadWrite}));
  return to->Truncate(file.intact_end);
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

std::string BrokenFileName(const LogFileReport& file) {
  return file.name + std::string(kBrokenSuffix);
}

Result<std::unique_ptr<LogReader>> RecoverLog(FileSystem& fs, RandomSource& random) {
  ASSIGN_OR_RETURN(auto reader,
                   LogReader::Open(fs, {.file_class = FileClass::kRecovery, .drop_cache = true}));
  const LogReport& report = reader->report();
  if (report.damage) return report.damage->ToError();
  RETURN_IF_ERROR(CutTail(fs, random, report.files.back()));
  RETURN_IF_ERROR(SyncFiles(fs, report));
  RETURN_IF_ERROR(RemoveLogTemporaries(fs));
  return reader;
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
