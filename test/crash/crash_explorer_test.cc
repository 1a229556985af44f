#include "test/crash/crash_explorer.h"

#include <cstdio>
#include <cstdlib>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/log.h"

namespace ficus {
namespace {

// Longer sequences and deeper crashes, for a night: ./dev crash --long.
bool IsLong() { return std::getenv("FICUS_CRASH_LONG") != nullptr; }

CrashExplorer::Limits Nested(int nesting) {
  CrashExplorer::Limits limits;
  limits.nesting = nesting;
  return limits;
}

void RequireHeld(const CrashExplorer& explorer) {
  const CrashCounts& counts = explorer.counts();
  std::printf(
      "%zu sequences, %zu crash points, %zu states, %zu of them left by a recovery, at "
      "most %zu effects pending\n",
      counts.sequences, counts.crash_points, counts.states, counts.recovery_states,
      counts.most_pending);
  INFO(explorer.violation().value_or(""));
  REQUIRE(!explorer.violation().has_value());
  REQUIRE(counts.states > 0);
}

// All sequences that go on from `sequence` and have up to `length` operations.
void ExploreAll(CrashExplorer& explorer, std::vector<CrashOp>& sequence, size_t length) {
  explorer.Explore(sequence);
  if (sequence.size() == length) return;
  for (const CrashOp op : kCrashOps) {
    sequence.push_back(op);
    ExploreAll(explorer, sequence, length);
    sequence.pop_back();
  }
}

void ExploreFrom(CrashOp first) {
  LogCapture log;
  CrashExplorer nested(Nested(IsLong() ? 2 : 1));
  nested.Explore({first});
  RequireHeld(nested);
  CrashExplorer explorer(Nested(0));
  std::vector<CrashOp> sequence = {first};
  ExploreAll(explorer, sequence, IsLong() ? 4 : 3);
  RequireHeld(explorer);
}

TEST_CASE("the first start and the first row survive every crash", "[crash]") {
  LogCapture log;
  CrashExplorer explorer(Nested(IsLong() ? 2 : 1));
  explorer.Explore({});
  RequireHeld(explorer);
}

// One case for each first operation, so that they run side by side. Each explores every sequence of
// up to three operations that begins with it, and crashes the recovery from a crash of it, too.
TEST_CASE("whatever follows a row, every crash is survived", "[crash]") {
  ExploreFrom(CrashOp::kPut);
}
TEST_CASE("whatever follows a batch, every crash is survived", "[crash]") {
  ExploreFrom(CrashOp::kBatch);
}
TEST_CASE("whatever follows a flush, every crash is survived", "[crash]") {
  ExploreFrom(CrashOp::kFlush);
}
TEST_CASE("whatever follows a merge, every crash is survived", "[crash]") {
  ExploreFrom(CrashOp::kMerge);
}
TEST_CASE("whatever follows retention, every crash is survived", "[crash]") {
  ExploreFrom(CrashOp::kRetention);
}
TEST_CASE("whatever follows a schema change, every crash is survived", "[crash]") {
  ExploreFrom(CrashOp::kSchema);
}
TEST_CASE("whatever follows a group made again, every crash is survived", "[crash]") {
  ExploreFrom(CrashOp::kRecreate);
}
TEST_CASE("whatever follows a restart, every crash is survived", "[crash]") {
  ExploreFrom(CrashOp::kRestart);
}

}  // namespace
}  // namespace ficus
