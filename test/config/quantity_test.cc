#include "config/quantity.h"

#include <chrono>
#include <string>
#include <tuple>

#include <catch2/catch.hpp>

namespace ficus {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;

const std::string kNotASize =
    "is not a size: write a whole number and B, KiB, MiB, GiB, TiB, KB, MB, GB or TB, for example "
    "64MiB";
const std::string kNotADuration =
    "is not a duration: write whole numbers with ms, s, m, h or d, the larger unit first, for "
    "example 90s or 1h30m";
const std::string kNotAnAddress =
    "is not an address to listen on: write an IP address and a port, for example 0.0.0.0:17912 or "
    "[::]:17912";

template <typename T>
std::string ErrorOf(const Result<T>& result) {
  return result ? "no error" : result.error().message;
}

TEST_CASE("a size is a number and a unit", "[config]") {
  const auto [text, bytes] = GENERATE(table<std::string, uint64_t>({
      {"0", 0},
      {"0B", 0},
      {"1B", 1},
      {"3KiB", 3 << 10},
      {"64MiB", 64 << 20},
      {"8GiB", uint64_t{8} << 30},
      {"2TiB", uint64_t{2} << 40},
      {"3KB", 3'000},
      {"5MB", 5'000'000},
      {"7GB", 7'000'000'000},
      {"9TB", 9'000'000'000'000},
      {"18446744073709551615B", UINT64_MAX},
  }));
  CAPTURE(text);
  const Result<uint64_t> parsed = ParseByteSize(text);
  REQUIRE(parsed);
  REQUIRE(*parsed == bytes);
}

TEST_CASE("what is no size is refused with the reason", "[config]") {
  const auto [text, message] = GENERATE(table<std::string, std::string>({
      {"64", "needs a unit: B, KiB, MiB, GiB, TiB, KB, MB, GB or TB, for example 64MiB"},
      {"", kNotASize},
      {"MiB", kNotASize},
      {"64mib", kNotASize},
      {"64M", kNotASize},
      {"64 MiB", kNotASize},
      {"1.5GiB", kNotASize},
      {"-1MiB", kNotASize},
      {"+1MiB", kNotASize},
      {"0x10B", kNotASize},
      {"18446744073709551616B", "is too large"},
      {"16777216TiB", "is too large"},
  }));
  CAPTURE(text);
  REQUIRE(ErrorOf(ParseByteSize(text)) == message);
}

TEST_CASE("a duration is numbers with units, the larger first", "[config]") {
  const auto [text, duration] = GENERATE(table<std::string, nanoseconds>({
      {"0", nanoseconds(0)},
      {"250ms", milliseconds(250)},
      {"5s", seconds(5)},
      {"90s", seconds(90)},
      {"10m", minutes(10)},
      {"24h", hours(24)},
      {"2d", hours(48)},
      {"1h30m", minutes(90)},
      {"1d2h3m4s5ms", hours(26) + minutes(3) + milliseconds(4005)},
      {"106751d", hours(24 * 106751)},
  }));
  CAPTURE(text);
  const Result<nanoseconds> parsed = ParseDuration(text);
  REQUIRE(parsed);
  REQUIRE(*parsed == duration);
}

TEST_CASE("what is no duration is refused with the reason", "[config]") {
  const auto [text, message] = GENERATE(table<std::string, std::string>({
      {"5", "needs a unit: ms, s, m, h or d, for example 5s"},
      {"", kNotADuration},
      {"s", kNotADuration},
      {"5 s", kNotADuration},
      {"5S", kNotADuration},
      {"5sec", kNotADuration},
      {"1.5h", kNotADuration},
      {"-5s", kNotADuration},
      {"30m1h", kNotADuration},
      {"1m1m", kNotADuration},
      {"1h30", kNotADuration},
      {"5us", kNotADuration},
      {"106752d", "is too large"},
      {"106751d24h", "is too large"},
      {"99999999999999999999s", "is too large"},
  }));
  CAPTURE(text);
  REQUIRE(ErrorOf(ParseDuration(text)) == message);
}

TEST_CASE("a percentage is a whole number up to 100", "[config]") {
  REQUIRE(*ParsePercent("0%") == 0);
  REQUIRE(*ParsePercent("85%") == 85);
  REQUIRE(*ParsePercent("100%") == 100);
  const std::string text = GENERATE("", "%", "85", "101%", "8.5%", "-1%", "85%%");
  CAPTURE(text);
  REQUIRE(ErrorOf(ParsePercent(text)) ==
          "is not a percentage: write a whole number up to 100 and %, for example 85%");
}

TEST_CASE("a count is a whole number", "[config]") {
  REQUIRE(*ParseCount("256") == 256);
  REQUIRE(ErrorOf(ParseCount("2x")) == "is not a whole number");
  REQUIRE(ErrorOf(ParseCount("")) == "is not a whole number");
  REQUIRE(ErrorOf(ParseCount("-2")) == "is not a whole number");
  REQUIRE(ErrorOf(ParseCount("99999999999999999999")) == "is too large");
}

TEST_CASE("an address to listen on is an IP address and a port", "[config]") {
  const auto [text, host, port] = GENERATE(table<std::string, std::string, uint16_t>({
      {"0.0.0.0:17912", "0.0.0.0", 17912},
      {"127.0.0.1:0", "127.0.0.1", 0},
      {":2121", "0.0.0.0", 2121},
      {"localhost:65535", "127.0.0.1", 65535},
      {"[::]:17912", "::", 17912},
      {"[::1]:17912", "::1", 17912},
  }));
  CAPTURE(text);
  const Result<ListenAddress> parsed = ParseListenAddress(text);
  REQUIRE(parsed);
  REQUIRE(*parsed == ListenAddress{host, port});
}

TEST_CASE("what is no address is refused with the reason", "[config]") {
  REQUIRE(ErrorOf(ParseListenAddress("0.0.0.0:65536")) == "has a port above 65535");
  const std::string text =
      GENERATE("", ":", "17912", "0.0.0.0", "0.0.0.0:", "0.0.0.0:x", "0.0.0.0:-1", "0.0.0.0:1x",
               "300.0.0.1:1", "::1:80", "[::1]", "[]:80", "[127.0.0.1]:80", "example.org:80",
               "[::1:80", "0.0.0.0 :80");
  CAPTURE(text);
  REQUIRE(ErrorOf(ParseListenAddress(text)) == kNotAnAddress);
}

TEST_CASE("a memory limit is a share or a size", "[config]") {
  REQUIRE(*ParseMemoryLimit("70%") == MemoryLimit{70, 0});
  REQUIRE(*ParseMemoryLimit("4GiB") == MemoryLimit{0, uint64_t{4} << 30});
  REQUIRE(ErrorOf(ParseMemoryLimit("0%")) == "leaves no memory at all");
  REQUIRE(ErrorOf(ParseMemoryLimit("0")) == "leaves no memory at all");
  REQUIRE(ErrorOf(ParseMemoryLimit("70")) ==
          "is neither a percentage nor a size: write for example 70% or 4GiB");
}

TEST_CASE("what is printed reads back to the same value", "[config]") {
  for (const uint64_t bytes :
       {uint64_t{0}, uint64_t{1}, uint64_t{1000}, uint64_t{1024}, uint64_t{1536},
        uint64_t{64} << 20, uint64_t{5'000'000}, UINT64_MAX}) {
    CAPTURE(bytes);
    REQUIRE(*ParseByteSize(FormatByteSize(bytes)) == bytes);
  }
  for (const nanoseconds duration :
       {nanoseconds(0), nanoseconds(milliseconds(1)), nanoseconds(milliseconds(61'001)),
        nanoseconds(hours(24)), nanoseconds(minutes(90)), nanoseconds(hours(87'600))}) {
    CAPTURE(duration.count());
    REQUIRE(*ParseDuration(FormatDuration(duration)) == duration);
  }
  for (const ListenAddress& address : {ListenAddress{"::1", 1}, ListenAddress{"10.0.0.1", 0}}) {
    REQUIRE(*ParseListenAddress(FormatListenAddress(address)) == address);
  }
  for (const MemoryLimit& limit : {MemoryLimit{70, 0}, MemoryLimit{0, 4096}}) {
    REQUIRE(*ParseMemoryLimit(FormatMemoryLimit(limit)) == limit);
  }
}

TEST_CASE("values are printed in the unit that people use", "[config]") {
  REQUIRE(FormatByteSize(64 << 20) == "64MiB");
  REQUIRE(FormatByteSize(5'000'000) == "5MB");
  REQUIRE(FormatByteSize(1025) == "1025B");
  REQUIRE(FormatDuration(minutes(90)) == "1h30m");
  REQUIRE(FormatDuration(hours(1)) == "1h");
  REQUIRE(FormatListenAddress({"::", 80}) == "[::]:80");
}

}  // namespace
}  // namespace ficus
