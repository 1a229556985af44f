#include "engine/runtime/thread.h"

#include <atomic>

#include <catch2/catch.hpp>

#include "test/support/forbidden_calls.h"
#include "test/support/skip.h"

namespace ficus {
namespace {

TEST_CASE("a thread that was started runs until it is joined", "[thread]") {
  std::atomic<bool> stopped{false};
  Result<std::jthread> thread = StartThread("a test", [&](std::stop_token stop) {
    while (!stop.stop_requested()) std::this_thread::yield();
    stopped = true;
  });
  REQUIRE(thread.has_value());
  REQUIRE_FALSE(stopped);
  thread->request_stop();
  thread->join();
  REQUIRE(stopped);
}

TEST_CASE("work on several threads is all done, each piece once", "[thread]") {
  const size_t count = GENERATE(0, 1, 2, 7);
  std::atomic<size_t> next{0};
  std::atomic<size_t> done{0};
  RunOnThreads("a test", count, [&] {
    while (next++ < 1000) ++done;
  });
  REQUIRE(done == 1000);
}

TEST_CASE("where there are no threads the caller hears of it, or does the work", "[thread]") {
  const int status = RunWithoutThreads([] {
    const Result<std::jthread> refused = StartThread("a test", [] {});
    if (refused || refused.error().code != ErrorCode::kResourceExhausted) return 1;
    if (refused.error().message.rfind("start the thread of a test: ", 0) != 0) return 2;
    size_t done = 0;
    RunOnThreads("a test", 4, [&] { ++done; });
    return done == 1 ? 0 : 3;
  });
  if (status == kFiltersRefused) SKIP_TEST("seccomp filters are not allowed here");
  REQUIRE(status == 0);
}

}  // namespace
}  // namespace ficus
