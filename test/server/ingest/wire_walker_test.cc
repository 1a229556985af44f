#include "server/ingest/wire_walker.h"

#include <functional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/bytes.h"
#include "engine/base/random.h"
#include "server/ingest/wire_reader.h"
#include "test/server/ingest/reference_request.h"
#include "test/support/seed.h"

namespace ficus {
namespace {

using namespace std::string_literals;

// ---- a writer of the wire form with all its freedoms --------------------------------------------

std::string Number(uint64_t value, int padding = 0) {
  std::string bytes;
  PutVarint(bytes, value);
  for (; padding > 0 && bytes.size() < kVarintBytesMax; --padding) {
    bytes.back() = static_cast<char>(bytes.back() | '\x80');
    bytes.push_back('\0');
  }
  return bytes;
}

std::string Tag(uint32_t field, WireType type) { return Number(WireTag(field, type)); }
std::string Bytes(uint32_t field, const std::string& body) {
  return Tag(field, WireType::kBytes) + Number(body.size()) + body;
}
std::string Varint(uint32_t field, uint64_t value) {
  return Tag(field, WireType::kVarint) + Number(value);
}
std::string Fixed64(uint32_t field, uint64_t value) {
  std::string bytes = Tag(field, WireType::kFixed64);
  PutLittle(bytes, value);
  return bytes;
}
std::string Group(uint32_t field, const std::string& body) {
  return Tag(field, WireType::kStartGroup) + body + Tag(field, WireType::kEndGroup);
}

// Messages that use every freedom of the form: pieces in any order, twice, unknown, padded.
class Generator {
 public:
  explicit Generator(uint64_t seed) : random_(seed) {}

  std::string Request() {
    return Pieces({[this] { return Bytes(1, Metadata()); },
                   [this] { return Bytes(2, DataPoint()); }, [this] { return Varint(3, Any()); },
                   [this] { return Bytes(4, Spec()); }});
  }

  uint64_t Below(uint64_t bound) { return random_.Below(bound); }

 private:
  using Piece = std::function<std::string()>;

  std::string Pieces(const std::vector<Piece>& pieces) {
    std::string body;
    for (uint64_t i = Below(5); i > 0; --i) {
      body += Below(12) == 0 ? Unknown(2) : pieces[Below(pieces.size())]();
    }
    return body;
  }

  std::string Unknown(int depth) {
    const auto field = static_cast<uint32_t>(1 + Below(40));
    switch (Below(depth > 0 ? 5 : 4)) {
      case 0:
        return Tag(field, WireType::kVarint) + Number(Any(), static_cast<int>(Below(3)));
      case 1:
        return Fixed64(field, Any());
      case 2:
        return Bytes(field + 16, Text());
      case 3:
        return Tag(field, WireType::kFixed32) + "abcd";
      default:
        return Group(field, Below(2) == 0 ? Unknown(depth - 1) : "");
    }
  }

  uint64_t Any() { return random_.Next() >> Below(64); }

  std::string Text() {
    static const std::vector<std::string> kPieces = {
        "", "a", "default", "\xc3\xa9", "x|y", "\xf0\x9f\x98\x80", "12345678901", "\0"s, "\xff"};
    std::string text;
    // The last piece, which is no UTF-8, comes rarely.
    for (uint64_t i = Below(3); i > 0; --i) {
      text += kPieces[Below(200) == 0 ? kPieces.size() - 1 : Below(kPieces.size() - 1)];
    }
    return text;
  }

  std::string Metadata() {
    return Pieces({[this] { return Bytes(1, Text()); }, [this] { return Bytes(2, Text()); },
                   [this] { return Varint(3, Any()); }, [this] { return Varint(4, Any()); },
                   [this] { return Varint(5, Any()); }});
  }
  std::string DataPoint() {
    return Pieces({[this] { return Bytes(1, Timestamp()); }, [this] { return Bytes(2, Family()); },
                   [this] { return Bytes(3, FieldValue()); }, [this] { return Varint(4, Any()); }});
  }
  std::string Timestamp() {
    return Pieces({[this] { return Varint(1, Any()); }, [this] { return Varint(2, Any()); }});
  }
  std::string Family() {
    return Pieces({[this] { return Bytes(1, TagValue()); }});
  }
  std::string Text1() {
    return Pieces({[this] { return Bytes(1, Text()); }});
  }
  std::string Int1() {
    return Pieces({[this] { return Varint(1, Any()); }});
  }
  std::string Float1() {
    return Pieces({[this] { return Fixed64(1, Any()); }});
  }
  std::string Ints() {
    return Pieces({[this] { return Varint(1, Any()); },
                   [this] {
                     std::string packed;
                     for (uint64_t i = Below(4); i > 0; --i) packed += Number(Any());
                     return Bytes(1, packed);
                   }});
  }
  std::string TagValue() {
    return Pieces({[this] { return Varint(1, Any()); }, [this] { return Bytes(2, Text1()); },
                   [this] { return Bytes(3, Text1()); }, [this] { return Bytes(4, Int1()); },
                   [this] { return Bytes(5, Ints()); }, [this] { return Bytes(6, Text()); },
                   [this] { return Bytes(7, Timestamp()); }});
  }
  std::string FieldValue() {
    return Pieces({[this] { return Varint(1, Any()); }, [this] { return Bytes(2, Text1()); },
                   [this] { return Bytes(3, Int1()); }, [this] { return Bytes(4, Text()); },
                   [this] { return Bytes(5, Float1()); }});
  }
  std::string Spec() {
    return Pieces({[this] { return Bytes(1, FamilySpec()); }, [this] { return Bytes(2, Text()); }});
  }
  std::string FamilySpec() {
    return Pieces({[this] { return Bytes(1, Text()); }, [this] { return Bytes(2, Text()); }});
  }

  SeededRandom random_;
};

// The value of the only tag of a request.
std::string TagRequest(const std::string& value) { return Bytes(2, Bytes(2, Bytes(1, value))); }

ValueView TheTag(const WriteRequestView& view) {
  REQUIRE(view.tags.size() == 1);
  return view.tags[0];
}

}  // namespace

TEST_CASE("every field has the value that the generated class gives it", "[ingest][walker]") {
  const uint64_t seed = TestSeed(1);
  CAPTURE(seed);
  Generator generator(seed);
  WriteRequestView view;
  int accepted = 0;
  const int rounds = TestRounds(100'000);
  for (int i = 0; i < rounds; ++i) {
    const std::string bytes = generator.Request();
    const std::string difference = CompareParsers(bytes, view);
    if (!difference.empty()) FAIL("round " << i << ": " << difference);
    accepted += ParseWriteRequest(bytes, view) ? 1 : 0;
  }
  if (rounds < 100) return;  // too few to hold both kinds
  REQUIRE(accepted > rounds / 2);
  REQUIRE(accepted < rounds);
}

TEST_CASE("damaged messages are accepted and refused as by the generated class",
          "[ingest][walker]") {
  const uint64_t seed = TestSeed(2);
  CAPTURE(seed);
  Generator generator(seed);
  WriteRequestView view;
  for (int i = 0; i < TestRounds(100'000); ++i) {
    std::string bytes = generator.Request();
    if (bytes.empty()) continue;
    for (uint64_t changes = 1 + generator.Below(3); changes > 0 && !bytes.empty(); --changes) {
      const size_t at = generator.Below(bytes.size());
      switch (generator.Below(3)) {
        case 0:
          bytes[at] = static_cast<char>(generator.Below(256));
          break;
        case 1:
          bytes.erase(at, 1 + generator.Below(3));
          break;
        default:
          bytes.insert(at, 1, static_cast<char>(generator.Below(256)));
      }
    }
    const std::string difference = CompareParsers(bytes, view);
    if (!difference.empty()) FAIL("round " << i << ": " << difference);
  }
}

TEST_CASE("the corners of the form are those of the generated class", "[ingest][walker]") {
  const std::string deep_ok = [] {
    std::string body;
    for (int i = 0; i < kWireDepthMax; ++i) body = Group(9, body);
    return body;
  }();
  std::vector<std::string> corners = {
      "",
      "\0"s,      // tag 0
      "\x02\0"s,  // field 0
      "\x0e"s,    // wire types 6 and 7
      "\x0f"s,
      "\x0c"s,      // an end without a start
      "\x4b"s,      // a group without an end
      "\x4b\x54"s,  // a group with another's end
      "\x4b\x04"s,
      "\x4b\0"s,
      "\x18\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f"s,  // bits beyond 64
      "\x18\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01"s,
      "\x98\x80\x80\x80\x10\x05"s,      // a tag with bits beyond 32
      "\x98\x80\x80\x80\x80\x01\x05"s,  // a tag of six bytes
      "\x0a\x80\x80\x80\x80\x00"s,      // a padded length
      "\x0a\x80\x80\x80\x80\x08"s,      // 2 GiB
      "\x0a\x80\x80\x80\x80\x80\x00"s,  // a length of six bytes
      "\x0a\x01"s,                      // longer than the message
      "\x18"s,
      "\x19"s,  // a known field of another wire type
      "\x1b\x1c"s,
      deep_ok,
      Group(9, deep_ok),
      Bytes(2, deep_ok),
      Bytes(2, deep_ok.substr(1, deep_ok.size() - 2)),
      Bytes(2, Bytes(1, Varint(1, 1)) + Varint(4, 1)) + Bytes(2, Bytes(1, Varint(2, 2))),
      TagRequest(Bytes(5, Bytes(1, "\x80"))),  // a packed run that ends inside a number
      TagRequest(Bytes(5, Bytes(1, "\x01\x02"))),
      TagRequest(Bytes(2, Bytes(1, "\xed\xa0\x80"))),  // a surrogate
      TagRequest(Bytes(2, Bytes(1, "\xff") + Bytes(1, "x"))),
      TagRequest(Bytes(6, "\xff")),
  };
  WriteRequestView view;
  for (const std::string& bytes : corners) {
    CAPTURE(bytes.size());
    REQUIRE(CompareParsers(bytes, view) == "");
  }
}

TEST_CASE("every cut of a message is read as by the generated class", "[ingest][walker]") {
  const std::string bytes =
      Bytes(1, Bytes(1, "group") + Bytes(2, "name") + Varint(5, 300)) +
      Bytes(2,
            Bytes(1, Varint(1, 1'700'000'000) + Varint(2, 5'000'000)) +
                Bytes(2, Bytes(1, Bytes(2, Bytes(1, "svc"))) + Bytes(1, Bytes(5, Varint(1, 300)))) +
                Bytes(3, Bytes(5, Fixed64(1, 7))) + Varint(4, 9)) +
      Varint(3, 77) + Bytes(4, Bytes(1, Bytes(1, "f") + Bytes(2, "t")) + Bytes(2, "v"));
  WriteRequestView view;
  for (size_t size = 0; size <= bytes.size(); ++size) {
    CAPTURE(size);
    REQUIRE(CompareParsers(bytes.substr(0, size), view) == "");
  }
  REQUIRE(view.message_id == 77);
}

TEST_CASE("a value that came in pieces is merged, another kind replaces it", "[ingest][walker]") {
  WriteRequestView view;
  std::string cell;
  std::string shard;
  SECTION("a string whose second piece is empty") {
    const std::string bytes = TagRequest(Bytes(2, Bytes(1, "a")) + Bytes(2, ""));
    REQUIRE(ParseWriteRequest(bytes, view));
    REQUIRE(TheTag(view).bytes == "a");
  }
  SECTION("a string, a number, a string") {
    const std::string bytes = TagRequest(Bytes(2, Bytes(1, "a")) + Bytes(4, "") + Bytes(2, ""));
    REQUIRE(ParseWriteRequest(bytes, view));
    REQUIRE(TheTag(view).kind == ValueKind::kString);
    REQUIRE(TheTag(view).bytes.empty());
  }
  SECTION("an array of strings in two pieces") {
    const std::string bytes =
        TagRequest(Bytes(3, Bytes(1, "a")) + Bytes(3, Bytes(1, "b") + Bytes(1, "")));
    REQUIRE(ParseWriteRequest(bytes, view));
    AppendStringArrayCell(view, TheTag(view), cell);
    REQUIRE(cell == "\1a\1b\0"s);
    AppendStringArrayShard(view, TheTag(view), shard);
    REQUIRE(shard == "a\nb\n");
  }
  SECTION("an array of integers, packed and single") {
    const std::string bytes = TagRequest(Bytes(5, Bytes(1, "\1\2")) + Bytes(5, Varint(1, 3)));
    REQUIRE(ParseWriteRequest(bytes, view));
    AppendInt64ArrayCell(view, TheTag(view), cell);
    std::string expected;
    for (const int64_t number : {1, 2, 3}) PutLittle(expected, number);
    REQUIRE(cell == expected);
    AppendInt64ArrayShard(view, TheTag(view), shard);
    REQUIRE(shard == "\x80\0\0\0\0\0\0\1\x80\0\0\0\0\0\0\2\x80\0\0\0\0\0\0\3"s);
  }
}

TEST_CASE("millions of empty items are refused before they take memory", "[ingest][walker]") {
  constexpr size_t kMany = 4 << 20;
  const auto repeat = [](const std::string& item, size_t count) {
    std::string body;
    body.reserve(item.size() * count);
    for (size_t i = 0; i < count; ++i) body += item;
    return body;
  };
  const std::vector<std::string> attacks = {
      Bytes(2, repeat(Bytes(2, ""), kMany)),                     // families
      Bytes(2, Bytes(2, repeat(Bytes(1, ""), kMany))),           // tags
      Bytes(2, repeat(Bytes(3, ""), kMany)),                     // fields
      Bytes(4, repeat(Bytes(1, ""), kMany)),                     // families of the spec
      Bytes(4, Bytes(1, repeat(Bytes(2, ""), kMany))),           // tags of the spec
      Bytes(4, repeat(Bytes(2, ""), kMany)),                     // fields of the spec
      TagRequest(repeat(Bytes(3, ""), kMany)),                   // pieces of an array
      TagRequest(Bytes(5, Bytes(1, std::string(kMany, '\1')))),  // packed integers
  };
  WriteRequestView view;
  for (size_t i = 0; i < attacks.size(); ++i) {
    CAPTURE(i);
    const auto result = ParseWriteRequest(attacks[i], view);
    REQUIRE_FALSE(result);
    REQUIRE(result.error().code == ErrorCode::kResourceExhausted);
    REQUIRE(view.tags.size() + view.fields.size() + view.families.size() <= kWireItemsMax);
    // What such a message made grow is not kept.
    REQUIRE(ParseWriteRequest("", view));
    REQUIRE(view.tags.capacity() <= 4096);
    REQUIRE(view.fields.capacity() <= 4096);
    REQUIRE(view.families.capacity() <= 4096);
    REQUIRE(view.spec_tags.capacity() <= 4096);
    REQUIRE(view.spec_fields.capacity() <= 4096);
    REQUIRE(view.spec_families.capacity() <= 4096);
    REQUIRE(view.array_messages.capacity() <= 4096);
  }
}

TEST_CASE("as many items as are allowed are read", "[ingest][walker]") {
  std::string fields;
  for (size_t i = 0; i < kWireItemsMax; ++i) fields += Bytes(3, "");
  WriteRequestView view;
  REQUIRE(ParseWriteRequest(Bytes(2, fields), view));
  REQUIRE(view.fields.size() == kWireItemsMax);
  REQUIRE_FALSE(ParseWriteRequest(Bytes(2, fields + Bytes(3, "")), view));
}

}  // namespace ficus
