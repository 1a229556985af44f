// Checksums of everything we write and hashes of everything we look up.
#pragma once

#include <cstdint>
#include <string_view>

namespace ficus {

// CRC-32C (Castagnoli, RFC 3720 appendix B.4) of `bytes`, continuing from `seed` (0 to begin). Uses
// SSE 4.2 where the processor has it; the portable version gives the same value.
uint32_t Crc32c(std::string_view bytes, uint32_t seed = 0);

// A CRC that also depends on where the bytes belong: a block found at another place or in another
// file fails.
uint32_t PlacedCrc32c(std::string_view bytes, uint64_t file_id, uint64_t offset);

// XXH3, 64 bits. For whole-file checksums (streaming: Xxh3Stream) and hash tables.
uint64_t Xxh3(std::string_view bytes);

class Xxh3Stream {
 public:
  Xxh3Stream();
  ~Xxh3Stream();
  Xxh3Stream(const Xxh3Stream&) = delete;
  Xxh3Stream& operator=(const Xxh3Stream&) = delete;
  void Update(std::string_view bytes);
  uint64_t Digest() const;

 private:
  void* state_;
};

}  // namespace ficus
