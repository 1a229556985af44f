#include "server/security/password_hash.h"

#include <catch2/catch.hpp>

namespace ficus {
namespace {

TEST_CASE("a hash fits its password and no other", "[security][auth]") {
  const std::string hash = HashPassword("correct horse").value();
  REQUIRE(hash.rfind("$y$", 0) == 0);
  REQUIRE(CheckPasswordHash(hash).has_value());
  REQUIRE(VerifyPassword("correct horse", hash));
  REQUIRE_FALSE(VerifyPassword("correct hors", hash));
  REQUIRE_FALSE(VerifyPassword("", hash));
  REQUIRE_FALSE(VerifyPassword("correct horse", hash.substr(0, hash.size() - 1)));
}

TEST_CASE("the same password has another hash each time", "[security][auth]") {
  REQUIRE(HashPassword("x").value() != HashPassword("x").value());
}

TEST_CASE("hashes of other tools are taken", "[security][auth]") {
  // Made by `openssl passwd -6 -salt saltsalt secret`.
  const std::string sha512 =
      "$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDe"
      "hy0S5knV8wiOQSpT0Y77vwPZN.Pq.H91p5hVO1";
  REQUIRE(CheckPasswordHash(sha512).has_value());
  REQUIRE(VerifyPassword("secret", sha512));
  REQUIRE_FALSE(VerifyPassword("other", sha512));
}

TEST_CASE("what is no strong hash is refused, and not repeated", "[security][auth]") {
  const std::string text =
      GENERATE(std::string("plain"), std::string("$1$saltsalt$hX3xQe4bIyd4n2ZcJ8y1r."),
               std::string("ab12cd34ef56g"), std::string("$y$"), std::string("$y$j9T$"),
               std::string("$6$"), std::string("$6$salt$short"), std::string("*0"),
               std::string("!locked"), "$6$saltsalt$" + std::string(400, 'x'));
  CAPTURE(text);
  const Result<> checked = CheckPasswordHash(text);
  REQUIRE_FALSE(checked.has_value());
  REQUIRE((text.size() < 6 || checked.error().message.find(text) == std::string::npos));
  REQUIRE_FALSE(VerifyPassword("plain", text));
}

TEST_CASE("a password that cannot be sent cannot be hashed", "[security][auth]") {
  REQUIRE_FALSE(HashPassword("").has_value());
  REQUIRE_FALSE(HashPassword(std::string(kPasswordBytesMax + 1, 'x')).has_value());
  REQUIRE_FALSE(HashPassword("gr\xc3\xbc\xc3\x9f").has_value());
  REQUIRE_FALSE(HashPassword(" x").has_value());
  REQUIRE_FALSE(HashPassword("x\n").has_value());
}

}  // namespace
}  // namespace ficus
