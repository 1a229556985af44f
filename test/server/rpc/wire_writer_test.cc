#include "server/rpc/wire_writer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <limits>
#include <string_view>

#include <catch2/catch.hpp>

namespace ficus {
namespace {

TEST_CASE("a number of each length is read as it was written", "[rpc][wire]") {
  for (int bits = 0; bits <= 64; ++bits) {
    const uint64_t most = bits == 0 ? 0 : std::numeric_limits<uint64_t>::max() >> (64 - bits);
    std::array<char, 1 + kVarintBytesMax> bytes{};
    WireWriter out(bytes.data(), bytes.size());
    out.PutNumber(15, most);
    INFO(bits << " bits");
    REQUIRE(out.size() == 1 + static_cast<size_t>(std::max(1, (bits + 6) / 7)));
    WireReader in(out.written());
    uint32_t tag = 0;
    uint64_t value = 0;
    REQUIRE(in.ReadTag(tag));
    REQUIRE(tag == WireTag(15, WireType::kVarint));
    REQUIRE(in.ReadVarint(value));
    REQUIRE(value == most);
    REQUIRE(in.AtEnd());
  }
}

TEST_CASE("a message holds what was written before its head", "[rpc][wire]") {
  std::array<char, 64> bytes{};
  WireWriter out(bytes.data(), bytes.size());
  out.PutBytes(3, "behind");
  const size_t before = out.size();
  out.PutFixed64(2, std::bit_cast<uint64_t>(0.5));
  out.PutBytes(1, "");
  out.PutBytesUnlessEmpty(1, "");
  out.PutNumberUnlessZero(1, 0);
  out.PutMessage(1, before);

  WireReader in(out.written());
  uint32_t tag = 0;
  std::string_view message;
  std::string_view behind;
  REQUIRE((in.ReadTag(tag) && tag == WireTag(1, WireType::kBytes) && in.ReadBytes(message)));
  REQUIRE((in.ReadTag(tag) && tag == WireTag(3, WireType::kBytes) && in.ReadBytes(behind)));
  REQUIRE(in.AtEnd());
  REQUIRE(behind == "behind");

  WireReader within(message);
  std::string_view empty;
  uint64_t half = 0;
  REQUIRE((within.ReadTag(tag) && tag == WireTag(1, WireType::kBytes) && within.ReadBytes(empty)));
  REQUIRE((within.ReadTag(tag) && tag == WireTag(2, WireType::kFixed64)));
  REQUIRE(within.ReadFixed64(half));
  REQUIRE(within.AtEnd());
  REQUIRE(empty.empty());
  REQUIRE(std::bit_cast<double>(half) == 0.5);
}

}  // namespace
}  // namespace ficus
