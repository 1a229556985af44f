#include "engine/encoding/checksum.h"

#include <string>

#include <catch2/catch.hpp>

#include "engine/base/random.h"
#include "engine/encoding/crc32c_portable.h"
#include "test/support/seed.h"

namespace ficus {
namespace {

std::string Ascending() {
  std::string bytes;
  for (int i = 0; i < 32; ++i) bytes.push_back(static_cast<char>(i));
  return bytes;
}

}  // namespace

TEST_CASE("CRC-32C has the values of RFC 3720", "[checksum]") {
  const std::string ascending = Ascending();
  const std::string descending(ascending.rbegin(), ascending.rend());
  REQUIRE(Crc32c("") == 0);
  REQUIRE(Crc32c("123456789") == 0xe3069283);
  REQUIRE(Crc32c(std::string(32, '\0')) == 0x8a9136aa);
  REQUIRE(Crc32c(std::string(32, '\xff')) == 0x62a8ab43);
  REQUIRE(Crc32c(ascending) == 0x46dd794e);
  REQUIRE(Crc32c(descending) == 0x113fdb5c);
}

TEST_CASE("the portable CRC-32C agrees with the fast one on every length", "[checksum]") {
  SeededRandom random(TestSeed(1));
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    const auto seed = static_cast<uint32_t>(random.Next());
    REQUIRE(Crc32cPortable(bytes, seed) == Crc32c(bytes, seed));
    bytes.push_back(static_cast<char>(random.Next()));
  }
}

TEST_CASE("a CRC-32C can be continued", "[checksum]") {
  const std::string bytes = Ascending() + "and some more";
  for (size_t cut = 0; cut <= bytes.size(); ++cut) {
    REQUIRE(Crc32c(bytes.substr(cut), Crc32c(bytes.substr(0, cut))) == Crc32c(bytes));
  }
}

TEST_CASE("a placed checksum fails in another file and at another offset", "[checksum]") {
  const uint32_t here = PlacedCrc32c("block", 7, 4096);
  REQUIRE(here == PlacedCrc32c("block", 7, 4096));
  REQUIRE(here != PlacedCrc32c("block", 8, 4096));
  REQUIRE(here != PlacedCrc32c("block", 7, 8192));
  REQUIRE(here != PlacedCrc32c("block", 4096, 7));
  REQUIRE(here != PlacedCrc32c("blocl", 7, 4096));
}

TEST_CASE("the streamed XXH3 is that of the whole", "[checksum]") {
  SeededRandom random(TestSeed(1));
  std::string bytes(5000, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.Next());
  Xxh3Stream stream;
  REQUIRE(stream.Digest() == Xxh3(""));
  for (size_t at = 0; at < bytes.size();) {
    const size_t piece = std::min<size_t>(random.Below(700), bytes.size() - at);
    stream.Update(std::string_view(bytes).substr(at, piece));
    at += piece;
  }
  REQUIRE(stream.Digest() == Xxh3(bytes));
  // XXH3 of nothing, as its specification gives it.
  REQUIRE(Xxh3("") == 0x2d06800538d394c2);
}

}  // namespace ficus
