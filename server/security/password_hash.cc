#include "server/security/password_hash.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include <crypt.h>
#include <fmt/core.h>
#include <openssl/crypto.h>

namespace ficus {
namespace {

constexpr char kNewHashPrefix[] = "$y$";  // yescrypt
// yescrypt, gost-yescrypt, scrypt, bcrypt, SHA-512 and SHA-256 with rounds.
constexpr std::array<std::string_view, 8> kMethods = {"$y$",  "$gy$", "$7$", "$2a$",
                                                      "$2b$", "$2y$", "$6$", "$5$"};
constexpr size_t kHashBytesMax = CRYPT_OUTPUT_SIZE - 1;

// The working memory of crypt_r holds the password: wiped before it is given back.
struct Wipe {
  void operator()(crypt_data* data) const {
    OPENSSL_cleanse(data, sizeof *data);
    delete data;
  }
};
using CryptData = std::unique_ptr<crypt_data, Wipe>;

CryptData NewCryptData() { return CryptData(new crypt_data()); }

}  // namespace

Result<> CheckSendable(std::string_view text, size_t bytes_max) {
  if (text.empty()) return Error{ErrorCode::kInvalidArgument, "is empty"};
  if (text.size() > bytes_max) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("is longer than {} bytes", bytes_max)};
  }
  const bool printable =
      std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
  if (!printable || text.front() == ' ' || text.back() == ' ') {
    return Error{ErrorCode::kInvalidArgument,
                 "has characters that gRPC cannot send: printable ASCII, no space at either end"};
  }
  return Ok();
}

Result<std::string> HashPassword(std::string_view password) {
  if (const Result<> fits = CheckSendable(password, kPasswordBytesMax); !fits.has_value()) {
    return fits.error().With("the password");
  }
  char salt[CRYPT_GENSALT_OUTPUT_SIZE];
  if (crypt_gensalt_rn(kNewHashPrefix, 0, nullptr, 0, salt, sizeof salt) == nullptr) {
    return Error{ErrorCode::kIo, "the system cannot make a salt"};
  }
  const CryptData data = NewCryptData();
  const char* const hash = crypt_r(std::string(password).c_str(), salt, data.get());
  if (hash == nullptr || hash[0] == '*') {
    return Error{ErrorCode::kIo, "the system cannot make a hash"};
  }
  return std::string(hash);
}

bool VerifyPassword(const std::string& password, const std::string& hash) {
  const CryptData data = NewCryptData();
  const char* const made = crypt_r(password.c_str(), hash.c_str(), data.get());
  if (made == nullptr || made[0] == '*') return false;
  return std::strlen(made) == hash.size() && CRYPTO_memcmp(made, hash.data(), hash.size()) == 0;
}

Result<> CheckPasswordHash(const std::string& hash) {
  const bool known = std::any_of(kMethods.begin(), kMethods.end(), [&](std::string_view method) {
    return hash.compare(0, method.size(), method) == 0;
  });
  if (!known) {
    return Error{ErrorCode::kInvalidArgument,
                 "is no hash of a strong method (yescrypt, scrypt, bcrypt, SHA-512, SHA-256); "
                 "`ficusctl auth hash` makes one"};
  }
  const size_t last = hash.rfind('$');
  const bool whole = hash.size() <= kHashBytesMax && hash.size() > last + 20;
  if (!whole || crypt_checksalt(hash.c_str()) != CRYPT_SALT_OK) {
    return Error{ErrorCode::kInvalidArgument, "is a hash that is cut short or damaged"};
  }
  return Ok();
}

}  // namespace ficus
