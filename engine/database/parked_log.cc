#include "engine/database/parked_log.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/core.h>

#include "engine/base/bytes.h"
#include "engine/encoding/checksum.h"
#include "engine/io/publish.h"
#include "engine/wal/log.h"

namespace ficus {
namespace {

constexpr std::string_view kDirectory = "parked";
constexpr std::string_view kSuffix = ".parked";
constexpr size_t kChecksumBytes = sizeof(uint32_t);
constexpr size_t kHexDigits = 16;

// "<16 hex digits>-<16 hex digits>.parked".
std::optional<ParkedFile> ParseName(std::string_view name) {
  if (name.size() != 2 * kHexDigits + 1 + kSuffix.size()) return std::nullopt;
  if (name[kHexDigits] != '-' || !name.ends_with(kSuffix)) return std::nullopt;
  uint64_t log = 0;
  uint64_t position = 0;
  if (!ParseHex16(name.substr(0, kHexDigits), log)) return std::nullopt;
  if (!ParseHex16(name.substr(kHexDigits + 1, kHexDigits), position)) return std::nullopt;
  return ParkedFile{std::string(name), LogId(log), LogPosition(position)};
}

}  // namespace

Result<> ParkRecord(FileSystem& log_fs, RandomSource& random, LogId log, LogPosition position,
                    std::string_view payload) {
  RETURN_IF_ERROR(CreateDirectories(log_fs, kDirectory));
  const std::string path =
      JoinPath(kDirectory, fmt::format("{}-{}{}", Hex16(log), Hex16(position), kSuffix));
  if (log_fs.Status(path).has_value()) return Ok();
  std::string bytes(payload);
  PutLittle(bytes, Crc32c(payload));
  return PublishFile(log_fs, random, path, bytes, FileClass::kManifest);
}

Result<std::vector<ParkedFile>> ListParked(FileSystem& log_fs) {
  std::vector<ParkedFile> files;
  Result<std::vector<DirectoryEntry>> entries = log_fs.List(kDirectory);
  if (!entries.has_value()) {
    if (entries.error().code == ErrorCode::kNotFound) return files;
    return std::move(entries).error();
  }
  for (const DirectoryEntry& entry : *entries) {
    std::optional<ParkedFile> file = ParseName(entry.name);
    if (file.has_value()) files.push_back(*std::move(file));
  }
  std::sort(files.begin(), files.end(), [](const ParkedFile& a, const ParkedFile& b) {
    return std::pair(a.log, a.position) < std::pair(b.log, b.position);
  });
  return files;
}

Result<uint64_t> CountParked(FileSystem& log_fs) {
  ASSIGN_OR_RETURN(const std::vector<ParkedFile> files, ListParked(log_fs));
  return uint64_t{files.size()};
}

Result<std::string> ReadParked(FileSystem& log_fs, const std::string& name) {
  const std::string path = JoinPath(kDirectory, name);
  ASSIGN_OR_RETURN(std::string bytes, ReadWholeFile(log_fs, path, kBatchBytesMax + kChecksumBytes,
                                                    FileClass::kRecovery));
  if (bytes.size() < kChecksumBytes) {
    return Error{ErrorCode::kCorruption, path + " is too short for a checksum"};
  }
  const size_t payload = bytes.size() - kChecksumBytes;
  if (LoadLittle<uint32_t>(bytes.data() + payload) !=
      Crc32c(std::string_view(bytes).substr(0, payload))) {
    return Error{ErrorCode::kCorruption, path + ": the checksum is wrong"};
  }
  bytes.resize(payload);
  return bytes;
}

Result<> DropParked(FileSystem& log_fs, const std::string& name) {
  if (!ParseName(name).has_value()) {
    return Error{ErrorCode::kInvalidArgument, name + " is no name of a parked batch"};
  }
  RETURN_IF_ERROR(log_fs.Remove(JoinPath(kDirectory, name)));
  return log_fs.SyncDirectory(kDirectory);
}

}  // namespace ficus
