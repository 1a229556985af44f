// Samples of every scheme as it was once written: their bytes must decode for ever, whatever an
// encoder chooses in the meantime.
#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/id.h"
#include "engine/encoding/bitmap.h"
#include "engine/encoding/cells.h"
#include "engine/encoding/checksum.h"
#include "engine/encoding/words.h"

namespace ficus {
namespace {

// A line of the sample file: what, scheme, count, encoded bytes, XXH3 of what they decode to.
struct Sample {
  std::string what;
  std::string scheme;
  size_t count = 0;
  std::string encoded;
  std::string hash;
};

std::string FromHex(const std::string& text) {
  std::string bytes;
  for (size_t i = 0; i + 1 < text.size(); i += 2) {
    bytes.push_back(static_cast<char>(std::stoi(text.substr(i, 2), nullptr, 16)));
  }
  return bytes;
}

std::vector<Sample> ReadSamples() {
  std::ifstream file("test/golden/encoding/samples.txt");
  REQUIRE(file.is_open());
  std::vector<Sample> samples;
  for (std::string line; std::getline(file, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream fields(line);
    Sample sample;
    std::string hex;
    fields >> sample.what >> sample.scheme >> sample.count >> hex >> sample.hash;
    REQUIRE_FALSE(fields.fail());
    sample.encoded = FromHex(hex);
    samples.push_back(sample);
  }
  return samples;
}

std::string HashOf(const std::vector<uint64_t>& words) {
  return Hex16(
      Xxh3({reinterpret_cast<const char*>(words.data()), words.size() * sizeof(uint64_t)}));
}

std::string DecodedHash(const Sample& sample) {
  if (sample.what == "words") {
    std::vector<uint64_t> words(sample.count);
    REQUIRE(DecodeWords(sample.encoded, words));
    REQUIRE(WordsSchemeName(sample.encoded) == sample.scheme);
    return HashOf(words);
  }
  if (sample.what == "bitmap") {
    std::vector<uint64_t> words((sample.count + 63) / 64);
    REQUIRE(DecodeBitmap(sample.encoded, sample.count, words));
    return HashOf(words);
  }
  REQUIRE(sample.what == "cells");
  std::vector<uint32_t> offsets;
  std::string bytes;
  REQUIRE(DecodeCells(sample.encoded, sample.count, 1 << 20, offsets, bytes));
  REQUIRE(CellsSchemeName(sample.encoded) == sample.scheme);
  for (const uint32_t offset : offsets) bytes += ' ' + std::to_string(offset);
  return Hex16(Xxh3(bytes));
}

}  // namespace

TEST_CASE("samples of every scheme decode to what they were", "[format]") {
  std::set<std::string> schemes;
  for (const Sample& sample : ReadSamples()) {
    CAPTURE(sample.what, sample.scheme, sample.count);
    REQUIRE(DecodedHash(sample) == sample.hash);
    schemes.insert(sample.what + ' ' + sample.scheme);
  }
  // 15 schemes of words that stand outside, 5 of cells, 3 forms of bitmaps.
  REQUIRE(schemes.size() == 15 + 5 + 3);
}

}  // namespace ficus
