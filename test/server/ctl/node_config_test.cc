#include "server/ctl/node_config.h"

#include <catch2/catch.hpp>

#include "test/server/ctl/ctl_harness.h"

namespace ficus {
namespace {

TEST_CASE("a node tells what it took over and what waits for a start", "[ctl][config]") {
  FakeNode node;
  node.configuration.report = ReloadReport{{"log.level"}, {"grpc.listen"}};
  const Outcome outcome = RunCtl(node, {"config", "reload"});
  REQUIRE(outcome.code == 0);
  REQUIRE(outcome.out ==
          "taken over:\n  log.level\nfrom the next start of the node on:\n  grpc.listen\n");
  const Outcome json = RunCtl(node, {"config", "reload", "-o", "json"});
  REQUIRE(json.OutHas("need_restart"));
}

TEST_CASE("a configuration without changes is told, too", "[ctl][config]") {
  FakeNode node;
  REQUIRE(RunCtl(node, {"config", "reload"}).out == "nothing of the configuration has changed\n");
}

TEST_CASE("a configuration with mistakes is refused with the exit code of mistakes",
          "[ctl][config]") {
  FakeNode node;
  node.configuration.report = Error{ErrorCode::kInvalidArgument, "f.yaml:1:1: x: unknown key"};
  const Outcome outcome = RunCtl(node, {"config", "reload"});
  REQUIRE(outcome.code == 78);
  REQUIRE(outcome.ErrHas("nothing was taken over: f.yaml:1:1: x: unknown key"));
}

}  // namespace
}  // namespace ficus
