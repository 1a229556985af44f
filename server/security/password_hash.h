// Hashes of passwords as crypt(5) knows them: yescrypt for new ones, and what other tools make.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "engine/base/result.h"

namespace ficus {

inline constexpr size_t kPasswordBytesMax = 256;

// A hash of `password` with a fresh salt, at the cost that the library recommends: some tens of
// milliseconds and 16 MiB to make and to check. kInvalidArgument: an empty password, one that is
// longer than kPasswordBytesMax, or one that cannot be sent (CheckSendable).
Result<std::string> HashPassword(std::string_view password);

// Whether `password` has this hash. Takes as long as the hash wants, whatever the answer; a hash
// that cannot be used fits no password. Any thread.
bool VerifyPassword(const std::string& password, const std::string& hash);

// kInvalidArgument when no password can have this hash, or when its method is so cheap that
// passwords can be found from it. The message never holds the hash.
Result<> CheckPasswordHash(const std::string& hash);

// Whether a name or password can be sent as metadata of gRPC: 1 to `bytes_max` printable ASCII
// characters, no space at either end. kInvalidArgument: the end of a sentence that begins with what
// it is.
Result<> CheckSendable(std::string_view text, size_t bytes_max);

}  // namespace ficus
