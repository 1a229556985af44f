#include "server/ingest/utf8.h"

#include <string>

#include <catch2/catch.hpp>

namespace ficus {
namespace {

// The bytes of a code point in the form of so many bytes, overlong if need be.
std::string Encoded(uint32_t code, int bytes) {
  if (bytes == 1) return std::string(1, static_cast<char>(code));
  std::string text;
  for (int i = bytes - 1; i > 0; --i) {
    text.insert(text.begin(), static_cast<char>(0x80 | (code & 0x3F)));
    code >>= 6;
  }
  const uint32_t lead = bytes == 2 ? 0xC0u : bytes == 3 ? 0xE0u : 0xF0u;
  text.insert(text.begin(), static_cast<char>(lead | code));
  return text;
}

int BytesOf(uint32_t code) { return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4; }

}  // namespace

TEST_CASE("every code point is UTF-8 in its shortest form only", "[ingest][utf8]") {
  for (uint32_t code = 0; code < 0x110000; ++code) {
    const bool surrogate = code >= 0xD800 && code < 0xE000;
    const int shortest = BytesOf(code);
    bool right = IsUtf8(Encoded(code, shortest)) != surrogate;
    for (int bytes = shortest + 1; bytes <= 4; ++bytes) {
      right = right && !IsUtf8(Encoded(code, bytes));
    }
    if (!right) FAIL("code point " << code);
  }
  for (const uint32_t code : {0x110000u, 0x1FFFFFu}) REQUIRE_FALSE(IsUtf8(Encoded(code, 4)));
}

TEST_CASE("a sequence is complete or the bytes are refused, wherever it stands", "[ingest][utf8]") {
  for (size_t padding = 0; padding < 20; ++padding) {
    CAPTURE(padding);
    for (const std::string sequence : {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"}) {
      REQUIRE(IsUtf8(std::string(padding, 'a') + sequence + "tail"));
      REQUIRE(IsUtf8(std::string(padding, 'a') + sequence));
      for (size_t size = 1; size < sequence.size(); ++size) {
        REQUIRE_FALSE(IsUtf8(std::string(padding, 'a') + sequence.substr(0, size)));
        REQUIRE_FALSE(IsUtf8(std::string(padding, 'a') + sequence.substr(0, size) + "tail"));
      }
    }
    REQUIRE_FALSE(IsUtf8(std::string(padding, 'a') + "\x80"));
    REQUIRE_FALSE(IsUtf8(std::string(padding, 'a') + "\xff" + std::string(9, 'a')));
    REQUIRE(IsUtf8(std::string(padding, '\0')));
  }
}

}  // namespace ficus
