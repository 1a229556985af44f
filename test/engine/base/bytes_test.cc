#include "engine/base/bytes.h"

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/random.h"
#include "test/support/seed.h"

namespace ficus {
namespace {

std::string Varint(uint64_t value) {
  std::string bytes;
  PutVarint(bytes, value);
  return bytes;
}

TEST_CASE("numbers are stored with the least significant byte first", "[bytes]") {
  std::string bytes;
  PutLittle<uint32_t>(bytes, 0x01020304);
  PutLittle<int16_t>(bytes, -2);
  REQUIRE(bytes == std::string("\x04\x03\x02\x01\xfe\xff", 6));
  REQUIRE(LoadLittle<uint32_t>(bytes.data()) == 0x01020304);
  StoreLittle<uint16_t>(bytes.data() + 1, 0xabcd);
  REQUIRE(bytes == std::string("\x04\xcd\xab\x01\xfe\xff", 6));
}

TEST_CASE("numbers need no alignment", "[bytes]") {
  std::string bytes = "x";
  PutLittle<uint64_t>(bytes, 0x1122334455667788);
  REQUIRE(LoadLittle<uint64_t>(bytes.data() + 1) == 0x1122334455667788);
}

TEST_CASE("varints have the length their value needs", "[bytes]") {
  REQUIRE(Varint(0) == std::string("\0", 1));
  REQUIRE(Varint(127) == "\x7f");
  REQUIRE(Varint(128) == "\x80\x01");
  REQUIRE(Varint(16383) == "\xff\x7f");
  REQUIRE(Varint(16384) == "\x80\x80\x01");
  REQUIRE(Varint(UINT64_MAX) == "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01");
  REQUIRE(Varint(UINT64_MAX).size() == kVarintBytesMax);
}

TEST_CASE("every varint reads back, whatever follows it", "[bytes]") {
  const uint64_t seed = TestSeed(1);
  CAPTURE(seed);
  SeededRandom random(seed);
  for (int round = 0; round < 2000; ++round) {
    const uint64_t value = random.Next() >> random.Below(64);
    CAPTURE(value);
    std::string bytes = Varint(value);
    const size_t length = bytes.size();
    bytes += static_cast<char>(random.Next());
    ByteReader reader(bytes);
    uint64_t read = 0;
    REQUIRE(reader.ReadVarint(read));
    REQUIRE(read == value);
    REQUIRE(reader.offset() == length);
  }
}

TEST_CASE("a varint that is cut off or too long is refused", "[bytes]") {
  const std::string bytes =
      GENERATE(std::string(), std::string("\x80"), std::string(9, '\x80'), std::string(10, '\x80'),
               std::string(10, '\x80') + std::string(1, '\0'),
               // The tenth byte may carry one bit only.
               std::string(9, '\xff') + "\x02", std::string(9, '\xff') + "\x7f");
  ByteReader reader(bytes);
  uint64_t value = 42;
  REQUIRE_FALSE(reader.ReadVarint(value));
  REQUIRE(value == 42);
  REQUIRE_FALSE(reader.ok());
}

TEST_CASE("a varint above its bound is refused", "[bytes]") {
  const std::string bytes = Varint(300);
  uint64_t value = 42;
  ByteReader bounded(bytes);
  REQUIRE_FALSE(bounded.ReadVarintAtMost(299, value));
  REQUIRE(value == 42);
  REQUIRE_FALSE(bounded.ok());
  ByteReader exact(bytes);
  REQUIRE(exact.ReadVarintAtMost(300, value));
  REQUIRE(value == 300);
}

TEST_CASE("small numbers of either sign get short varints", "[bytes]") {
  REQUIRE(ZigZag(0) == 0);
  REQUIRE(ZigZag(-1) == 1);
  REQUIRE(ZigZag(1) == 2);
  REQUIRE(ZigZag(-2) == 3);
  for (const int64_t value :
       {int64_t{0}, int64_t{-1}, int64_t{1}, int64_t{12345}, std::numeric_limits<int64_t>::min(),
        std::numeric_limits<int64_t>::max()}) {
    REQUIRE(UnZigZag(ZigZag(value)) == value);
  }
}

TEST_CASE("a length-prefixed string reads back without its prefix", "[bytes]") {
  std::string bytes;
  PutLengthPrefixed(bytes, "");
  PutLengthPrefixed(bytes, std::string(200, 'x'));
  ByteReader reader(bytes);
  std::string_view first = "untouched";
  std::string_view second;
  REQUIRE(reader.ReadLengthPrefixed(first));
  REQUIRE(reader.ReadLengthPrefixed(second));
  REQUIRE(first == "");
  REQUIRE(second == std::string(200, 'x'));
  REQUIRE(reader.AtEnd());
}

TEST_CASE("a length that points beyond the end is refused", "[bytes]") {
  const std::string bytes =
      GENERATE(std::string("\x05"
                           "abcd"),
               Varint(UINT64_MAX) + "abc", Varint(uint64_t{1} << 63), std::string("\x01"));
  ByteReader reader(bytes);
  std::string_view text = "untouched";
  REQUIRE_FALSE(reader.ReadLengthPrefixed(text));
  REQUIRE(text == "untouched");
  REQUIRE_FALSE(reader.ok());
}

TEST_CASE("after a failed read nothing can be read any more", "[bytes]") {
  const std::string bytes = "abcd";
  ByteReader reader(bytes);
  uint64_t wide = 7;
  REQUIRE_FALSE(reader.ReadLittle(wide));
  REQUIRE(wide == 7);
  uint8_t narrow = 7;
  std::string_view text = "untouched";
  REQUIRE_FALSE(reader.ReadLittle(narrow));
  REQUIRE_FALSE(reader.ReadVarint(wide));
  REQUIRE_FALSE(reader.ReadBytes(1, text));
  REQUIRE_FALSE(reader.ReadBytes(0, text));
  REQUIRE_FALSE(reader.ReadLengthPrefixed(text));
  REQUIRE_FALSE(reader.Skip(0));
  REQUIRE_FALSE(reader.AtEnd());
  REQUIRE(narrow == 7);
  REQUIRE(text == "untouched");
}

TEST_CASE("a reader counts what it read and what is left", "[bytes]") {
  const std::string bytes = "abcdefgh";
  ByteReader reader(bytes);
  std::string_view text;
  REQUIRE(reader.ReadBytes(3, text));
  REQUIRE(text == "abc");
  REQUIRE(text.data() == bytes.data());
  REQUIRE(reader.Skip(1));
  REQUIRE(reader.offset() == 4);
  REQUIRE(reader.remaining() == 4);
  REQUIRE_FALSE(reader.AtEnd());
  uint32_t number = 0;
  REQUIRE(reader.ReadLittle(number));
  REQUIRE(number == 0x68676665);
  REQUIRE(reader.AtEnd());
}

TEST_CASE("no sequence of reads leaves the bytes", "[bytes]") {
  const uint64_t seed = TestSeed(2);
  CAPTURE(seed);
  SeededRandom random(seed);
  for (int round = 0; round < 2000; ++round) {
    // On the heap and exactly as long as needed, so that a sanitizer sees any step beyond it.
    std::vector<char> bytes(random.Below(40));
    for (char& byte : bytes) byte = static_cast<char>(random.Next());
    ByteReader reader(std::string_view(bytes.data(), bytes.size()));
    for (int step = 0; step < 10; ++step) {
      uint64_t number = 0;
      std::string_view text;
      switch (random.Below(5)) {
        case 0:
          reader.ReadVarint(number);
          break;
        case 1:
          reader.ReadLittle(number);
          break;
        case 2:
          reader.ReadBytes(random.Below(50), text);
          break;
        case 3:
          reader.ReadLengthPrefixed(text);
          break;
        default:
          reader.Skip(random.Below(50));
      }
      REQUIRE(reader.offset() + reader.remaining() == bytes.size());
      REQUIRE(text.size() <= bytes.size());
    }
  }
}

}  // namespace
}  // namespace ficus
