// Name and password as a browser sends them: RFC 7617, with BanyanDB's answers.
#pragma once

#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "server/http/message.h"
#include "server/security/authenticator.h"

namespace ficus {

struct BasicCredential {
  std::string username;
  std::string password;
};

// From the value of the Authorization header. kInvalidArgument: another scheme, no Base64, or no
// colon in it. Pure; any bytes.
Result<BasicCredential> ParseBasicAuth(std::string_view header);

// The answer to a request whose header is missing or cannot be read, and to one that was not let
// in.
HttpResponse HeaderIsMissing();
HttpResponse HeaderIsWrong(const Error& error);
HttpResponse NotLetIn(AuthVerdict verdict);

}  // namespace ficus
