#include "server/security/secret_file.h"

#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <sys/stat.h>
#include <system_error>

#include <fcntl.h>
#include <fmt/core.h>
#include <openssl/crypto.h>
#include <unistd.h>

namespace ficus {
namespace {

constexpr mode_t kForeignRights = S_IRWXG | S_IRWXO;

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
  const int number_;
};

Error SystemError(const std::string& path, int number) {
  const bool missing = number == ENOENT || number == ENOTDIR;
  return {missing ? ErrorCode::kNotFound : ErrorCode::kIo,
          path + ": " + std::generic_category().message(number)};
}

bool LiesIn(std::string_view path, const std::string& folder) {
  if (folder.empty() || path.find("/../") != std::string_view::npos) return false;
  return path.substr(0, folder.size() + 1) == folder + "/";
}

Result<> CheckFile(const std::string& path, int descriptor, const SecretFileRules& rules) {
  struct stat status;
  if (::fstat(descriptor, &status) != 0) return SystemError(path, errno);
  if (!S_ISREG(status.st_mode)) return Error{ErrorCode::kIo, path + ": is not a regular file"};
  const bool wide = (status.st_mode & kForeignRights) != 0;
  if (rules.readers == FileReaders::kOwnerOnly && wide && !LiesIn(path, rules.credentials_folder)) {
    return Error{ErrorCode::kPermissionDenied,
                 fmt::format("{}: has mode {:04o}, but must be its owner's alone: chmod 0600 {}",
                             path, static_cast<unsigned>(status.st_mode & 07777), path)};
  }
  return Ok();
}

}  // namespace

Result<std::string> ReadSecretFile(const std::string& path, const SecretFileRules& rules) {
  // O_NONBLOCK: opening a named pipe must not wait for its writer.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.number() < 0) return SystemError(path, errno);
  RETURN_IF_ERROR(CheckFile(path, file.number(), rules));
  std::string bytes;
  char buffer[4096];
  while (true) {
    const ssize_t got = ::read(file.number(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return SystemError(path, errno);
    if (got == 0) return bytes;
    if (bytes.size() + static_cast<size_t>(got) > rules.bytes_max) {
      return Error{ErrorCode::kResourceExhausted,
                   fmt::format("{}: is larger than {} bytes", path, rules.bytes_max)};
    }
    bytes.append(buffer, static_cast<size_t>(got));
  }
}

void Wipe(std::string& secret) { OPENSSL_cleanse(secret.data(), secret.size()); }

std::string CredentialsFolder() {
  const char* const folder = std::getenv("CREDENTIALS_DIRECTORY");
  return folder == nullptr ? "" : folder;
}

}  // namespace ficus
