// The Authorization header of a request.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/base/check.h"
#include "server/http/basic_auth.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view header(reinterpret_cast<const char*>(data), size);
  const auto credential = ficus::ParseBasicAuth(header);
  if (!credential.has_value()) return 0;
  CHECK(credential->username.find(':') == std::string::npos);
  CHECK(credential->username.size() + credential->password.size() < size);
  return 0;
}
