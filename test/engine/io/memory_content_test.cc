#include "engine/io/memory_content.h"

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/random.h"
#include "test/support/seed.h"

namespace ficus {
namespace {

std::string Bytes(const MemoryContent& content) {
  std::string bytes(content.size(), '?');
  content.Read(0, bytes);
  return bytes;
}

}  // namespace

TEST_CASE("content in memory behaves like a string that grows with zeros", "[io]") {
  const uint64_t seed = TestSeed(1);
  CAPTURE(seed);
  SeededRandom random(seed);
  std::string model;
  MemoryContent content;
  // Copies taken on the way must not change any more.
  std::vector<std::pair<MemoryContent, std::string>> copies;
  for (int i = 0; i < 500; ++i) {
    const uint64_t at = random.Below(30'000);
    if (random.Below(3) == 0) {
      model.resize(at, '\0');
      content.Resize(at);
    } else {
      const std::string bytes(random.Below(10'000), static_cast<char>('a' + random.Below(26)));
      if (!bytes.empty() && model.size() < at + bytes.size()) {
        model.resize(at + bytes.size(), '\0');
      }
      if (!bytes.empty()) model.replace(at, bytes.size(), bytes);
      content.Write(at, bytes);
    }
    REQUIRE(Bytes(content) == model);
    if (i % 50 == 0) copies.emplace_back(content, model);
  }
  for (const auto& [copy, expected] : copies) REQUIRE(Bytes(copy) == expected);
}

}  // namespace ficus
