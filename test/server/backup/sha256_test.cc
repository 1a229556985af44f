#include "server/backup/sha256.h"

#include <catch2/catch.hpp>

namespace ficus {
namespace {

constexpr std::string_view kAbc =
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
constexpr std::string_view kEmpty =
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

TEST_CASE("the vectors of FIPS 180 come out", "[backup]") {
  REQUIRE(HexOf(Sha256Of("abc")) == kAbc);
  REQUIRE(HexOf(Sha256Of("")) == kEmpty);
}

TEST_CASE("a stream hashes pieces like the whole and begins anew after each end", "[backup]") {
  Sha256Stream stream;
  stream.Update("a");
  stream.Update("");
  stream.Update("bc");
  REQUIRE(HexOf(stream.Finish()) == kAbc);
  REQUIRE(HexOf(stream.Finish()) == kEmpty);
}

TEST_CASE("only 64 lower-case hex digits are a hash", "[backup]") {
  Sha256 hash;
  REQUIRE(ParseSha256(kAbc, hash));
  REQUIRE(hash == Sha256Of("abc"));
  std::string text(kAbc);
  text[0] = 'B';
  REQUIRE_FALSE(ParseSha256(text, hash));
  REQUIRE_FALSE(ParseSha256(kAbc.substr(1), hash));
  REQUIRE_FALSE(ParseSha256("", hash));
}

}  // namespace
}  // namespace ficus
