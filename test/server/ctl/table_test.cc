#include "server/ctl/table.h"

#include "test/server/ctl/ctl_harness.h"

namespace ficus {
namespace {

TEST_CASE("table flush and merge end with what the node says", "[ctl][table]") {
  FakeNode node;
  REQUIRE(RunCtl(node, {"table", "flush"}).out == "every row in memory is in a file\n");
  REQUIRE(RunCtl(node, {"table", "merge"}).out == "merging has begun\n");
  REQUIRE(RunCtl(node, {"table", "merge", "--wait"}).out == "there is nothing left to merge\n");
  REQUIRE(RunCtl(node, {"table", "flush", "-o", "json"}).out.empty());
  node.upkeep.refuse = Error{ErrorCode::kNoSpace, "the disk is full"};
  const Outcome full = RunCtl(node, {"table", "flush"});
  REQUIRE(full.code == 1);
  REQUIRE(full.err == "ficusctl: flush: the disk is full\n");
  REQUIRE(RunCtl(node, {"table", "merge", "--wait"}).code == 1);
  REQUIRE(RunCtl(node, {"table", "merge"}).code == 0);
}

TEST_CASE("table confirm-clock tells the node that the clock is right", "[ctl][table]") {
  FakeNode node;
  REQUIRE(RunCtl(node, {"table", "confirm-clock"}).code == 0);
  REQUIRE(node.upkeep.clocks_confirmed == 1);
}

}  // namespace
}  // namespace ficus
