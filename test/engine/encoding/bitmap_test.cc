#include "engine/encoding/bitmap.h"

#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/random.h"
#include "test/support/seed.h"

namespace ficus {
namespace {

struct Bitmap {
  size_t count = 0;
  std::vector<uint64_t> words;

  explicit Bitmap(size_t bits) : count(bits), words((bits + 63) / 64) {}
  void Set(size_t bit) { words[bit / 64] |= uint64_t{1} << (bit % 64); }
};

std::string Encoded(const Bitmap& bitmap) {
  std::string out = "before";
  EncodeBitmap(bitmap.words, bitmap.count, out);
  REQUIRE(out.substr(0, 6) == "before");
  return out.substr(6);
}

bool DecodesTo(std::string_view encoded, const Bitmap& expected) {
  std::vector<uint64_t> words(expected.words.size(), 0xdeadbeef);
  return DecodeBitmap(encoded, expected.count, words).has_value() && words == expected.words;
}

bool Refused(std::string_view encoded, size_t count) {
  std::vector<uint64_t> words((count + 63) / 64);
  const Result<> result = DecodeBitmap(encoded, count, words);
  return !result && result.error().code == ErrorCode::kCorruption;
}

}  // namespace

TEST_CASE("bitmaps of every size and density come back", "[bitmap]") {
  SeededRandom random(TestSeed(1));
  for (size_t count = 0; count <= 200; ++count) {
    for (const uint64_t one_in : {1, 2, 7, 50, 1000}) {
      Bitmap bitmap(count);
      for (size_t bit = 0; bit < count; ++bit) {
        if (random.Below(one_in) == 0) bitmap.Set(bit);
      }
      const std::string encoded = Encoded(bitmap);
      CAPTURE(count, one_in);
      REQUIRE(DecodesTo(encoded, bitmap));
      REQUIRE(encoded.size() <= 1 + (count + 7) / 8);
    }
  }
}

TEST_CASE("a bitmap of few runs costs a few bytes", "[bitmap]") {
  Bitmap bitmap(65536);
  REQUIRE(Encoded(bitmap).size() == 1);
  bitmap.Set(40000);
  REQUIRE(Encoded(bitmap).size() == 1 + 3 + 1);
  REQUIRE(DecodesTo(Encoded(bitmap), bitmap));
  Bitmap full(65535);
  for (size_t bit = 0; bit < full.count; ++bit) full.Set(bit);
  REQUIRE(Encoded(full).size() == 1);
  REQUIRE(DecodesTo(Encoded(full), full));
}

TEST_CASE("bytes that no bitmap gives are refused", "[bitmap]") {
  using namespace std::string_literals;
  REQUIRE(Refused("", 1));
  REQUIRE(Refused("\x01", 0));
  REQUIRE(Refused("\x03", 8));
  REQUIRE(Refused("\0"s, 8));            // no bits
  REQUIRE(Refused("\0\x01\x01"s, 8));    // too many
  REQUIRE(Refused("\0\x08"s, 3));        // a bit beyond the end
  REQUIRE(Refused("\x01\x08"s, 8));      // a run up to the end leaves none after it
  REQUIRE(Refused("\x01\0"s, 8));        // an empty run
  REQUIRE(Refused("\x01\x04\x05"s, 8));  // runs beyond the end
  REQUIRE(Refused("\x01\x80"s, 8));      // half a varint
  REQUIRE_FALSE(Refused("\x01\x07"s, 8));
}

TEST_CASE("a damaged bitmap is refused or decodes to some bitmap", "[bitmap]") {
  SeededRandom random(TestSeed(1));
  Bitmap bitmap(150);
  for (size_t bit = 30; bit < 90; ++bit) bitmap.Set(bit);
  for (int i = 0; i < 3; ++i) {
    const std::string encoded = Encoded(bitmap);
    std::vector<uint64_t> words(bitmap.words.size());
    for (size_t size = 0; size < encoded.size(); ++size) {
      const Result<> result = DecodeBitmap(encoded.substr(0, size), bitmap.count, words);
      if (!result) REQUIRE(result.error().code == ErrorCode::kCorruption);
    }
    for (size_t bit = 0; bit < 8 * encoded.size(); ++bit) {
      std::string damaged = encoded;
      damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ 1 << (bit % 8));
      const Result<> result = DecodeBitmap(damaged, bitmap.count, words);
      if (!result) REQUIRE(result.error().code == ErrorCode::kCorruption);
    }
    for (int k = 0; k < 40; ++k) bitmap.Set(random.Below(bitmap.count));
  }
}

}  // namespace ficus
