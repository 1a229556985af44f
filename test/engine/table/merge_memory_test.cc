// What flushes and merges take from the node's memory.
#include <catch2/catch.hpp>

#include "engine/base/log.h"
#include "test/engine/table/table_harness.h"

namespace ficus {
namespace {

// Four parts and runs; nothing is left of the node's memory.
struct Scene {
  TableHarness harness;
  MemoryReservation rest;
  LogCapture log;

  Scene() {
    REQUIRE(harness.Open().has_value());
    rest = harness.ledger().Account(MemoryConsumer::kQueries, harness.ledger().limit_bytes());
  }
  ~Scene() { rest.Release(); }

  void WriteParts() {
    for (uint64_t position = 1; position <= 4; ++position) {
      harness.Introduce(position, {{position, static_cast<int64_t>(position), 1}});
      REQUIRE(harness.Flush().has_value());
    }
  }
  size_t parts() { return harness.Current()->parts.size(); }
  size_t runs() { return harness.Current()->runs.size(); }
};

}  // namespace

TEST_CASE("a flush is not refused for memory, a merge is, and tried again", "[table][memory]") {
  Scene scene;
  scene.WriteParts();
  REQUIRE(scene.parts() == 4);
  REQUIRE(scene.runs() == 4);
  REQUIRE(scene.harness.MergeAll().error().code == ErrorCode::kResourceExhausted);
  REQUIRE(scene.harness.ledger().refused(MemoryConsumer::kFlushMerge) > 0);
  REQUIRE(scene.parts() == 4);
  REQUIRE(scene.log.Count("table.merge") > 0);

  scene.rest.Release();
  scene.harness.clock().Advance(2 * 60 * kNanosPerSecond);
  scene.harness.executor().RunUntilIdle();
  REQUIRE(scene.parts() == 1);
  REQUIRE(scene.runs() == 1);
  REQUIRE(scene.harness.ledger().used_bytes(MemoryConsumer::kFlushMerge) == 0);
}

}  // namespace ficus
