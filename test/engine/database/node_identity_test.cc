#include "engine/database/node_identity.h"

#include <string>

#include <catch2/catch.hpp>

#include "engine/io/memory_file_system.h"

namespace ficus {
namespace {

TEST_CASE("a node knows itself again", "[database]") {
  const auto fs = MemoryFileSystem::Create();
  SeededRandom random(1);
  REQUIRE(!ReadNodeIdentity(*fs)->has_value());
  const NodeIdentity identity{9, LogId(8), 7};
  REQUIRE(WriteNodeIdentity(*fs, random, identity).has_value());
  REQUIRE(**ReadNodeIdentity(*fs) == identity);
}

TEST_CASE("every flipped bit and every cut of a node's identity is found", "[database]") {
  const std::string bytes = EncodeNodeIdentity({9, LogId(8), 7});
  for (size_t i = 0; i < bytes.size(); ++i) {
    CAPTURE(i);
    std::string flipped = bytes;
    flipped[i] = static_cast<char>(flipped[i] ^ 32);
    REQUIRE(DecodeNodeIdentity(flipped).error().code == ErrorCode::kCorruption);
    REQUIRE(DecodeNodeIdentity(bytes.substr(0, i)).error().code == ErrorCode::kCorruption);
  }
}

}  // namespace
}  // namespace ficus
