#include "server/backup/record_text.h"

#include <catch2/catch.hpp>

namespace ficus {
namespace {

std::string Sealed() {
  RecordMembers members(",\n");
  members.Text("name", "a \"quoted\" \xff");
  members.Uint("number", 18446744073709551615u);
  members.Hex("id", 42);
  members.Hex32("crc", 42);
  members.Bool("flag", true);
  members.Time("time", -1);
  members.Hash("hash", Sha256Of(""));
  members.Texts("texts", {"one", "two"});
  members.Objects("objects", 2, [](size_t i, RecordMembers& each) { each.Uint("i", i); });
  return SealRecord("test record", members);
}

std::string Replaced(std::string text, std::string_view from, std::string_view to) {
  text.replace(text.find(from), from.size(), to);
  return WithMendedChecksum(text);
}

ErrorCode CodeOf(std::string_view text) {
  return OpenRecord("test record", 4096, text).error().code;
}

TEST_CASE("a record is a text with a fact on each line", "[backup]") {
  const std::string begin =
      "{\n\"ficus\": \"test record\",\n\"version\": 1,\n"
      "\"required_features\": \"0000000000000000\",\n\"name\": \"a ";
  REQUIRE(Sealed().substr(0, begin.size()) == begin);
  REQUIRE(Sealed().find("\"objects\": [\n{\"i\": 0},\n{\"i\": 1}]") != std::string::npos);
}

TEST_CASE("what was written is read", "[backup]") {
  const OpenedRecord record = OpenRecord("test record", 4096, Sealed()).value();
  MemberReader members = record.members();
  REQUIRE(members.Text("name") == "a \"quoted\" \xef\xbf\xbd");
  REQUIRE(members.Uint("number") == 18446744073709551615u);
  REQUIRE(members.Hex("id") == 42);
  REQUIRE(members.Hex32("crc") == 42);
  REQUIRE(members.Bool("flag"));
  REQUIRE(members.Time("time") == -1);
  REQUIRE(members.Hash("hash") == Sha256Of(""));
  REQUIRE(members.Texts("texts") == std::vector<std::string>{"one", "two"});
  std::vector<uint64_t> read;
  members.Objects("objects", [&](MemberReader& each) { read.push_back(each.Uint("i")); });
  REQUIRE(read == std::vector<uint64_t>{0, 1});
  REQUIRE(members.result().has_value());
}

TEST_CASE("a flipped bit anywhere is corruption", "[backup]") {
  const std::string text = Sealed();
  for (size_t byte = 0; byte < text.size(); ++byte) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = text;
      flipped[byte] = static_cast<char>(flipped[byte] ^ (1 << bit));
      INFO("bit " << bit << " of byte " << byte);
      REQUIRE_FALSE(OpenRecord("test record", 4096, flipped).has_value());
    }
  }
  for (size_t size = 0; size < text.size(); ++size) {
    REQUIRE(CodeOf(text.substr(0, size)) == ErrorCode::kCorruption);
  }
}

TEST_CASE("another kind, a later version and an unknown feature are told apart", "[backup]") {
  REQUIRE(OpenRecord("other record", 4096, Sealed()).error().code == ErrorCode::kCorruption);
  REQUIRE(CodeOf(Replaced(Sealed(), "\"version\": 1", "\"version\": 2")) ==
          ErrorCode::kUnsupportedVersion);
  REQUIRE(CodeOf(Replaced(Sealed(), "\"version\": 1", "\"version\": 0")) == ErrorCode::kCorruption);
  REQUIRE(CodeOf(Replaced(Sealed(), "\"0000000000000000\"", "\"0000000000000001\"")) ==
          ErrorCode::kUnsupportedVersion);
  REQUIRE(CodeOf(Replaced(Sealed(), "\"ficus\"", "\"other\"")) == ErrorCode::kCorruption);
}

TEST_CASE("too long a record is refused before it is looked at", "[backup]") {
  REQUIRE(OpenRecord("test record", Sealed().size(), Sealed()).has_value());
  REQUIRE(OpenRecord("test record", Sealed().size() - 1, Sealed()).error().message ==
          "test record: has " + std::to_string(Sealed().size()) + " bytes, more than " +
              std::to_string(Sealed().size() - 1));
}

TEST_CASE("an unknown member is ignored, a missing or wrong one named", "[backup]") {
  const OpenedRecord record =
      OpenRecord("test record", 4096, Replaced(Sealed(), "\"i\": 1", "\"j\": 1")).value();
  MemberReader members = record.members();
  members.Objects("objects", [&](MemberReader& each) { each.Uint("i"); });
  REQUIRE(members.result().error().message == "JSON: member \"objects[1].i\" is missing or wrong");
  for (const char* name : {"nothing", "name"}) {
    MemberReader other = record.members();
    other.Uint(name);
    REQUIRE_FALSE(other.result().has_value());
  }
}

}  // namespace
}  // namespace ficus
