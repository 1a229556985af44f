#include "engine/base/utf8.h"

#include <string>

#include <catch2/catch.hpp>

#include "engine/base/random.h"
#include "test/support/seed.h"

namespace ficus {
namespace {

TEST_CASE("well-formed sequences have their length", "[utf8]") {
  const auto [text, length] = GENERATE(table<std::string, size_t>({
      {"a", 1},
      {std::string(1, '\0'), 1},
      {"\x7f", 1},
      {"\xc2\x80", 2},
      {"\xdf\xbf", 2},
      {"\xe0\xa0\x80", 3},
      {"\xed\x9f\xbf", 3},
      {"\xee\x80\x80", 3},
      {"\xef\xbf\xbf", 3},
      {"\xf0\x90\x80\x80", 4},
      {"\xf4\x8f\xbf\xbf", 4},
  }));
  CAPTURE(text);
  REQUIRE(Utf8Length(text) == length);
  REQUIRE(Utf8Length(text + "\x80") == length);
  REQUIRE(IsUtf8(text + text));
  REQUIRE(ToUtf8(text) == text);
}

TEST_CASE("what is cut off, too long, a surrogate or out of range is refused", "[utf8]") {
  const std::string text = GENERATE(
      as<std::string>(), "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2\x41", "\xe0\x80\x80",
      "\xe0\x9f\xbf", "\xe1\x80", "\xed\xa0\x80", "\xed\xbf\xbf", "\xf0\x80\x80\x80",
      "\xf0\x8f\xbf\xbf", "\xf1\x80\x80", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff");
  CAPTURE(text);
  REQUIRE(Utf8Length(text) == 0);
  REQUIRE_FALSE(IsUtf8("a" + text));
}

TEST_CASE("replacing keeps what is well formed", "[utf8]") {
  REQUIRE(ToUtf8("") == "");
  REQUIRE(IsUtf8(""));
  REQUIRE(ToUtf8("a\xff"
                 "b\xc3\xa9\xe2\x82") ==
          "a\xef\xbf\xbd"
          "b\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd");
}

TEST_CASE("any bytes become valid", "[utf8]") {
  const uint64_t seed = TestSeed(1);
  CAPTURE(seed);
  SeededRandom random(seed);
  for (int round = 0; round < 2000; ++round) {
    std::string text(random.Below(20), ' ');
    for (char& c : text) c = static_cast<char>(random.Next());
    REQUIRE(IsUtf8(ToUtf8(text)));
    if (IsUtf8(text)) REQUIRE(ToUtf8(text) == text);
  }
}

}  // namespace
}  // namespace ficus
