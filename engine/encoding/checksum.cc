#include "engine/encoding/checksum.h"

#include <array>
#include <new>

#include <nmmintrin.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "engine/base/bytes.h"
#include "engine/base/check.h"
#include "engine/encoding/crc32c_portable.h"

namespace ficus {
namespace {

__attribute__((target("sse4.2"))) uint32_t Crc32cSse42(std::string_view bytes, uint32_t seed) {
  uint64_t crc = ~seed;
  const char* at = bytes.data();
  size_t left = bytes.size();
  for (; left >= 8; left -= 8, at += 8) crc = _mm_crc32_u64(crc, LoadLittle<uint64_t>(at));
  auto tail = static_cast<uint32_t>(crc);
  for (; left > 0; --left, ++at) tail = _mm_crc32_u8(tail, static_cast<unsigned char>(*at));
  return ~tail;
}

const bool kHasSse42 = __builtin_cpu_supports("sse4.2") != 0;

XXH3_state_t* State(void* state) { return static_cast<XXH3_state_t*>(state); }

}  // namespace

uint32_t Crc32c(std::string_view bytes, uint32_t seed) {
  return kHasSse42 ? Crc32cSse42(bytes, seed) : Crc32cPortable(bytes, seed);
}

uint32_t PlacedCrc32c(std::string_view bytes, uint64_t file_id, uint64_t offset) {
  char place[16];
  StoreLittle(place, file_id);
  StoreLittle(place + 8, offset);
  return Crc32c(bytes, Crc32c({place, sizeof place}));
}

uint64_t Xxh3(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

Xxh3Stream::Xxh3Stream()
    : state_(::operator new(sizeof(XXH3_state_t), std::align_val_t(alignof(XXH3_state_t)))) {
  CHECK(XXH3_64bits_reset(State(state_)) == XXH_OK);
}

Xxh3Stream::~Xxh3Stream() { ::operator delete(state_, std::align_val_t(alignof(XXH3_state_t))); }

void Xxh3Stream::Update(std::string_view bytes) {
  CHECK(XXH3_64bits_update(State(state_), bytes.data(), bytes.size()) == XXH_OK);
}

uint64_t Xxh3Stream::Digest() const { return XXH3_64bits_digest(State(state_)); }

}  // namespace ficus
