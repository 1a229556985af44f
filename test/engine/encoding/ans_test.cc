#include "engine/encoding/ans.h"

#include <algorithm>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/random.h"
#include "engine/encoding/ans_model.h"
#include "test/engine/encoding/distributions.h"
#include "test/support/seed.h"

namespace ficus {
namespace {

// Empty when the values have no clusters.
std::string Encoded(const std::vector<uint64_t>& values) {
  std::string encoded;
  const auto plan = PlanAns(values);
  if (!plan) return encoded;
  EncodeAns(values, *plan, encoded);
  REQUIRE(plan->bytes <= encoded.size() + encoded.size() / 50 + 16);
  REQUIRE(plan->bytes + encoded.size() / 50 + 16 >= encoded.size());
  std::vector<uint64_t> decoded(values.size(), 7);
  REQUIRE(DecodeAns(encoded, decoded));
  REQUIRE((decoded == values));
  return encoded;
}

}  // namespace

TEST_CASE("values of every distribution come back from the entropy coder", "[ans]") {
  SeededRandom random(TestSeed(1));
  for (const Distribution& distribution : Distributions()) {
    for (const size_t count :
         {16u, 17u, 18u, 19u, 255u, 256u, 257u, 1440u, 2047u, 2048u, 2053u, 20000u}) {
      CAPTURE(std::string(distribution.name), count);
      Encoded(Generate(distribution.name, count, random));
    }
  }
}

TEST_CASE("a short run is left to others", "[ans]") {
  REQUIRE_FALSE(PlanAns(std::vector<uint64_t>(kAnsValuesMin - 1)));
  REQUIRE(PlanAns(std::vector<uint64_t>(kAnsValuesMin)));
}

TEST_CASE("skewed values cost little more than their entropy", "[ans]") {
  SeededRandom random(TestSeed(2));
  for (const uint64_t one_in : {2, 10, 100}) {
    std::vector<uint64_t> values(20000);
    for (uint64_t& value : values) value = random.Below(one_in) == 0 ? 1 + random.Below(7) : 0;
    const double bits = 8.0 * static_cast<double>(Encoded(values).size()) / 20000;
    CAPTURE(one_in);
    REQUIRE(bits <= 1.02 * Order0Entropy(values) + 0.02);
  }
}

TEST_CASE("a model comes back and knows the bin of each value", "[ans]") {
  SeededRandom random(TestSeed(3));
  for (int round = 0; round < TestRounds(100); ++round) {
    std::vector<uint64_t> values(1 + random.Below(500));
    const uint64_t width = random.Below(65);
    for (uint64_t& value : values) {
      value = width == 0 ? 0 : random.Next() >> (64 - width) >> random.Below(width);
    }
    std::sort(values.begin(), values.end());
    const auto model = MakeAnsModel(values);
    REQUIRE(model);
    std::string bytes;
    BitWriter writer(bytes);
    WriteAnsModel(*model, writer);
    writer.Finish();
    BitReader reader(bytes);
    const auto read = ReadAnsModel(reader);
    REQUIRE(read);
    REQUIRE(reader.BytesTaken() == bytes.size());
    REQUIRE(read->bins.size() == model->bins.size());
    const AnsBinFinder finder(*model);
    uint32_t total = 0;
    for (size_t i = 0; i < model->bins.size(); ++i) {
      REQUIRE(read->bins[i].low == model->bins[i].low);
      REQUIRE(read->bins[i].width == model->bins[i].width);
      REQUIRE(read->bins[i].weight == model->bins[i].weight);
      total += model->bins[i].weight;
    }
    REQUIRE(total == model->table_size());
    for (const uint64_t value : values) {
      const AnsBin& bin = model->bins[finder.BinOf(value)];
      REQUIRE(value >= bin.low);
      REQUIRE((bin.width == 64 || value - bin.low < uint64_t{1} << bin.width));
    }
  }
}

TEST_CASE("a damaged entropy-coded run is refused or decodes to some values", "[ans]") {
  SeededRandom random(TestSeed(4));
  const size_t count = GENERATE(200u, 2100u);
  const std::string encoded = Encoded(Generate("latency", count, random));
  std::vector<uint64_t> decoded(count);
  size_t refused = 0;
  std::string damaged = encoded;
  for (size_t bit = 0; bit < 8 * encoded.size(); ++bit) {
    damaged[bit / 8] = static_cast<char>(encoded[bit / 8] ^ 1 << (bit % 8));
    const Result<> result = DecodeAns(damaged, decoded);
    if (!result) REQUIRE(result.error().code == ErrorCode::kCorruption);
    refused += !result;
    damaged[bit / 8] = encoded[bit / 8];
  }
  REQUIRE(refused > encoded.size());
  for (size_t size = 0; size < encoded.size(); ++size) {
    REQUIRE_FALSE(DecodeAns(std::string_view(encoded).substr(0, size), decoded));
  }
}

}  // namespace ficus
