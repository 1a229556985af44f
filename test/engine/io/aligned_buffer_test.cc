#include "engine/io/aligned_buffer.h"

#include <cstdint>
#include <utility>

#include <catch2/catch.hpp>

namespace ficus {

TEST_CASE("an aligned buffer has an aligned address and a whole number of blocks", "[io]") {
  for (const size_t size : {1, 4095, 4096, 4097, 1 << 20}) {
    AlignedBuffer buffer(size);
    REQUIRE(reinterpret_cast<uintptr_t>(buffer.data()) % kDirectAlignment == 0);
    REQUIRE(buffer.size() == RoundUpToDirect(size));
    REQUIRE(buffer.size() >= size);
    REQUIRE(buffer.span().size() == buffer.size());
  }
  REQUIRE(AlignedBuffer().size() == 0);
  REQUIRE(AlignedBuffer(0).data() == nullptr);
}

TEST_CASE("an aligned buffer moves its bytes", "[io]") {
  AlignedBuffer from(10);
  const char* bytes = from.data();
  const AlignedBuffer to = std::move(from);
  REQUIRE(to.data() == bytes);
}

}  // namespace ficus
