#include "engine/io/io_pool.h"

#include <atomic>

#include <catch2/catch.hpp>

#include "engine/base/log.h"
#include "test/support/forbidden_calls.h"
#include "test/support/skip.h"

namespace ficus {

TEST_CASE("a pool calls its work once for each number", "[io]") {
  IoPool pool(3);
  for (const size_t count : {size_t{0}, size_t{1}, size_t{2}, size_t{100}}) {
    std::vector<std::atomic<int>> calls(count);
    pool.ForEach(count, [&calls](size_t i) { ++calls[i]; });
    for (const auto& called : calls) REQUIRE(called == 1);
  }
}

TEST_CASE("a pool works on several things at the same time", "[io]") {
  IoPool pool(3);
  Mutex mutex;
  CondVar met;
  int inside = 0;
  // Returns only when all four have come.
  pool.ForEach(4, [&](size_t) {
    MutexLock lock(mutex);
    ++inside;
    met.NotifyAll();
    while (inside < 4) met.Wait(lock);
  });
  REQUIRE(inside == 4);
}

TEST_CASE("many threads share a pool", "[io]") {
  IoPool pool(2);
  std::atomic<int> calls{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) pool.ForEach(7, [&calls](size_t) { ++calls; });
    });
  }
  for (std::thread& thread : threads) thread.join();
  REQUIRE(calls == 4 * 50 * 7);
}

TEST_CASE("a pool without threads leaves the work to its caller", "[io]") {
  IoPool pool(0);
  int calls = 0;
  pool.ForEach(5, [&calls](size_t) { ++calls; });
  REQUIRE(calls == 5);
}

// The status says what went wrong.
TEST_CASE("a pool that gets no threads leaves the work to its caller", "[io]") {
  const int status = RunWithoutThreads([] {
    const LogCapture log;
    IoPool pool(3);
    int calls = 0;
    for (int i = 0; i < 3; ++i) pool.ForEach(5, [&calls](size_t) { ++calls; });
    if (calls != 15) return 1;
    return log.Count("io.no_thread") == 1 ? 0 : 2;
  });
  if (status == kFiltersRefused) SKIP_TEST("seccomp filters are not allowed here");
  REQUIRE(status == 0);
}

}  // namespace ficus
