#include "engine/encoding/words.h"

#include <bit>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <set>
#include <sstream>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/random.h"
#include "engine/encoding/word_transforms.h"
#include "engine/encoding/zstd_block.h"
#include "test/engine/encoding/distributions.h"
#include "test/support/seed.h"

namespace ficus {
namespace {

using Words = std::vector<uint64_t>;

std::string Encoded(const Words& words, WordKind kind, Effort effort) {
  std::string out = "before";
  EncodeWords(words, kind, effort, out);
  REQUIRE(out.substr(0, 6) == "before");
  return out.substr(6);
}

bool DecodesTo(std::string_view encoded, const Words& words) {
  Words decoded(words.size(), 0xdeadbeef);
  return DecodeWords(encoded, decoded).has_value() && decoded == words;
}

// Encodes with both kinds and both efforts and compares.
void RequireRoundTrip(const Words& words) {
  for (const WordKind kind : {WordKind::kInteger, WordKind::kFloat}) {
    for (const Effort effort : {Effort::kFast, Effort::kSmall}) {
      const std::string encoded = Encoded(words, kind, effort);
      CAPTURE(words.size(), static_cast<int>(kind), static_cast<int>(effort),
              std::string(WordsSchemeName(encoded)));
      REQUIRE(DecodesTo(encoded, words));
    }
  }
}

double BitsPerWord(const Words& words, WordKind kind, Effort effort) {
  return 8.0 * static_cast<double>(Encoded(words, kind, effort).size()) /
         static_cast<double>(words.size());
}

// Decoding gives some words or kCorruption, never anything else.
void RequireSafe(std::string_view encoded, size_t count) {
  Words decoded(count);
  const Result<> result = DecodeWords(encoded, decoded);
  if (!result) REQUIRE(result.error().code == ErrorCode::kCorruption);
}

}  // namespace

TEST_CASE("words of every distribution come back", "[words]") {
  const uint64_t seed = TestSeed(1);
  SeededRandom random(seed);
  for (const Distribution& distribution : Distributions()) {
    for (const size_t count : {1u, 2u, 3u, 17u, 60u, 500u, 1440u, 8192u}) {
      CAPTURE(seed, std::string(distribution.name));
      RequireRoundTrip(Generate(distribution.name, count, random));
    }
  }
}

TEST_CASE("runs of every small size come back", "[words]") {
  SeededRandom random(TestSeed(2));
  const auto distributions = Distributions();
  for (size_t count = 0; count <= 130; ++count) {
    const auto& distribution = distributions[count % distributions.size()];
    CAPTURE(std::string(distribution.name));
    RequireRoundTrip(Generate(distribution.name, count, random));
    RequireRoundTrip(Generate("random small", count, random));
  }
}

TEST_CASE("runs around the frame size and of the largest size come back", "[words]") {
  SeededRandom random(TestSeed(3));
  for (const size_t count : {1023u, 1024u, 1025u, 2049u, 65535u, 65536u}) {
    for (const char* name : {"counter with resets", "zeros with spikes", "mostly decimal"}) {
      CAPTURE(name);
      RequireRoundTrip(Generate(name, count, random));
    }
  }
}

TEST_CASE("words of every width come back", "[words]") {
  SeededRandom random(TestSeed(4));
  for (int width = 0; width <= 64; ++width) {
    for (const size_t count : {5u, 64u, 129u, 300u}) {
      Words words(count);
      for (uint64_t& word : words) word = width == 0 ? 0 : random.Next() >> (64 - width);
      CAPTURE(width);
      RequireRoundTrip(words);
    }
  }
}

TEST_CASE("special doubles keep every bit", "[words]") {
  SeededRandom random(TestSeed(5));
  for (int round = 0; round < TestRounds(30); ++round) {
    RequireRoundTrip(Generate("special floats", 1 + random.Below(200), random));
  }
  RequireRoundTrip(Words(100, 0x8000000000000000));
  RequireRoundTrip(Words(100, 0x7ff8dead0000beef));
}

TEST_CASE("regular timestamps cost a few bytes", "[words]") {
  SeededRandom random(1);
  for (const Effort effort : {Effort::kFast, Effort::kSmall}) {
    const std::string encoded =
        Encoded(Generate("minutes", 8192, random), WordKind::kInteger, effort);
    REQUIRE(WordsSchemeName(encoded) == "linear");
    REQUIRE(encoded.size() <= 16);
    REQUIRE(BitsPerWord(Generate("minutes with gaps", 8192, random), WordKind::kInteger, effort) <
            1);
  }
}

TEST_CASE("the scheme fits the data", "[words]") {
  SeededRandom random(1);
  const auto scheme = [&](const char* name, WordKind kind) {
    return std::string(WordsSchemeName(Encoded(Generate(name, 4096, random), kind, Effort::kFast)));
  };
  REQUIRE(scheme("constant", WordKind::kInteger) == "const");
  REQUIRE(scheme("minutes with jitter in ms", WordKind::kInteger) == "scaled");
  REQUIRE(scheme("counter", WordKind::kInteger) == "delta-for");
  REQUIRE(scheme("small counts", WordKind::kInteger) == "for");
  REQUIRE(scheme("random bits", WordKind::kInteger) == "raw");
  REQUIRE(scheme("temperature", WordKind::kFloat) == "dictionary");
  REQUIRE(scheme("price", WordKind::kFloat) == "decimal");
  REQUIRE(scheme("few floats", WordKind::kFloat) == "dictionary");
  REQUIRE(scheme("random floats", WordKind::kFloat) == "raw");
  REQUIRE(WordsSchemeName("") == "empty");
  REQUIRE(WordsSchemeName("\xff") == "unknown");
}

TEST_CASE("no run costs much more than its raw bytes", "[words]") {
  SeededRandom random(TestSeed(6));
  for (const Distribution& distribution : Distributions()) {
    for (const size_t count : {1u, 5u, 100u, 3000u}) {
      const Words words = Generate(distribution.name, count, random);
      for (const Effort effort : {Effort::kFast, Effort::kSmall}) {
        REQUIRE(Encoded(words, distribution.kind, effort).size() <= 8 * count + 4);
      }
    }
  }
}

TEST_CASE("clustered integers come within a tenth of the entropy of their deltas", "[words]") {
  SeededRandom random(TestSeed(7));
  for (const size_t count : {1440u, 8192u, 65536u}) {
    for (const char* name : {"counter", "gauge", "small counts", "minutes with jitter in ms"}) {
      const Words words = Generate(name, count, random);
      const double entropy = std::min(Order0Entropy(words), Order0Entropy(Deltas(words)));
      CAPTURE(name, count, entropy);
      REQUIRE(BitsPerWord(words, WordKind::kInteger, Effort::kSmall) <= 1.10 * entropy);
    }
  }
}

TEST_CASE("bytes that are no run are refused", "[words]") {
  using namespace std::string_literals;
  const auto refused = [](std::string_view encoded, size_t count) {
    Words decoded(count);
    const Result<> result = DecodeWords(encoded, decoded);
    return !result && result.error().code == ErrorCode::kCorruption;
  };
  REQUIRE(refused("", 1));
  REQUIRE(refused("\x02\x01", 0));
  REQUIRE(refused("\x00\x01"s, 1));
  REQUIRE(refused("\x7f", 1));
  REQUIRE(refused("\x01\x01\x02", 1));                  // raw: too short
  REQUIRE(refused("\x02", 1));                          // const: no value
  REQUIRE(refused("\x02\x01\x01", 1));                  // const: too long
  REQUIRE(refused("\x05\x01\x02\x02\x02\x02\x04", 3));  // dictionary: code 2 of 1
  REQUIRE(refused("\x06\x41\x00"s, 1));                 // frame: 65 bits
  REQUIRE(refused("\x11\xff\xff\x7f", 4));              // zstd: more content than the run can have
  std::string deep;
  for (int i = 0; i < 20; ++i) deep += '\x10';
  REQUIRE(refused(deep + "\x02\x02", 4));
  REQUIRE_FALSE(refused("\x10\x10\x02\x02", 4));
}

TEST_CASE("truncated and damaged runs are refused or decode to some words", "[words]") {
  SeededRandom random(TestSeed(8));
  for (const Distribution& distribution : Distributions()) {
    for (const size_t count : {3u, 40u, 300u}) {
      const Words words = Generate(distribution.name, count, random);
      for (const Effort effort : {Effort::kFast, Effort::kSmall}) {
        const std::string encoded = Encoded(words, distribution.kind, effort);
        for (size_t size = 0; size < encoded.size(); ++size) {
          RequireSafe(std::string_view(encoded).substr(0, size), count);
        }
        std::string damaged = encoded;
        for (size_t bit = 0; bit < 8 * std::min<size_t>(encoded.size(), 300); ++bit) {
          damaged[bit / 8] = static_cast<char>(encoded[bit / 8] ^ 1 << (bit % 8));
          RequireSafe(damaged, count);
          damaged[bit / 8] = encoded[bit / 8];
        }
        RequireSafe(encoded + "x", count);
        RequireSafe(encoded, count + 1);
        RequireSafe(encoded, count - 1);
      }
    }
  }
}

TEST_CASE("random bytes are refused or decode to some words", "[words]") {
  SeededRandom random(TestSeed(9));
  for (int round = 0; round < TestRounds(20000); ++round) {
    std::string bytes(1 + random.Below(60), '\0');
    for (char& byte : bytes) byte = static_cast<char>(random.Next());
    bytes[0] = static_cast<char>(1 + random.Below(17));
    RequireSafe(bytes, random.Below(100));
  }
}

}  // namespace ficus
