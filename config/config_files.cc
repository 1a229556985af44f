#include "config/config_files.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <sys/stat.h>
#include <system_error>

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

namespace ficus {
namespace {

Error SystemError(int number) {
  const ErrorCode code =
      number == ENOENT || number == ENOTDIR ? ErrorCode::kNotFound : ErrorCode::kIo;
  return {code, std::generic_category().message(number)};
}

Error TooLarge(size_t bytes_max) {
  return {ErrorCode::kResourceExhausted, fmt::format("is larger than {} bytes", bytes_max)};
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) ::close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

}  // namespace

Result<std::string> DiskConfigFiles::Read(const std::string& path, size_t bytes_max) const {
  // O_NONBLOCK: opening a named pipe must not wait for its writer.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.number() < 0) return SystemError(errno);
  struct stat status;
  if (::fstat(file.number(), &status) != 0) return SystemError(errno);
  if (!S_ISREG(status.st_mode)) return Error{ErrorCode::kIo, "is not a regular file"};
  // Read to the end instead of trusting the size: files of the kernel say 0.
  std::string bytes;
  char buffer[16 * 1024];
  while (true) {
    const ssize_t got = ::read(file.number(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError(errno);
    if (got == 0) return bytes;
    if (bytes.size() + static_cast<size_t>(got) > bytes_max) return TooLarge(bytes_max);
    bytes.append(buffer, static_cast<size_t>(got));
  }
}

Result<std::vector<std::string>> DiskConfigFiles::List(const std::string& path) const {
  std::error_code error;
  std::vector<std::string> names;
  std::filesystem::directory_iterator entry(path, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  if (error) return SystemError(error.value());
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::string> MemoryConfigFiles::Read(const std::string& path, size_t bytes_max) const {
  const auto found = files_.find(path);
  if (found == files_.end()) return SystemError(ENOENT);
  if (found->second.size() > bytes_max) return TooLarge(bytes_max);
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
  if (names.empty()) return SystemError(ENOENT);
  return names;
}

}  // namespace ficus
