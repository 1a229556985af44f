#include "engine/base/id.h"

#include <cstdint>
#include <limits>
#include <sstream>
#include <string>
#include <type_traits>
#include <unordered_set>

#include <catch2/catch.hpp>

namespace ficus {
namespace {

using ShardId = Id<struct ShardTag, uint32_t>;
using SeriesId = Id<struct SeriesTag>;
using TinyId = Id<struct TinyTag, uint8_t>;

static_assert(!std::is_convertible_v<uint32_t, ShardId>);
static_assert(!std::is_constructible_v<ShardId, SeriesId>);
static_assert(sizeof(ShardId) == sizeof(uint32_t));

TEST_CASE("ids compare, count on and print their number", "[id]") {
  REQUIRE(ShardId().value() == 0);
  REQUIRE(ShardId(3) < ShardId(4));
  REQUIRE(ShardId(3) == ShardId(2).Next());
  std::ostringstream text;
  text << ShardId(7) << " " << TinyId(65);
  REQUIRE(text.str() == "7 65");
}

TEST_CASE("ids are keys of hash tables", "[id]") {
  const std::unordered_set<SeriesId> ids = {SeriesId(1), SeriesId(2), SeriesId(1)};
  REQUIRE(ids.size() == 2);
  REQUIRE(ids.count(SeriesId(2)) == 1);
}

TEST_CASE("hex is sixteen lower-case digits and reads back", "[id]") {
  REQUIRE(Hex16(uint64_t{0}) == "0000000000000000");
  REQUIRE(Hex16(SeriesId(0xdeadbeef)) == "00000000deadbeef");
  for (const uint64_t value : {uint64_t{0}, uint64_t{1}, uint64_t{0x0123456789abcdef},
                               std::numeric_limits<uint64_t>::max()}) {
    uint64_t parsed = 42;
    REQUIRE(ParseHex16(Hex16(value), parsed));
    REQUIRE(parsed == value);
  }
}

TEST_CASE("hex of another form is refused", "[id]") {
  const std::string text =
      GENERATE("", "0", "000000000000000", "00000000000000000", "000000000000000A",
               "000000000000000g", "0x00000000000000", " 000000000000000", "+000000000000000",
               "000000000000000/", "000000000000000:", "000000000000000`");
  uint64_t value = 42;
  REQUIRE_FALSE(ParseHex16(text, value));
  REQUIRE(value == 42);
}

}  // namespace
}  // namespace ficus
