#include "engine/wal/log_format.h"

#include <string>

#include <catch2/catch.hpp>

#include "engine/base/bytes.h"
#include "engine/encoding/checksum.h"
#include "engine/wal/group_encoder.h"
#include "test/support/golden.h"

namespace ficus {
namespace {

LogFileHeader SomeHeader() {
  LogFileHeader header;
  header.log = LogId(0x1122334455667788);
  header.number = 42;
  header.first = LogPosition(101);
  header.prior = LogPosition(99);
  header.scn = Scn(1'700'000'000'000'000'000);
  header.created = 1'700'000'000'123'456'789;
  header.prior_chain = 0xdeadbeef;
  return header;
}

// An encoded header with `bytes` at `offset`, and a checksum that fits.
std::string Patched(size_t offset, std::string_view bytes) {
  std::string encoded = EncodeLogFileHeader(SomeHeader());
  encoded.replace(offset, bytes.size(), bytes);
  encoded.resize(kLogHeaderBytes - 4);
  PutLittle<uint32_t>(encoded, Crc32c(encoded));
  return encoded;
}

TEST_CASE("a file header comes back as it was", "[wal][format]") {
  const std::string encoded = EncodeLogFileHeader(SomeHeader());
  REQUIRE(encoded.size() == kLogHeaderBytes);
  const LogFileHeader header = DecodeLogFileHeader(encoded).value();
  REQUIRE(header.log == SomeHeader().log);
  REQUIRE(header.number == 42);
  REQUIRE(header.first == LogPosition(101));
  REQUIRE(header.prior == LogPosition(99));
  REQUIRE(header.scn == SomeHeader().scn);
  REQUIRE(header.created == SomeHeader().created);
  REQUIRE(header.prior_chain == 0xdeadbeef);
  REQUIRE(header.chain == LogHeaderChain(encoded));
  CheckGolden("wal/file_header.hex", HexDump(std::as_bytes(std::span(encoded.data(), 80))));
}

TEST_CASE("every changed byte of a file header is noticed", "[wal][format]") {
  std::string encoded = EncodeLogFileHeader(SomeHeader());
  for (char& byte : encoded) {
    byte = static_cast<char>(byte ^ 1);
    REQUIRE(DecodeLogFileHeader(encoded).error().code == ErrorCode::kCorruption);
    byte = static_cast<char>(byte ^ 1);
  }
  encoded.pop_back();
  REQUIRE(DecodeLogFileHeader(encoded).error().code == ErrorCode::kCorruption);
}

TEST_CASE("a newer version and an unknown required feature are refused, others ignored",
          "[wal][format]") {
  REQUIRE(DecodeLogFileHeader(Patched(8, std::string("\x02\x00", 2))).error().code ==
          ErrorCode::kUnsupportedVersion);
  REQUIRE(DecodeLogFileHeader(Patched(12, "\x01")).error().code == ErrorCode::kUnsupportedVersion);
  REQUIRE(DecodeLogFileHeader(Patched(16, "\x01")).has_value());
  REQUIRE(DecodeLogFileHeader(Patched(0, "X")).error().code == ErrorCode::kCorruption);
  // First position not above the last one before it.
  REQUIRE(DecodeLogFileHeader(Patched(40, "\x63")).error().code == ErrorCode::kCorruption);
}

TEST_CASE("a fragment counts only in its own log, file and place", "[wal][format]") {
  GroupEncoder encoder;
  const FragmentPlace place{LogId(7), 3, 8192};
  encoder.Begin({place, 0xabcd, LogPosition(4)});
  encoder.Add(LogPosition(5), Scn(77), "payload");
  const std::string bytes(encoder.Finish());
  CheckGolden("wal/fragment.hex", HexDump(std::as_bytes(std::span(bytes.data(), 48))));

  const auto fragment = DecodeFragment(place, bytes);
  REQUIRE(fragment);
  REQUIRE(fragment->payload == "payload");
  REQUIRE(fragment->header.type == FragmentType::kFull);
  REQUIRE(fragment->header.previous == 0xabcd);
  REQUIRE(fragment->header.position == LogPosition(5));
  REQUIRE(fragment->header.synced == LogPosition(4));
  REQUIRE(fragment->header.scn == Scn(77));
  REQUIRE(fragment->header.checksum == encoder.chain());

  REQUIRE_FALSE(DecodeFragment({LogId(8), 3, 8192}, bytes));
  REQUIRE_FALSE(DecodeFragment({LogId(7), 4, 8192}, bytes));
  REQUIRE_FALSE(DecodeFragment({LogId(7), 3, 4096}, bytes));
  for (size_t cut = 0; cut < kFragmentHeaderBytes + 7; ++cut) {
    REQUIRE_FALSE(DecodeFragment(place, std::string_view(bytes).substr(0, cut)));
  }
  std::string flipped = bytes;
  for (size_t at = 0; at < kFragmentHeaderBytes + 7; ++at) {
    flipped[at] = static_cast<char>(flipped[at] ^ 4);
    REQUIRE_FALSE(DecodeFragment(place, flipped));
    flipped[at] = static_cast<char>(flipped[at] ^ 4);
  }
}

TEST_CASE("file names are sixteen digits and nothing else", "[wal][format]") {
  REQUIRE(LogFileName(0x2a) == "000000000000002a.log");
  REQUIRE(ParseLogFileName("000000000000002a.log") == 0x2aU);
  REQUIRE_FALSE(ParseLogFileName("000000000000002A.log"));
  REQUIRE_FALSE(ParseLogFileName("2a.log"));
  REQUIRE_FALSE(ParseLogFileName("000000000000002a.log.broken"));
  REQUIRE_FALSE(ParseLogFileName("LOCK"));

  const std::string lost = LostFileName("000000000000002a.log", LogPosition(12));
  REQUIRE(lost == "000000000000002a.log.lost.000000000000000c");
  REQUIRE(ParseLostFileName(lost) == LogPosition(12));
  REQUIRE_FALSE(ParseLogFileName(lost));
  REQUIRE_FALSE(ParseLostFileName("000000000000002a.log.gone.000000000000000c"));
  REQUIRE_FALSE(ParseLostFileName("2a.log.lost.000000000000000c"));
  REQUIRE_FALSE(ParseLostFileName("000000000000002a.log.lost."));
}

}  // namespace
}  // namespace ficus
