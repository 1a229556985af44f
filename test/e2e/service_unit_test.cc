// The systemd unit that ships with the node, judged by systemd's own tool.
#include <cstdlib>
#include <string>

#include <catch2/catch.hpp>

#include "test/support/skip.h"

namespace ficus {
namespace {

TEST_CASE("the service unit leaves at most 2.0 of 10 points exposed", "[e2e]") {
  if (std::system("command -v systemd-analyze > /dev/null") != 0) {
    SKIP_TEST("systemd-analyze is not installed");
  }
  // Fails above the threshold, which is in tenths.
  REQUIRE(std::system("systemd-analyze security --offline=true --threshold=20 --no-pager "
                      "deploy/ficusd.service > /dev/null") == 0);
}

}  // namespace
}  // namespace ficus
