#include "config/config_files.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "config/regular_file.h"

namespace ficus {

Result<std::string> DiskConfigFiles::Read(const std::string& path, size_t bytes_max) const {
  return ReadRegularFile(path, bytes_max);
}

Result<std::vector<std::string>> DiskConfigFiles::List(const std::string& path) const {
  std::error_code error;
  std::vector<std::string> names;
  std::filesystem::directory_iterator entry(path, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  if (error) return FileError(error.value());
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::string> MemoryConfigFiles::Read(const std::string& path, size_t bytes_max) const {
  const auto found = files_.find(path);
  if (found == files_.end()) return FileError(ENOENT);
  if (found->second.size() > bytes_max) return TooLargeError(bytes_max);
  return found->second;
}

Result<std::vector<std::string>> MemoryConfigFiles::List(const std::string& path) const {
  std::vector<std::string> names;
  const std::string folder = path + "/";
  for (const auto& [name, bytes] : files_) {
    if (name.substr(0, folder.size()) != folder) continue;
    const std::string rest = name.substr(folder.size());
    if (rest.find('/') == std::string::npos) names.push_back(rest);
  }
  if (names.empty()) return FileError(ENOENT);
  return names;
}

}  // namespace ficus
