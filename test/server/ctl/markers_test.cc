#include "server/ctl/markers.h"

#include <catch2/catch.hpp>

#include "engine/io/memory_file_system.h"

namespace ficus {
namespace {

TEST_CASE("a lost log is accepted only while the node is down", "[ctl]") {
  const auto fs = MemoryFileSystem::Create();
  SeededRandom random(1);
  {
    const auto running = fs->Lock("LOCK");
    REQUIRE(running.has_value());
    REQUIRE(AcceptLogLoss(*fs, random).error().code == ErrorCode::kUnavailable);
    REQUIRE(!fs->Status("accept-log-loss").has_value());
  }
  REQUIRE(AcceptLogLoss(*fs, random).has_value());
  REQUIRE(fs->Status("accept-log-loss").has_value());
}

}  // namespace
}  // namespace ficus
