#include "server/http/basic_auth.h"

#include <catch2/catch.hpp>

namespace ficus {
namespace {

TEST_CASE("name and password are read from the header", "[http][auth]") {
  // The sample of RFC 7617.
  const auto credential = ParseBasicAuth("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  REQUIRE(credential.has_value());
  REQUIRE(credential->username == "Aladdin");
  REQUIRE(credential->password == "open sesame");
  REQUIRE(ParseBasicAuth("bAsIc   QWxhZGRpbjpvcGVuIHNlc2FtZQ==").has_value());
  const auto colons = ParseBasicAuth("Basic YTpiOmM=");  // a:b:c
  REQUIRE(colons->username == "a");
  REQUIRE(colons->password == "b:c");
  const auto empty = ParseBasicAuth("Basic Og==");  // :
  REQUIRE(empty->username.empty());
  REQUIRE(empty->password.empty());
}

TEST_CASE("what is no such header is refused", "[http][auth]") {
  const std::string header = GENERATE(
      "", "Basic", "Basic ", "Bearer QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Basic QWxh", "Basic YTpiO",
      "Basic YTpiOmM", "Basic YTp=Ymc=", "Basic ====", "Basic YTpi Omc=", "Basic YTpiOm-_",
      "BasicYTpiOmM=");
  CAPTURE(header);
  const auto credential = ParseBasicAuth(header);
  REQUIRE_FALSE(credential.has_value());
  REQUIRE(credential.error().code == ErrorCode::kInvalidArgument);
}

TEST_CASE("the answers are BanyanDB's", "[http][auth]") {
  REQUIRE(HeaderIsMissing().status == 401);
  REQUIRE(HeaderIsMissing().body == "Authorization header is missing\n");
  REQUIRE(HeaderIsMissing().challenge == "Basic realm=\"Restricted\"");
  REQUIRE(HeaderIsWrong(ParseBasicAuth("x").error()).status == 400);
  REQUIRE(NotLetIn(AuthVerdict::kDenied).status == 401);
  REQUIRE(NotLetIn(AuthVerdict::kDenied).body == R"({"error": "invalid credentials"})");
  REQUIRE(NotLetIn(AuthVerdict::kBusy).status == 503);
}

}  // namespace
}  // namespace ficus
