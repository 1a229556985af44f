#include "server/backup/utc_time.h"

#include <limits>

#include <catch2/catch.hpp>

#include "engine/base/random.h"
#include "test/support/seed.h"

namespace ficus {
namespace {

TEST_CASE("a time is written so that people and other languages read it", "[backup]") {
  REQUIRE(UtcText(0) == "1970-01-01T00:00:00.000000000Z");
  REQUIRE(UtcText(-1) == "1969-12-31T23:59:59.999999999Z");
  REQUIRE(UtcText(1'795'165'815'000'000'001) == "2026-11-20T09:10:15.000000001Z");
}

TEST_CASE("every time comes back", "[backup]") {
  const uint64_t seed = TestSeed(1);
  CAPTURE(seed);
  SeededRandom random(seed);
  for (int i = 0; i < 10'000; ++i) {
    const auto time = static_cast<UnixNanos>(random.Next());
    UnixNanos read = 0;
    REQUIRE(ParseUtcText(UtcText(time), read));
    REQUIRE(read == time);
  }
  for (const UnixNanos time :
       {std::numeric_limits<UnixNanos>::min(), std::numeric_limits<UnixNanos>::max()}) {
    UnixNanos read = 0;
    REQUIRE(ParseUtcText(UtcText(time), read));
    REQUIRE(read == time);
  }
}

TEST_CASE("what is no time is refused", "[backup]") {
  UnixNanos time = 0;
  for (const char* text :
       {"", "2026-11-20", "2026-11-20T09:10:15Z", "2026-02-30T00:00:00.000000000Z",
        "2026-11-20T24:00:00.000000000Z", "2026-11-20T00:60:00.000000000Z",
        "2026-11-20T00:00:60.000000000Z", "2026-11-20 00:00:00.000000000Z",
        "2026-11-20T00:00:00.00000000xZ", "9999-01-01T00:00:00.000000000Z",
        "0001-01-01T00:00:00.000000000Z", "2026-00-20T00:00:00.000000000Z"}) {
    CAPTURE(text);
    REQUIRE_FALSE(ParseUtcText(text, time));
  }
}

}  // namespace
}  // namespace ficus
