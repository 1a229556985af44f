#include "server/ctl/schedule.h"

#include "test/server/ctl/ctl_harness.h"

namespace ficus {
namespace {

TEST_CASE("schedule list shows the next time, the last run and what was missed",
          "[ctl][schedule]") {
  FakeNode node;
  const Outcome good = RunCtl(node, {"schedule", "list"});
  CAPTURE(good.out);
  REQUIRE(good.code == 0);
  REQUIRE(good.OutHas("JOB      REMOTE      SCHEDULE  ZONE  STATE    NEXT                  LAST"));
  REQUIRE(
      good.OutHas("nightly  local-disk  @daily    UTC   waiting  2025-11-21T12:00:00Z  "
                  "2025-11-20T12:00:01Z, done  0     0       1       2\n"));
  REQUIRE(good.err.empty());
  node.schedules.view.last_error = "the store is away";
  const Outcome failed = RunCtl(node, {"schedule", "list"});
  REQUIRE(failed.code == 0);
  REQUIRE(failed.OutHas("2025-11-20T12:00:01Z, failed"));
  REQUIRE(failed.ErrHas("nightly: the last run failed: the store is away"));
}

TEST_CASE("schedule next shows as many times as asked for", "[ctl][schedule]") {
  FakeNode node;
  REQUIRE(RunCtl(node, {"schedule", "next", "-n", "2"}).out ==
          "TIME                  JOB\n"
          "2025-11-21T12:00:00Z  nightly\n"
          "2025-11-22T12:00:00Z  nightly\n");
  REQUIRE(RunCtl(node, {"schedule", "next"}).OutHas("2025-11-25T12:00:00Z"));
  REQUIRE(RunCtl(node, {"schedule", "next", "-n", "1", "-o", "json"})
              .OutHas("\"next\":[\"2025-11-21T12:00:00.000000000Z\"]"));
}

TEST_CASE("schedule pause and resume tell the node", "[ctl][schedule]") {
  FakeNode node;
  REQUIRE(RunCtl(node, {"schedule", "pause", "nightly"}).code == 0);
  REQUIRE(node.schedules.view.paused);
  REQUIRE(RunCtl(node, {"schedule", "list"}).OutHas("paused"));
  REQUIRE(RunCtl(node, {"schedule", "resume", "nightly"}).code == 0);
  REQUIRE_FALSE(node.schedules.view.paused);
  const Outcome unknown = RunCtl(node, {"schedule", "pause", "weekly"});
  REQUIRE(unknown.code == 6);
  REQUIRE(unknown.err == "ficusctl: schedule: no schedule has the job 'weekly'\n");
}

}  // namespace
}  // namespace ficus
