#include "engine/encoding/frames.h"

#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/random.h"
#include "test/engine/encoding/distributions.h"
#include "test/support/seed.h"

namespace ficus {
namespace {

size_t RoundTrip(const std::vector<uint64_t>& values) {
  std::string encoded;
  EncodeFrames(values, PlanFrames(values), encoded);
  std::vector<uint64_t> decoded(values.size(), 7);
  ByteReader reader(encoded);
  REQUIRE(DecodeFrames(reader, decoded));
  REQUIRE(reader.AtEnd());
  REQUIRE((decoded == values));
  return encoded.size();
}

}  // namespace

TEST_CASE("frames of every distribution come back", "[frames]") {
  SeededRandom random(TestSeed(1));
  for (const Distribution& distribution : Distributions()) {
    for (const size_t count : {0u, 1u, 2u, 31u, 1023u, 1024u, 1025u, 5000u}) {
      CAPTURE(std::string(distribution.name), count);
      RoundTrip(Generate(distribution.name, count, random));
    }
  }
}

TEST_CASE("a spike on either side costs itself and not the width of its neighbours", "[frames]") {
  SeededRandom random(TestSeed(2));
  std::vector<uint64_t> values(1024);
  for (uint64_t& value : values) value = random.Below(16);
  const size_t without = RoundTrip(values);
  values[300] = uint64_t{1} << 62;
  values[700] = ~(uint64_t{1} << 62);
  REQUIRE(RoundTrip(values) <= without + 30);
}

TEST_CASE("each frame has a base of its own", "[frames]") {
  std::vector<uint64_t> values;
  for (uint64_t frame = 0; frame < 4; ++frame) {
    for (uint64_t i = 0; i < kFrameValues; ++i) values.push_back(frame * 1000000000 + i % 2);
  }
  REQUIRE(RoundTrip(values) <= 4 * (kFrameValues / 8 + 8));
}

TEST_CASE("the plan is near the true size", "[frames]") {
  SeededRandom random(TestSeed(3));
  for (const Distribution& distribution : Distributions()) {
    const auto values = Generate(distribution.name, 4096, random);
    const auto size = static_cast<double>(RoundTrip(values));
    CAPTURE(std::string(distribution.name));
    double estimate = 0;
    for (const FramePlan& plan : PlanFrames(values)) estimate += static_cast<double>(plan.bytes);
    REQUIRE(estimate <= 1.2 * size + 32);
    REQUIRE(estimate >= 0.8 * size - 32);
  }
}

}  // namespace ficus
