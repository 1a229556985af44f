#include "server/backup/restore_download.h"

#include <algorithm>
#include <memory>
#include <utility>

#include <fmt/core.h>

#include "engine/io/publish.h"
#include "server/backup/sha256.h"

namespace ficus {
namespace {

Error Damaged(const BackupObject& object, std::string_view what) {
  return Error{ErrorCode::kCorruption, fmt::format("{}: {}", object.key, what)};
}

// Hands the object's bytes to `take`, range after range, and compares what came with the manifest.
Result<> Receive(ObjectStore& store, const BackupObject& object, HashCheck check,
                 const ObjectStore::Sink& take, const std::function<void(uint64_t)>& received,
                 const std::stop_token& stop) {
  Sha256Stream hash;
  std::string etag;
  for (uint64_t offset = 0; offset < object.size_bytes || etag.empty();) {
    const uint64_t length = std::min(kRestoreRangeBytes, object.size_bytes - offset);
    uint64_t came = 0;
    const Result<ObjectInfo> info = store.Get(
        object.key, ByteRange{offset, length},
        [&](std::string_view bytes) -> Result<> {
          came += bytes.size();
          if (came > length) return Damaged(object, "the store sends more than was asked for");
          hash.Update(bytes);
          return take(bytes);
        },
        stop);
    if (!info.has_value()) {
      // The object ends before the length that the manifest says.
      if (info.error().code == ErrorCode::kInvalidArgument) {
        return Damaged(object, fmt::format("it is shorter than {} bytes", object.size_bytes));
      }
      return info.error().With("get " + object.key);
    }
    if (came != length || info->size_bytes != object.size_bytes) {
      return Damaged(object,
                     fmt::format("it has {} bytes, not {}", info->size_bytes, object.size_bytes));
    }
    if (!etag.empty() && info->etag != etag) return Damaged(object, "it changed while it was read");
    etag = info->etag.empty() ? "-" : info->etag;
    offset += length;
    received(length);
  }
  if (check == HashCheck::kLengthOnly || hash.Finish() == object.sha256) return Ok();
  return Damaged(object, "it has another sha256 than its manifest says");
}

Result<> ReceiveInto(FileSystem& fs, ObjectStore& store, const Download& download,
                     const std::string& temporary, const std::stop_token& stop) {
  ASSIGN_OR_RETURN(
      const std::unique_ptr<File> file,
      fs.Open(temporary, {.file_class = FileClass::kBackup, .mode = OpenMode::kCreate}));
  uint64_t offset = 0;
  const auto write = [&](std::string_view bytes) {
    const uint64_t at = offset;
    offset += bytes.size();
    return file->WriteAt(at, bytes);
  };
  RETURN_IF_ERROR(Receive(store, download.object, download.check, write, download.received, stop));
  return file->Sync(SyncKind::kAll);
}

}  // namespace

Result<std::string> FetchObject(ObjectStore& store, const BackupObject& object, HashCheck check,
                                uint64_t bytes_max, std::stop_token stop) {
  if (object.size_bytes > bytes_max) {
    return Damaged(object, fmt::format("{} bytes are too many for such a file", object.size_bytes));
  }
  std::string text;
  text.reserve(object.size_bytes);
  const auto take = [&](std::string_view bytes) {
    text += bytes;
    return Ok();
  };
  RETURN_IF_ERROR(Receive(
      store, object, check, take, [](uint64_t) {}, stop));
  return text;
}

Result<> DownloadFile(FileSystem& fs, RandomSource& random, ObjectStore& store,
                      const Download& download, std::stop_token stop) {
  const std::string temporary = TemporaryName(download.path, random);
  Result<> received = ReceiveInto(fs, store, download, temporary, stop);
  if (received.has_value()) {
    received = fs.Rename(temporary, download.path, FileClass::kBackup);
  }
  if (!received.has_value()) RemoveTemporary(fs, temporary);
  return received;
}

Result<bool> IsDownloaded(FileSystem& fs, const Download& download, std::stop_token stop) {
  if (download.check == HashCheck::kLengthOnly) return false;
  const Result<FileStatus> status = fs.Status(download.path);
  if (!status.has_value()) {
    if (status.error().code == ErrorCode::kNotFound) return false;
    return status.error();
  }
  if (status->is_directory || status->size_bytes != download.object.size_bytes) return false;
  ASSIGN_OR_RETURN(const std::unique_ptr<File> file,
                   fs.Open(download.path, {.file_class = FileClass::kBackup}));
  Sha256Stream hash;
  std::string buffer;
  for (uint64_t offset = 0; offset < status->size_bytes; offset += buffer.size()) {
    if (stop.stop_requested()) return Error{ErrorCode::kCancelled, "stopped"};
    buffer.resize(std::min<uint64_t>(1 << 20, status->size_bytes - offset));
    RETURN_IF_ERROR(file->ReadAt(offset, buffer));
    hash.Update(buffer);
  }
  return hash.Finish() == download.object.sha256;
}

}  // namespace ficus
