#include "engine/schema/interval.h"

#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/clock.h"

namespace ficus {

TEST_CASE("durations in Go's notation and whole days are understood", "[schema][interval]") {
  const std::vector<std::pair<std::string, int64_t>> intervals = {
      {"0", 0},
      {"1m", 60 * kNanosPerSecond},
      {"1h", kNanosPerHour},
      {"1d", kNanosPerDay},
      {"-7d", -7 * kNanosPerDay},
      {"+2d", 2 * kNanosPerDay},
      {"1d12h", kNanosPerDay},
      {"300ms", 300 * kNanosPerMilli},
      {"-1.5h", -kNanosPerHour * 3 / 2},
      {"2h45m", 165 * 60 * kNanosPerSecond},
      {".5s", kNanosPerSecond / 2},
      {"1.s", kNanosPerSecond},
      {"1ns", 1},
      {"1us2ns", 1002},
      {"1\xc2\xb5s", 1000},
      {"1\xce\xbcs", 1000},
      {"0.000000001s", 1},
      {"0.33333333333333333333h", 1200 * kNanosPerSecond - 1},
      {"9223372036854775807ns", INT64_MAX},
  };
  for (const auto& [text, nanos] : intervals) {
    CAPTURE(text);
    const auto parsed = ParseInterval(text);
    REQUIRE(parsed);
    REQUIRE(*parsed == nanos);
  }
}

TEST_CASE("other texts are refused in Go's words", "[schema][interval]") {
  const std::vector<std::pair<std::string, std::string>> texts = {
      {"", "time: invalid duration \"\""},
      {"abc", "time: invalid duration \"abc\""},
      {".", "time: invalid duration \".\""},
      {"-", "time: invalid duration \"-\""},
      {"5", "time: missing unit in duration \"5\""},
      {"5y", "time: unknown unit \"y\" in duration \"5y\""},
      {"9223372036854775808ns", "time: invalid duration \"9223372036854775808ns\""},
      {"99999999999999999999h", "time: invalid duration \"99999999999999999999h\""},
      {"3000000h", "time: invalid duration \"3000000h\""},
      {"d", "time: invalid duration \"d\""},
      {"1.5d", "strconv.Atoi: parsing \"1.5\": invalid syntax"},
      {"-d", "strconv.Atoi: parsing \"\": invalid syntax"},
      {"999999d", "strconv.Atoi: parsing \"999999\": value out of range"},
  };
  for (const auto& [text, message] : texts) {
    CAPTURE(text);
    const auto parsed = ParseInterval(text);
    REQUIRE_FALSE(parsed);
    REQUIRE(parsed.error() == Error{ErrorCode::kInvalidArgument, message});
  }
}

}  // namespace ficus
