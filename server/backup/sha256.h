// SHA-256 of what a backup holds: the identity of an object's content.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace ficus {

using Sha256 = std::array<uint8_t, 32>;

// Hashes bytes as they come. One thread at a time.
class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  Sha256Stream(const Sha256Stream&) = delete;
  Sha256Stream& operator=(const Sha256Stream&) = delete;

  void Update(std::string_view bytes);
  // The hash of all bytes so far; the stream is empty again afterwards.
  Sha256 Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Sha256 Sha256Of(std::string_view bytes);

// 64 lower-case hex digits.
std::string HexOf(const Sha256& hash);
// False for anything but 64 lower-case hex digits.
bool ParseSha256(std::string_view text, Sha256& hash);

}  // namespace ficus
