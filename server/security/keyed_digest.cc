#include "server/security/keyed_digest.h"

#include <cstring>
#include <string>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "engine/base/check.h"

namespace ficus {

DigestKey::DigestKey(RandomSource& random) {
  for (uint64_t& word : key_) word = random.Next();
}

Digest DigestKey::Of(std::initializer_list<std::string_view> texts) const {
  std::string bytes;
  for (const std::string_view text : texts) {
    const uint64_t size = text.size();
    bytes.append(reinterpret_cast<const char*>(&size), sizeof size);
    bytes.append(text);
  }
  Digest digest;
  unsigned int size = 0;
  const unsigned char* const made = HMAC(EVP_sha256(), key_.data(), static_cast<int>(sizeof key_),
                                         reinterpret_cast<const unsigned char*>(bytes.data()),
                                         bytes.size(), digest.data(), &size);
  OPENSSL_cleanse(bytes.data(), bytes.size());
  CHECK(made != nullptr && size == digest.size());
  return digest;
}

bool SameDigest(const Digest& left, const Digest& right) {
  return CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

}  // namespace ficus
