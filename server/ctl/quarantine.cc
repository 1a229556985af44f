#include "server/ctl/quarantine.h"

#include <algorithm>

#include "engine/table/recovery.h"

namespace ficus {
namespace {

// Below a root there are catalogs, data, groups, segments, shards and their quarantine.
constexpr int kDepthMax = 8;

Result<> Collect(FileSystem& fs, const std::string& directory, bool quarantined, int depth,
                 std::vector<std::string>& found) {
  if (depth > kDepthMax) return Ok();
  ASSIGN_OR_RETURN(const std::vector<DirectoryEntry> entries, fs.List(directory));
  for (const DirectoryEntry& entry : entries) {
    const std::string path = JoinPath(directory, entry.name);
    if (entry.is_directory) {
      const bool inside = quarantined || entry.name == kQuarantineDirectory;
      RETURN_IF_ERROR(Collect(fs, path, inside, depth + 1, found));
    } else if (quarantined) {
      found.push_back(path);
    }
  }
  return Ok();
}

}  // namespace

Result<std::vector<std::string>> ListQuarantine(FileSystem& fs) {
  std::vector<std::string> found;
  RETURN_IF_ERROR(Collect(fs, "", false, 0, found));
  std::sort(found.begin(), found.end());
  return found;
}

Result<> DropQuarantined(FileSystem& fs, const std::string& path) {
  ASSIGN_OR_RETURN(const std::vector<std::string> found, ListQuarantine(fs));
  if (!std::binary_search(found.begin(), found.end(), path)) {
    return Error{ErrorCode::kNotFound, path + " is not in any quarantine"};
  }
  RETURN_IF_ERROR(fs.Remove(path));
  return fs.SyncDirectory(ParentPath(path));
}

}  // namespace ficus
