#include "engine/database/restore_moves.h"

#include <algorithm>
#include <utility>

#include <fmt/core.h>

#include "engine/io/publish.h"
#include "engine/model/catalog.h"

namespace ficus {
namespace {

constexpr Catalog kCatalogs[] = {Catalog::kStream, Catalog::kMeasure, Catalog::kProperty,
                                 Catalog::kTrace};
constexpr std::string_view kIdentityFile = "identity";
constexpr std::string_view kLockFile = "LOCK";
constexpr std::string_view kLogAsidePrefix = "restore-";

std::string DataFolder(Catalog catalog) { return JoinPath(CatalogName(catalog), "data"); }

bool Contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Removes `path` when it is another name of what lies at `kept`; false when it is not.
Result<bool> RemoveSecondName(FileSystem& fs, std::string_view path, std::string_view kept) {
  ASSIGN_OR_RETURN(const FileStatus at_path, fs.Status(path));
  ASSIGN_OR_RETURN(const FileStatus at_kept, fs.Status(kept));
  if (at_path.is_directory || at_path.inode != at_kept.inode) return false;
  RETURN_IF_ERROR(fs.Remove(path));
  RETURN_IF_ERROR(fs.SyncDirectory(ParentPath(path)));
  return true;
}

Result<> RemoveDurably(FileSystem& fs, const std::string& path) {
  RETURN_IF_ERROR(RemoveTree(fs, path));
  return fs.SyncDirectory(ParentPath(path));
}

// Moves `from` to `to` and deletes what is there, unless that is the same file.
Result<> MoveOver(FileSystem& fs, const std::string& from, const std::string& to) {
  ASSIGN_OR_RETURN(const bool exists, PathExists(fs, from));
  if (!exists) return Ok();
  ASSIGN_OR_RETURN(const bool taken, PathExists(fs, to));
  if (taken) {
    ASSIGN_OR_RETURN(const bool removed, RemoveSecondName(fs, from, to));
    if (removed) return Ok();
    RETURN_IF_ERROR(RemoveDurably(fs, to));
  }
  return MoveDurably(fs, from, to);
}

Result<> MoveAside(FileSystem& fs, const std::vector<std::string>& names,
                   const std::string& folder) {
  if (names.empty()) return Ok();
  for (const std::string& name : names) {
    const std::string to = JoinPath(folder, name);
    ASSIGN_OR_RETURN(const bool there, PathExists(fs, to));
    if (there) {
      // Moved before a crash. A directory at its old place is the staged one.
      ASSIGN_OR_RETURN(const bool here, PathExists(fs, name));
      if (here) RETURN_IF_ERROR(RemoveSecondName(fs, name, to));
      continue;
    }
    RETURN_IF_ERROR(MoveDurably(fs, name, to));
  }
  return Ok();
}

// The staged tree of a catalog lies in its place, not the one that was there before.
Result<bool> IsMovedIn(FileSystem& fs, const RestoreJournal& journal, const std::string& data) {
  ASSIGN_OR_RETURN(const bool live, PathExists(fs, data));
  if (!live) return false;
  if (!Contains(journal.aside, data)) return true;
  return PathExists(fs, JoinPath(AsideFolder(journal.id), data));
}

Result<> MoveLogBack(FileSystem& log_fs, const RestoreJournal& journal) {
  const std::string folder = LogAsideFolder(journal.id);
  ASSIGN_OR_RETURN(const std::vector<std::string> here, ListReplacedLog(log_fs));
  for (const std::string& name : here) {
    if (!Contains(journal.log_aside, name)) RETURN_IF_ERROR(RemoveDurably(log_fs, name));
  }
  for (const std::string& name : journal.log_aside) {
    RETURN_IF_ERROR(MoveOver(log_fs, JoinPath(folder, name), name));
  }
  return Ok();
}

}  // namespace

Result<bool> PathExists(FileSystem& fs, std::string_view path) {
  const Result<FileStatus> status = fs.Status(path);
  if (status.has_value()) return true;
  if (status.error().code == ErrorCode::kNotFound) return false;
  return status.error();
}

Result<> MoveDurably(FileSystem& fs, std::string_view from, std::string_view to) {
  ASSIGN_OR_RETURN(const bool exists, PathExists(fs, from));
  if (!exists) return Ok();
  ASSIGN_OR_RETURN(const bool taken, PathExists(fs, to));
  if (taken) {
    ASSIGN_OR_RETURN(const bool removed, RemoveSecondName(fs, from, to));
    if (removed) return Ok();
    return Error{ErrorCode::kAlreadyExists, fmt::format("move {}: {} is taken", from, to)};
  }
  const std::string_view parent = ParentPath(to);
  if (!parent.empty()) RETURN_IF_ERROR(CreateDirectories(fs, parent));
  RETURN_IF_ERROR(fs.Rename(from, to));
  // The new name first: a crash in between may leave both, never none.
  RETURN_IF_ERROR(fs.SyncDirectory(parent));
  return fs.SyncDirectory(ParentPath(from));
}

Result<std::vector<std::string>> ListReplaced(FileSystem& fs) {
  std::vector<std::string> names;
  ASSIGN_OR_RETURN(const bool has_identity, PathExists(fs, kIdentityFile));
  if (has_identity) names.emplace_back(kIdentityFile);
  for (const Catalog catalog : kCatalogs) {
    std::string data = DataFolder(catalog);
    ASSIGN_OR_RETURN(const bool exists, PathExists(fs, data));
    if (exists) names.push_back(std::move(data));
  }
  return names;
}

Result<std::vector<std::string>> ListReplacedLog(FileSystem& log_fs) {
  std::vector<std::string> names;
  ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> entries, log_fs.List(""));
  for (const DirectoryEntry& entry : entries) {
    const bool kept = entry.name == kLockFile || IsTemporaryName(entry.name) ||
                      entry.name.starts_with(kLogAsidePrefix);
    if (!kept) names.push_back(entry.name);
  }
  return names;
}

Result<> MoveWholeNodeIn(FileSystem& fs, FileSystem& log_fs, const RestoreJournal& journal) {
  RETURN_IF_ERROR(MoveAside(fs, journal.aside, AsideFolder(journal.id)));
  RETURN_IF_ERROR(MoveAside(log_fs, journal.log_aside, LogAsideFolder(journal.id)));
  for (const Catalog catalog : kCatalogs) {
    const std::string data = DataFolder(catalog);
    RETURN_IF_ERROR(MoveDurably(fs, JoinPath(StagedFolder(journal.id), data), data));
  }
  return Ok();
}

Result<> MoveWholeNodeBack(FileSystem& fs, FileSystem& log_fs, const RestoreJournal& journal) {
  for (const Catalog catalog : kCatalogs) {
    const std::string data = DataFolder(catalog);
    ASSIGN_OR_RETURN(const bool moved_in, IsMovedIn(fs, journal, data));
    if (!moved_in) continue;
    RETURN_IF_ERROR(MoveDurably(fs, data, JoinPath(StagedFolder(journal.id), data)));
  }
  if (!Contains(journal.aside, kIdentityFile)) {
    RETURN_IF_ERROR(RemoveDurably(fs, std::string(kIdentityFile)));
  }
  for (const std::string& name : journal.aside) {
    RETURN_IF_ERROR(MoveOver(fs, JoinPath(AsideFolder(journal.id), name), name));
  }
  return MoveLogBack(log_fs, journal);
}

}  // namespace ficus
