#include "engine/snapshot/snapshot_name.h"

#include <algorithm>
#include <chrono>
#include <iterator>

#include <fmt/core.h>

#include "engine/io/file_system.h"

namespace ficus {
namespace {

constexpr size_t kTimeDigits = 14;
constexpr size_t kSequenceDigits = 8;
constexpr std::string_view kSuffix = ".contents";

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsUpperHex(char c) { return IsDigit(c) || (c >= 'A' && c <= 'F'); }

}  // namespace

std::string SnapshotName(UnixNanos at, uint32_t sequence) {
  const std::chrono::sys_time<std::chrono::nanoseconds> time{std::chrono::nanoseconds(at)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<std::chrono::seconds>(time - day));
  return fmt::format("{:04}{:02}{:02}{:02}{:02}{:02}-{:08X}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     sequence);
}

bool IsSnapshotName(std::string_view name) {
  if (name.size() != kTimeDigits + 1 + kSequenceDigits || name[kTimeDigits] != '-') return false;
  const std::string_view time = name.substr(0, kTimeDigits);
  const std::string_view sequence = name.substr(kTimeDigits + 1);
  return std::all_of(time.begin(), time.end(), IsDigit) &&
         std::all_of(sequence.begin(), sequence.end(), IsUpperHex);
}

Result<> CheckSnapshotName(std::string_view name) {
  if (IsSnapshotName(name)) return Ok();
  return Error{ErrorCode::kInvalidArgument,
               fmt::format("\"{}\" is not the name of a snapshot, such as "
                           "20261120093015-0000002A",
                           name.substr(0, kFileNameBytesMax))};
}

std::string_view SnapshotCatalogFolder(Catalog catalog) { return CatalogName(catalog); }

int SnapshotFolderRank(std::string_view folder) {
  const auto* const found =
      std::find(std::begin(kSnapshotFolders), std::end(kSnapshotFolders), folder);
  if (found == std::end(kSnapshotFolders)) return -1;
  return static_cast<int>(found - std::begin(kSnapshotFolders));
}

std::string SnapshotTree(std::string_view folder, std::string_view name) {
  return fmt::format("{}/snapshots/{}", folder, name);
}

std::string SnapshotContentsPath(std::string_view id) {
  return fmt::format("{}/{}{}", kSnapshotsDirectory, id, kSuffix);
}

bool ParseSnapshotContentsName(std::string_view file_name, std::string& id) {
  if (!file_name.ends_with(kSuffix)) return false;
  file_name.remove_suffix(kSuffix.size());
  if (!IsSnapshotName(file_name)) return false;
  id = file_name;
  return true;
}

}  // namespace ficus
