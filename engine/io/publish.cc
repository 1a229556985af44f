#include "engine/io/publish.h"

#include <algorithm>

#include "engine/base/id.h"
#include "engine/base/log.h"
#include "engine/base/planted_bug.h"

namespace ficus {
namespace {

constexpr std::string_view kTemporarySuffix = ".tmp";
constexpr size_t kHexBytes = 16;

Result<> WriteAndSync(FileSystem& fs, std::string_view path, std::string_view contents,
                      FileClass file_class) {
  ASSIGN_OR_RETURN(const auto file,
                   fs.Open(path, {.file_class = file_class, .mode = OpenMode::kCreate}));
  WriteBatch batch;
  if (!contents.empty()) batch.Write(*file, 0, contents);
  const bool is_synced =
      !(IsPlanted(PlantedBug::kManifestNotSynced) && file_class == FileClass::kManifest) &&
      !(IsPlanted(PlantedBug::kSnapshotListNotSynced) && file_class == FileClass::kSnapshot);
  if (is_synced) batch.Sync(*file, SyncKind::kAll);
  return fs.Write(batch);
}

Result<> WriteAndRename(FileSystem& fs, std::string_view temporary, std::string_view path,
                        std::string_view contents, FileClass file_class) {
  RETURN_IF_ERROR(WriteAndSync(fs, temporary, contents, file_class));
  return fs.Rename(temporary, path, file_class);
}

// Creates one directory; one that exists is fine.
Result<> EnsureDirectory(FileSystem& fs, std::string_view path) {
  Result<> created = fs.CreateDirectory(path);
  if (created || created.error().code != ErrorCode::kAlreadyExists) return created;
  ASSIGN_OR_RETURN(const FileStatus status, fs.Status(path));
  return status.is_directory ? Ok() : created;
}

Result<> IgnoreMissing(Result<> result) {
  if (!result && result.error().code == ErrorCode::kNotFound) return Ok();
  return result;
}

Result<> RemoveContents(FileSystem& fs, const std::string& path) {
  const auto entries = fs.List(path);
  if (!entries) return IgnoreMissing(entries.error());
  for (const DirectoryEntry& entry : *entries) {
    const std::string child = JoinPath(path, entry.name);
    if (!entry.is_directory) {
      RETURN_IF_ERROR(IgnoreMissing(fs.Remove(child)));
      continue;
    }
    RETURN_IF_ERROR(RemoveContents(fs, child));
    RETURN_IF_ERROR(IgnoreMissing(fs.RemoveDirectory(child)));
  }
  return Ok();
}

}  // namespace

std::string TemporaryName(std::string_view path, RandomSource& random) {
  std::string name(path);
  name += '.';
  name += Hex16(random.Next());
  name += kTemporarySuffix;
  return name;
}

bool IsTemporaryName(std::string_view name) {
  const size_t tail = 1 + kHexBytes + kTemporarySuffix.size();
  if (name.size() <= tail || !name.ends_with(kTemporarySuffix)) return false;
  uint64_t number = 0;
  return name[name.size() - tail] == '.' &&
         ParseHex16(name.substr(name.size() - tail + 1, kHexBytes), number);
}

void RemoveTemporary(FileSystem& fs, std::string_view path) {
  const Result<> removed = IgnoreMissing(fs.Remove(path));
  if (!removed) {
    LogWarn("io.temporary_left", "a temporary file stays: {}", removed.error().ToString());
  }
}

Result<> PublishFile(FileSystem& fs, RandomSource& random, std::string_view path,
                     std::string_view contents, FileClass file_class) {
  RETURN_IF_ERROR(CheckRelativePath(path));
  const std::string temporary = TemporaryName(path, random);
  if (Result<> renamed = WriteAndRename(fs, temporary, path, contents, file_class); !renamed) {
    RemoveTemporary(fs, temporary);
    return std::move(renamed).error().With("publish " + std::string(path));
  }
  if (IsPlanted(PlantedBug::kManifestDirectoryNotSynced)) return Ok();
  return fs.SyncDirectory(ParentPath(path), file_class);
}

Result<std::string> ReadWholeFile(FileSystem& fs, std::string_view path, uint64_t bytes_max,
                                  FileClass file_class) {
  ASSIGN_OR_RETURN(const auto file, fs.Open(path, {.file_class = file_class}));
  ASSIGN_OR_RETURN(const uint64_t bytes, file->Size());
  if (bytes > bytes_max) {
    return Error{ErrorCode::kCorruption, "read " + std::string(path) + ": " +
                                             std::to_string(bytes) + " bytes, at most " +
                                             std::to_string(bytes_max) + " expected"};
  }
  std::string contents(bytes, '\0');
  RETURN_IF_ERROR(file->ReadAt(0, contents));
  return contents;
}

Result<> CreateDirectories(FileSystem& fs, std::string_view path, FileClass file_class) {
  RETURN_IF_ERROR(CheckRelativePath(path));
  for (size_t end = 0; end != std::string_view::npos;) {
    end = path.find('/', end + 1);
    const std::string_view prefix = path.substr(0, end);
    RETURN_IF_ERROR(EnsureDirectory(fs, prefix));
    if (IsPlanted(PlantedBug::kGroupDirectoryNotSynced)) continue;
    RETURN_IF_ERROR(fs.SyncDirectory(ParentPath(prefix), file_class));
  }
  return Ok();
}

Result<> RemoveTree(FileSystem& fs, std::string_view path) {
  RETURN_IF_ERROR(CheckRelativePath(path));
  const Result<FileStatus> status = fs.Status(path);
  if (!status) return IgnoreMissing(status.error());
  if (!status->is_directory) return IgnoreMissing(fs.Remove(path));
  RETURN_IF_ERROR(RemoveContents(fs, std::string(path)));
  return IgnoreMissing(fs.RemoveDirectory(path));
}

}  // namespace ficus
