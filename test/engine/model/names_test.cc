#include "engine/model/names.h"

#include <string>

#include <catch2/catch.hpp>

namespace ficus {
namespace {

bool Accepts(std::string_view name) {
  const Result<> result = CheckName("measure", name);
  if (!result) REQUIRE(result.error().code == ErrorCode::kInvalidArgument);
  return result.has_value();
}

}  // namespace

TEST_CASE("names as SkyWalking gives them are accepted", "[model]") {
  REQUIRE(Accepts("service_cpm_minute"));
  REQUIRE(Accepts("sw_metricsMinute"));
  REQUIRE(Accepts("_top_n_result"));
  REQUIRE(Accepts("9.metrics-v2"));
  REQUIRE(Accepts(std::string(kNameBytesMax, 'a')));
}

TEST_CASE("names that would leave their folder or split a path are refused", "[model]") {
  REQUIRE_FALSE(Accepts(""));
  REQUIRE_FALSE(Accepts("."));
  REQUIRE_FALSE(Accepts(".."));
  REQUIRE_FALSE(Accepts(".hidden"));
  REQUIRE_FALSE(Accepts("-rf"));
  REQUIRE_FALSE(Accepts("a/b"));
  REQUIRE_FALSE(Accepts("a\\b"));
  REQUIRE_FALSE(Accepts("a b"));
  REQUIRE_FALSE(Accepts("a#b"));
  REQUIRE_FALSE(Accepts(std::string("a\0b", 3)));
  REQUIRE_FALSE(Accepts("gr\xc3\xbcn"));
  REQUIRE_FALSE(Accepts(std::string(kNameBytesMax + 1, 'a')));
}

TEST_CASE("the message names what is wrong with which kind of name", "[model]") {
  REQUIRE(CheckName("measure", "a/b").error().message ==
          "measure name has a character at byte 1 that is not a letter, a digit, '_', '-' or '.'");
  REQUIRE(CheckName("group", "").error().message == "group name is empty");
}

TEST_CASE("a group cannot take a name the node keeps for itself", "[model]") {
  REQUIRE(CheckGroupName("sw_metrics"));
  REQUIRE(CheckGroupName("_monitoring"));
  REQUIRE_FALSE(CheckGroupName("_schema"));
  REQUIRE_FALSE(CheckGroupName("_schema_2"));
  REQUIRE_FALSE(CheckGroupName("a/b"));
}

}  // namespace ficus
