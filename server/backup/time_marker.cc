#include "server/backup/time_marker.h"

#include <utility>

#include <fmt/core.h>

#include "engine/base/utf8.h"
#include "engine/io/publish.h"
#include "engine/snapshot/snapshot_name.h"
#include "server/backup/repository_keys.h"

namespace ficus {
namespace {

constexpr std::string_view kBlank = " \t\r\n";

TimedirForm OtherForm(TimedirForm form) {
  return form == TimedirForm::kReleased ? TimedirForm::kSeed : TimedirForm::kReleased;
}

Result<> CheckFolder(std::string_view folder) {
  if (SnapshotFolderRank(folder) >= 0) return Ok();
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("'{}' is no folder of a catalog", ToUtf8(folder))};
}

std::string_view Trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

// None when there is no such file.
Result<std::optional<TimeMarker>> ReadOne(FileSystem& fs, TimedirForm form,
                                          std::string_view folder) {
  const std::string path = TimeMarkerPath(form, folder);
  const auto text = ReadWholeFile(fs, path, kTimeMarkerBytesMax, FileClass::kTool);
  if (!text) {
    if (text.error().code == ErrorCode::kNotFound) return std::optional<TimeMarker>();
    return text.error();
  }
  const std::string_view timedir = Trim(*text);
  if (IsTimedirName(timedir)) {
    return std::optional<TimeMarker>(TimeMarker{std::string(timedir), path});
  }
  return Error{ErrorCode::kFailedPrecondition,
               fmt::format("marker {} names no time directory", path)};
}

// False when there was none.
Result<bool> RemoveOne(FileSystem& fs, TimedirForm form, std::string_view folder) {
  const std::string path = TimeMarkerPath(form, folder);
  const Result<> removed = fs.Remove(path);
  if (!removed && removed.error().code == ErrorCode::kNotFound) return false;
  RETURN_IF_ERROR(removed);
  RETURN_IF_ERROR(fs.SyncDirectory(ParentPath(path), FileClass::kTool));
  return true;
}

}  // namespace

std::string TimeMarkerPath(TimedirForm form, std::string_view folder) {
  return std::string(folder) + (form == TimedirForm::kReleased ? "/time-dir" : "-time-dir");
}

Result<> WriteTimeMarker(FileSystem& fs, RandomSource& random, TimedirForm form,
                         std::string_view folder, std::string_view timedir) {
  RETURN_IF_ERROR(CheckFolder(folder));
  if (!IsTimedirName(timedir)) {
    return Error{
        ErrorCode::kInvalidArgument,
        fmt::format("'{}' is no time directory; one is named as 2026-11-20 or 2026-11-20-09",
                    ToUtf8(timedir.substr(0, 80)))};
  }
  // First: after a crash in between there is none, not two.
  RETURN_IF_ERROR(RemoveOne(fs, OtherForm(form), folder));
  if (form == TimedirForm::kReleased) {
    RETURN_IF_ERROR(CreateDirectories(fs, folder, FileClass::kTool));
  }
  return PublishFile(fs, random, TimeMarkerPath(form, folder), timedir, FileClass::kTool);
}

Result<std::optional<TimeMarker>> ReadTimeMarker(FileSystem& fs, std::string_view folder) {
  RETURN_IF_ERROR(CheckFolder(folder));
  ASSIGN_OR_RETURN(auto released, ReadOne(fs, TimedirForm::kReleased, folder));
  ASSIGN_OR_RETURN(auto seed, ReadOne(fs, TimedirForm::kSeed, folder));
  if (!released.has_value()) return seed;
  if (seed.has_value() && seed->timedir != released->timedir) {
    return Error{ErrorCode::kFailedPrecondition,
                 fmt::format("markers disagree: {} says {}, {} says {}", released->path,
                             released->timedir, seed->path, seed->timedir)};
  }
  return released;
}

Result<bool> RemoveTimeMarker(FileSystem& fs, std::string_view folder) {
  RETURN_IF_ERROR(CheckFolder(folder));
  ASSIGN_OR_RETURN(const bool released, RemoveOne(fs, TimedirForm::kReleased, folder));
  ASSIGN_OR_RETURN(const bool seed, RemoveOne(fs, TimedirForm::kSeed, folder));
  return released || seed;
}

}  // namespace ficus
