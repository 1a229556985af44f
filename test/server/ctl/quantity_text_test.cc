#include "server/ctl/quantity_text.h"

#include <catch2/catch.hpp>

namespace ficus {
namespace {

TEST_CASE("sizes, counts and durations are short", "[ctl]") {
  REQUIRE(BytesText(0) == "0 B");
  REQUIRE(BytesText(1023) == "1023 B");
  REQUIRE(BytesText(1536) == "1.5 KiB");
  REQUIRE(BytesText((1 << 20) - 1) == "1.0 MiB");
  REQUIRE(BytesText(UINT64_MAX) == "16.0 EiB");
  REQUIRE(CountText(999) == "999");
  REQUIRE(CountText(1000) == "1,000");
  REQUIRE(CountText(1234567) == "1,234,567");
  REQUIRE(DurationText(0.4) == "00:00");
  REQUIRE(DurationText(61.6) == "01:02");
  REQUIRE(DurationText(3723) == "1:02:03");
  REQUIRE(DurationText(273906) == "3d 04:05:06");
  REQUIRE(DurationText(-1) == "?");
}

TEST_CASE("durations and shares are read with their units", "[ctl]") {
  using namespace std::chrono_literals;
  REQUIRE(ParseDuration("250ms") == 250ms);
  REQUIRE(ParseDuration("30s") == 30s);
  REQUIRE(ParseDuration("5m") == 5min);
  REQUIRE(ParseDuration("2h") == 2h);
  for (const char* bad :
       {"", "30", "0s", "-1s", "s", "1.5s", "5 m", "9223372036854775807d", "1w"}) {
    CAPTURE(bad);
    REQUIRE_FALSE(ParseDuration(bad).has_value());
  }
  REQUIRE(ParsePercent("5%") == 5);
  REQUIRE(ParsePercent("0.5 %") == 0.5);
  REQUIRE(ParsePercent("100") == 100);
  for (const char* bad : {"", "%", "0", "-1%", "100.1%", "nan", "five"}) {
    CAPTURE(bad);
    REQUIRE_FALSE(ParsePercent(bad).has_value());
  }
}

}  // namespace
}  // namespace ficus
