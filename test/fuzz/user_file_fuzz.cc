// The file of users, as an operator may have written it.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/base/check.h"
#include "server/security/user_file.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto users = ficus::ParseUsers(text);
  if (!users.has_value()) return 0;
  CHECK(!users->empty());
  for (const ficus::User& user : *users) {
    CHECK(!user.name.empty());
    CHECK(user.password.empty() != user.password_hash.empty());
  }
  return 0;
}
