#include "server/daemon/daemon.h"

#include <catch2/catch.hpp>

#include "engine/base/log.h"
#include "test/support/forbidden_calls.h"
#include "test/support/skip.h"
#include "test/support/temp_directory.h"

namespace ficus {
namespace {

// The status says what went wrong.
TEST_CASE("a node that gets no thread does not start, and says why", "[daemon]") {
  const TempDirectory directory;
  const int status = RunWithoutThreads([&] {
    const LogCapture log;
    Config config;
    config.storage.path = directory.path();
    const auto refused = Daemon::Start(config, {}, {});
    if (refused.has_value()) return 1;
    return refused.error().code == ErrorCode::kResourceExhausted ? 0 : 2;
  });
  if (status == kFiltersRefused) SKIP_TEST("system call filters are not allowed here");
  REQUIRE(status == 0);
}

}  // namespace
}  // namespace ficus
