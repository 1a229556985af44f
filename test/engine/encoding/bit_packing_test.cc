#include "engine/encoding/bit_packing.h"

#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/random.h"
#include "test/support/seed.h"

namespace ficus {
namespace {

std::vector<uint64_t> RandomValues(SeededRandom& random, size_t count, int width) {
  std::vector<uint64_t> values(count);
  for (uint64_t& value : values) value = width == 0 ? 0 : random.Next() >> (64 - width);
  return values;
}

}  // namespace

TEST_CASE("packed values of every width and size come back", "[packing]") {
  SeededRandom random(TestSeed(1));
  std::vector<size_t> counts = {255, 256, 257, 511, 512, 1023, 1024, 1025};
  for (size_t count = 0; count <= 130; ++count) counts.push_back(count);
  for (int width = 0; width <= 64; ++width) {
    for (const size_t count : counts) {
      const std::vector<uint64_t> values = RandomValues(random, count, width);
      std::string packed = "x";
      PackBits(values, width, packed);
      REQUIRE(packed.size() == 1 + PackedBytes(count, width));
      std::vector<uint64_t> unpacked(count, 1);
      UnpackBits(std::string_view(packed).substr(1), width, unpacked);
      CAPTURE(width, count);
      REQUIRE((unpacked == values));
    }
  }
}

TEST_CASE("unpacking agrees with the plain version on any bytes", "[packing]") {
  SeededRandom random(TestSeed(1));
  for (int width = 0; width <= 64; ++width) {
    for (const size_t count : {1u, 7u, 64u, 255u, 256u, 300u, 800u}) {
      std::string packed(PackedBytes(count, width), '\0');
      for (char& byte : packed) byte = static_cast<char>(random.Next());
      std::vector<uint64_t> fast(count, 1);
      std::vector<uint64_t> plain(count, 2);
      UnpackBits(packed, width, fast);
      UnpackBitsPlainly(packed, width, plain);
      CAPTURE(width, count);
      REQUIRE((fast == plain));
    }
  }
}

}  // namespace ficus
