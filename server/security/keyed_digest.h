// HMAC-SHA256 under a key that lives as long as the process: lets secrets be compared and
// remembered without being kept.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "engine/base/random.h"

namespace ficus {

using Digest = std::array<unsigned char, 32>;

class DigestKey {
 public:
  explicit DigestKey(RandomSource& random);

  // Of the texts in their order and with their lengths: no two lists have the same. Any thread.
  Digest Of(std::initializer_list<std::string_view> texts) const;

 private:
  std::array<uint64_t, 4> key_;
};

// In a time that does not depend on where they differ.
bool SameDigest(const Digest& left, const Digest& right);

}  // namespace ficus
