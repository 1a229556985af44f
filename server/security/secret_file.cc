#include "server/security/secret_file.h"

#include <cstdlib>
#include <string_view>
#include <utility>

#include <fmt/core.h>
#include <openssl/crypto.h>

#include "config/regular_file.h"

namespace ficus {
namespace {

constexpr mode_t kForeignRights = S_IRWXG | S_IRWXO;

bool LiesIn(std::string_view path, const std::string& folder) {
  if (folder.empty() || path.find("/../") != std::string_view::npos) return false;
  return path.substr(0, folder.size() + 1) == folder + "/";
}

Result<> CheckReaders(const std::string& path, mode_t mode, const SecretFileRules& rules) {
  const bool wide = (mode & kForeignRights) != 0;
  if (rules.readers == FileReaders::kAnyone || !wide || LiesIn(path, rules.credentials_folder)) {
    return Ok();
  }
  return Error{ErrorCode::kPermissionDenied,
               fmt::format("has mode {:04o}, but must be its owner's alone: chmod 0600 {}",
                           static_cast<unsigned>(mode & 07777), path)};
}

}  // namespace

Result<std::string> ReadSecretFile(const std::string& path, const SecretFileRules& rules) {
  auto bytes = ReadRegularFile(path, rules.bytes_max, [&](const struct stat& status) {
    return CheckReaders(path, status.st_mode, rules);
  });
  if (!bytes) return std::move(bytes).error().With(path);
  return bytes;
}

void Wipe(std::string& secret) { OPENSSL_cleanse(secret.data(), secret.size()); }

std::string CredentialsFolder() {
  const char* const folder = std::getenv("CREDENTIALS_DIRECTORY");
  return folder == nullptr ? "" : folder;
}

}  // namespace ficus
