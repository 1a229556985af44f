#include "engine/database/parked_log.h"

#include <fmt/core.h>

#include "engine/base/bytes.h"
#include "engine/encoding/checksum.h"
#include "engine/io/publish.h"

namespace ficus {
namespace {

constexpr std::string_view kDirectory = "parked";
constexpr std::string_view kSuffix = ".parked";

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

Result<uint64_t> CountParked(FileSystem& log_fs) {
  Result<std::vector<DirectoryEntry>> entries = log_fs.List(kDirectory);
  if (!entries.has_value()) {
    if (entries.error().code == ErrorCode::kNotFound) return uint64_t{0};
    return std::move(entries).error();
  }
  uint64_t count = 0;
  for (const DirectoryEntry& entry : *entries) count += entry.name.ends_with(kSuffix) ? 1 : 0;
  return count;
}

}  // namespace ficus
