#include "engine/encoding/cells.h"

#include <functional>
#include <set>

#include <catch2/catch.hpp>

#include "engine/base/random.h"
#include "engine/encoding/cell_dictionary.h"
#include "test/support/seed.h"

namespace ficus {
namespace {

using Strings = std::vector<std::string>;

struct Run {
  std::vector<uint32_t> offsets;
  std::string bytes;

  explicit Run(const Strings& cells) {
    if (cells.empty()) return;
    offsets.push_back(0);
    for (const std::string& cell : cells) {
      bytes += cell;
      offsets.push_back(static_cast<uint32_t>(bytes.size()));
    }
  }
};

std::string Encoded(const Strings& cells, Effort effort = Effort::kFast) {
  const Run run(cells);
  std::string out = "before";
  EncodeCells(run.offsets, run.bytes, effort, out);
  REQUIRE(out.substr(0, 6) == "before");
  return out.substr(6);
}

bool DecodesTo(std::string_view encoded, const Strings& cells) {
  const Run run(cells);
  std::vector<uint32_t> offsets = {1, 2, 3};
  std::string bytes = "old";
  return DecodeCells(encoded, cells.size(), run.bytes.size(), offsets, bytes).has_value() &&
         offsets == run.offsets && bytes == run.bytes;
}

bool Refused(std::string_view encoded, size_t count, size_t bytes_max) {
  std::vector<uint32_t> offsets;
  std::string bytes;
  const Result<> result = DecodeCells(encoded, count, bytes_max, offsets, bytes);
  return !result && result.error().code == ErrorCode::kCorruption;
}

// Decoding gives some cells of at most `bytes_max` bytes or kCorruption, never anything else.
void RequireSafe(std::string_view encoded, size_t count, size_t bytes_max) {
  std::vector<uint32_t> offsets;
  std::string bytes;
  const Result<> result = DecodeCells(encoded, count, bytes_max, offsets, bytes);
  if (!result) {
    REQUIRE(result.error().code == ErrorCode::kCorruption);
    return;
  }
  REQUIRE(bytes.size() <= bytes_max);
  REQUIRE(offsets.size() == (count == 0 ? 0 : count + 1));
  for (size_t i = 0; i < count; ++i) REQUIRE(offsets[i] <= offsets[i + 1]);
  if (count > 0) REQUIRE((offsets.front() == 0 && offsets.back() == bytes.size()));
}

std::string RandomBytes(SeededRandom& random, size_t size) {
  std::string bytes(size, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.Next());
  return bytes;
}

std::string Hex(SeededRandom& random, size_t digits) {
  std::string text;
  while (text.size() < digits) text += "0123456789abcdef"[random.Below(16)];
  return text;
}

struct Kind {
  const char* scheme;  // expected for 300 cells
  std::function<std::string(SeededRandom&)> make;
};

const std::vector<Kind>& Kinds() {
  static const std::vector<Kind> kinds = {
      {"const", [](SeededRandom&) { return std::string("eu-central"); }},
      {"dictionary",
       [](SeededRandom& random) { return "/api/v1/endpoint/" + std::to_string(random.Below(20)); }},
      {"dictionary", [](SeededRandom& random) { return random.Below(3) == 0 ? "" : "x"; }},
      {"hex", [](SeededRandom& random) { return Hex(random, 32); }},
      {"hex", [](SeededRandom& random) { return Hex(random, 2 * random.Below(20)); }},
      {"zstd",
       [](SeededRandom& random) {
         return "GET /cart/" + std::to_string(random.Below(100000)) + " took " +
                std::to_string(random.Below(500)) + " ms";
       }},
      {"plain", [](SeededRandom& random) { return RandomBytes(random, random.Below(60)); }},
  };
  return kinds;
}

Strings Make(const Kind& kind, size_t count, SeededRandom& random) {
  Strings cells(count);
  for (std::string& cell : cells) cell = kind.make(random);
  return cells;
}

}  // namespace

TEST_CASE("cells of every kind come back in a fitting scheme", "[cells]") {
  SeededRandom random(TestSeed(1));
  for (const Kind& kind : Kinds()) {
    for (const size_t count : {0u, 1u, 2u, 3u, 60u, 300u, 3000u}) {
      for (const Effort effort : {Effort::kFast, Effort::kSmall}) {
        const Strings cells = Make(kind, count, random);
        const std::string encoded = Encoded(cells, effort);
        CAPTURE(kind.scheme, count, encoded.size());
        REQUIRE(DecodesTo(encoded, cells));
        if (count == 300) REQUIRE(CellsSchemeName(encoded) == kind.scheme);
      }
    }
  }
}

TEST_CASE("the largest run of cells comes back", "[cells]") {
  SeededRandom random(TestSeed(2));
  const Strings cells = Make(Kinds()[1], kRunValuesMax, random);
  const std::string encoded = Encoded(cells);
  REQUIRE(DecodesTo(encoded, cells));
  REQUIRE(encoded.size() < kRunValuesMax);
}

TEST_CASE("cells may begin anywhere in their bytes", "[cells]") {
  const std::vector<uint32_t> offsets = {3, 5, 5, 8};
  std::string encoded;
  EncodeCells(offsets, "???abcde???", Effort::kFast, encoded);
  REQUIRE(DecodesTo(encoded, {"ab", "", "cde"}));
}

TEST_CASE("cells that hold more than expected are refused before they are made", "[cells]") {
  SeededRandom random(TestSeed(3));
  for (const Kind& kind : Kinds()) {
    const Strings cells = Make(kind, 300, random);
    const size_t size = Run(cells).bytes.size();
    CAPTURE(kind.scheme);
    REQUIRE(Refused(Encoded(cells), cells.size(), size - 1));
    REQUIRE(Refused(Encoded(cells), cells.size(), 0));
  }
}

TEST_CASE("bytes that are no cells are refused", "[cells]") {
  using namespace std::string_literals;
  REQUIRE(Refused("", 1, 10));
  REQUIRE(Refused("\x01", 0, 10));
  REQUIRE(Refused("\x00"s, 1, 10));
  REQUIRE(Refused("\x06"s, 1, 10));
  REQUIRE(Refused("\x02\x02\x02\x06"s + "ab", 1, 10));  // plain: one byte short
  REQUIRE_FALSE(Refused("\x02\x02\x02\x06"s + "abc", 1, 10));
  REQUIRE(Refused("\x05\x02\x02\x06\x11"s, 1, 10));            // hex: odd length
  REQUIRE(Refused("\x03\x00\x00\x02\x00"s, 2, 10));            // dictionary without values
  REQUIRE(Refused("\x03\x01\x02\x01"s + "a\x02\x02", 2, 10));  // code 1 of one value
  REQUIRE_FALSE(Refused("\x03\x01\x02\x01"s + "a\x02\x00"s, 2, 10));
  REQUIRE(Refused("\x03\x01\x01\x03\x02\x00"s, 2, 10));  // dictionary in dictionary
  REQUIRE(Refused("\x04\x02\x02\x06"s + "abc", 1, 10));  // no zstd frame
}

TEST_CASE("truncated and damaged cells are refused or decode to some cells", "[cells]") {
  SeededRandom random(TestSeed(4));
  for (const Kind& kind : Kinds()) {
    const Strings cells = Make(kind, 30, random);
    const size_t size = Run(cells).bytes.size();
    for (const Effort effort : {Effort::kFast, Effort::kSmall}) {
      const std::string encoded = Encoded(cells, effort);
      for (size_t end = 0; end < encoded.size(); ++end) {
        RequireSafe(std::string_view(encoded).substr(0, end), cells.size(), size);
      }
      std::string damaged = encoded;
      for (size_t bit = 0; bit < 8 * encoded.size(); ++bit) {
        damaged[bit / 8] = static_cast<char>(encoded[bit / 8] ^ 1 << (bit % 8));
        RequireSafe(damaged, cells.size(), 2 * size);
        damaged[bit / 8] = encoded[bit / 8];
      }
      RequireSafe(encoded, cells.size() - 1, size);
      RequireSafe(encoded, cells.size() + 1, size);
    }
  }
}

TEST_CASE("a dictionary of cells lists them once, in order, and its codes name them", "[cells]") {
  SeededRandom random(TestSeed(5));
  Strings cells;
  for (int i = 0; i < 500; ++i) cells.push_back(Hex(random, random.Below(3)));
  const Run run(cells);
  const auto dictionary = MakeCellDictionary(run.offsets, run.bytes, 500);
  REQUIRE(dictionary);
  const std::set<std::string_view> distinct(cells.begin(), cells.end());
  REQUIRE(std::equal(distinct.begin(), distinct.end(), dictionary->values.begin(),
                     dictionary->values.end()));
  for (size_t i = 0; i < cells.size(); ++i) {
    REQUIRE(dictionary->values[dictionary->codes[i]] == cells[i]);
  }
  REQUIRE_FALSE(MakeCellDictionary(run.offsets, run.bytes, distinct.size() - 1));
}

}  // namespace ficus
