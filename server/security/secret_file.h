// Files that hold secrets, or that secrets are checked against: small, and read whole.
#pragma once

#include <cstddef>
#include <string>

#include "engine/base/result.h"

namespace ficus {

enum class FileReaders {
  kAnyone,
  // No right for group or others: mode 0600 or less. What lies in `credentials_folder` is taken as
  // it is, because a service manager that hands out files there by access lists makes them look
  // wider.
  kOwnerOnly,
};

struct SecretFileRules {
  FileReaders readers = FileReaders::kAnyone;
  size_t bytes_max = 0;
  std::string credentials_folder;  // empty: there is none
};

// The bytes of a regular file. The message begins with the path and never holds bytes of the file.
// kNotFound, kIo; kResourceExhausted when it is larger; kPermissionDenied names the mode it has and
// the one it needs. Any thread; may block on a disk.
Result<std::string> ReadSecretFile(const std::string& path, const SecretFileRules& rules);

// Overwrites a secret that is needed no more.
void Wipe(std::string& secret);

// CREDENTIALS_DIRECTORY of the environment: where systemd puts what LoadCredential= names.
std::string CredentialsFolder();

}  // namespace ficus
