#include "engine/model/entity.h"

#include <limits>

#include <catch2/catch.hpp>

#include "engine/base/random.h"
#include "test/support/seed.h"

namespace ficus {
namespace {

using namespace std::string_literals;

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

struct KnownSeries {
  std::string subject;
  std::vector<TagValue> entity;
  std::string key;
  uint64_t id;
  uint64_t check;
};

// Computed outside of this program, by the rules and with another implementation of the hashes.
std::vector<KnownSeries> KnownSerieses() {
  return {
      {"service_cpm_minute",
       {"svc-1"s},
       "service_cpm_minute|\1svc-1|",
       0xc45b5e2b01495247,
       0x70ff1e387e609ac5},
      {"a|b\\c",
       {"x|y"s, int64_t{62}, Null{}, Binary{"\\|"}, int64_t{-1}},
       "a\\|b\\\\c|\1x\\|y|\2\0\0\0\0\0\0\0\\||\0|\4\\\\\\||\2\0\0\0\0\0\0\0\1|"s,
       0xf29e8c4351c714be,
       0x9d394c02cae534c4},
      {"m", {}, "m|", 0x156895516212423d, 0x214043727753ccc2},
      {"m", {""s}, "m|\1|", 0xbb67feeb25ae1375, 0xd52c4995563b9356},
      {"m",
       {kMin},
       "m|\2\xff\xff\xff\xff\xff\xff\xff\xff|",
       0x658d914044dbc303,
       0x734444336f42e187},
      {"m",
       {kMax},
       "m|\2\xff\xff\xff\xff\xff\xff\xff\xfe|",
       0xd00253ac99fb6f5e,
       0xd578da960ed26fdf},
  };
}

TagValue RandomValue(SeededRandom& random) {
  std::string bytes;
  for (size_t i = random.Below(6); i > 0; --i) bytes += "|\\a\0\1"[random.Below(5)];
  switch (random.Below(4)) {
    case 0:
      return Null{};
    case 1:
      return static_cast<int64_t>(random.Next() >> random.Below(64));
    case 2:
      return "s" + bytes;
    default:
      return Binary{"b" + bytes};
  }
}

}  // namespace

TEST_CASE("series key, id and check have the values other programs compute", "[model][entity]") {
  for (const KnownSeries& known : KnownSerieses()) {
    CAPTURE(known.subject, known.key);
    const auto key = EncodeSeriesKey(known.subject, known.entity);
    REQUIRE(key);
    REQUIRE(*key == known.key);
    REQUIRE(SeriesIdOf(*key) == SeriesId(known.id));
    REQUIRE(SeriesCheckOf(*key) == known.check);
  }
}

TEST_CASE("the shard has the value other programs compute", "[model][entity]") {
  const std::vector<TagValue> service = {"svc-1"s};
  REQUIRE(ShardOf("service_cpm_minute", service, 1) == ShardId(0));
  REQUIRE(ShardOf("service_cpm_minute", service, 7) == ShardId(6));
  REQUIRE(ShardOf("service_cpm_minute", service, 1000) == ShardId(290));
  REQUIRE(ShardOf("m", {"a"s, int64_t{-5}, Null{}, Binary{"\0z"s}}, 1000) == ShardId(840));
  REQUIRE(ShardOf("m", {std::vector<std::string>{"a", "b"}, std::vector<int64_t>{1, -2}}, 1000) ==
          ShardId(193));
  REQUIRE(ShardOf("", {}, 1000) == ShardId(921));
  REQUIRE(ShardOf("m", {Timestamp{1609459200000000000}}, 1000) == ShardId(578));
}

TEST_CASE("an entity comes back from its key", "[model][entity]") {
  const uint64_t seed = TestSeed(1);
  CAPTURE(seed);
  SeededRandom random(seed);
  for (int round = 0; round < TestRounds(500); ++round) {
    std::vector<TagValue> entity;
    for (size_t i = random.Below(5); i > 0; --i) entity.push_back(RandomValue(random));
    const std::string subject = random.Below(2) == 0 ? "plain" : "od|d\\";
    const auto key = EncodeSeriesKey(subject, entity);
    REQUIRE(key);
    const auto decoded = DecodeSeriesKey(*key);
    REQUIRE(decoded);
    REQUIRE(decoded->subject == subject);
    REQUIRE(decoded->entity == entity);
  }
}

TEST_CASE("empty strings and binary come back as null", "[model][entity]") {
  const auto decoded = DecodeSeriesKey(*EncodeSeriesKey("m", {""s, Binary{}, int64_t{0}}));
  REQUIRE(decoded);
  REQUIRE(decoded->entity == std::vector<TagValue>{Null{}, Null{}, int64_t{0}});
}

TEST_CASE("arrays, floats and timestamps cannot be part of an entity", "[model][entity]") {
  const TagValue value =
      GENERATE(TagValue(std::vector<std::string>{"a"}), TagValue(std::vector<int64_t>{1}),
               TagValue(1.5), TagValue(Timestamp{1}));
  const auto key = EncodeSeriesKey("m", {"a"s, value});
  REQUIRE_FALSE(key);
  REQUIRE(key.error().code == ErrorCode::kInvalidArgument);
}

TEST_CASE("bytes that no entity gives are refused", "[model][entity]") {
  const std::string key =
      GENERATE(""s, "m"s, "m\\"s, "m\\x|"s, "m|\1"s, "m|\1a"s, "m|\1a\\|"s, "m|\0"s, "m|\0a|"s,
               "m|\2abc|"s, "m|\2123456789|"s, "m|\3|"s, "m|\5a|"s, "m|\7a|"s, "m|\xff|"s);
  CAPTURE(key);
  const auto decoded = DecodeSeriesKey(key);
  REQUIRE_FALSE(decoded);
  REQUIRE(decoded.error().code == ErrorCode::kCorruption);
}

TEST_CASE("a key built piece by piece is the key of the whole entity", "[model][entity]") {
  const std::string text = "a|b";
  std::string key;
  AppendKeySubject(key, "sub\\ject");
  AppendKeyNull(key);
  AppendKeyString(key, text);
  AppendKeyInt(key, -62);
  AppendKeyBinary(key, text);
  REQUIRE(key == *EncodeSeriesKey("sub\\ject", {Null{}, text, int64_t{-62}, Binary{text}}));

  std::string shard = "subject";
  AppendShardInt(shard, -62);
  shard += text;
  REQUIRE(ShardId(static_cast<uint32_t>(ShardHashOf(shard) % 7)) ==
          ShardOf("subject", {int64_t{-62}, text}, 7));
}

}  // namespace ficus
