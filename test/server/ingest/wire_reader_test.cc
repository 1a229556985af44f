#include "server/ingest/wire_reader.h"

#include <string>

#include <catch2/catch.hpp>

namespace ficus {
namespace {

using namespace std::string_literals;

}  // namespace

TEST_CASE("numbers of every length are read, longer ones refused", "[ingest][reader]") {
  for (int bits = 0; bits <= 64; ++bits) {
    CAPTURE(bits);
    const uint64_t value = bits == 64 ? UINT64_MAX : (uint64_t{1} << bits) - 1;
    std::string bytes;
    PutVarint(bytes, value);
    WireReader in(bytes);
    uint64_t read = 0;
    REQUIRE(in.ReadVarint(read));
    REQUIRE(read == value);
    REQUIRE(in.AtEnd());
    bytes.pop_back();
    REQUIRE_FALSE(WireReader(bytes).ReadVarint(read));
  }
  uint64_t read = 0;
  const std::string endless(11, '\x80');
  REQUIRE_FALSE(WireReader(endless).ReadVarint(read));
}

TEST_CASE("bytes beyond the end are never given", "[ingest][reader]") {
  std::string_view bytes;
  const std::string whole = "\x02"s + "ab";
  REQUIRE(WireReader(whole).ReadBytes(bytes));
  REQUIRE(bytes == "ab");
  for (const std::string& broken : {"\x03"s + "ab", "\xff\xff\xff\xff\x07"s, ""s}) {
    REQUIRE_FALSE(WireReader(broken).ReadBytes(bytes));
  }
  uint64_t word = 0;
  REQUIRE_FALSE(WireReader("1234567").ReadFixed64(word));
}

TEST_CASE("unknown fields are skipped to their end, groups within the depth", "[ingest][reader]") {
  const auto skips = [](std::string_view bytes, int depth) {
    WireReader in(bytes);
    uint32_t tag = 0;
    return in.ReadTag(tag) && in.Skip(tag, depth) && in.AtEnd();
  };
  REQUIRE(skips("\x08\x96\x01"s, 1));
  REQUIRE(skips("\x09\1\2\3\4\5\6\7\0"s, 1));
  REQUIRE(skips("\x0a\1a"s, 1));
  REQUIRE(skips("\x0d\1\2\3\4"s, 1));
  REQUIRE(skips("\x0b\x0c"s, 1));
  REQUIRE_FALSE(skips("\x0b\x0c"s, 0));
  REQUIRE(skips("\x0b\x13\x08\1\x14\x0c"s, 2));
  REQUIRE_FALSE(skips("\x0b\x13\x08\1\x14\x0c"s, 1));
  REQUIRE_FALSE(skips("\x0b\x13\x0c\x14"s, 2));
  REQUIRE_FALSE(skips("\x0b"s, 2));
  REQUIRE_FALSE(skips("\x0d\1\2\3"s, 1));
  REQUIRE_FALSE(skips("\x0c"s, 1));
  REQUIRE_FALSE(skips("\x0e"s, 1));
  REQUIRE_FALSE(skips("\x01\1"s, 1));
}

}  // namespace ficus
