#include "engine/runtime/thread_priority.h"

#include <cerrno>
#include <future>
#include <sys/resource.h>
#include <thread>

#include <catch2/catch.hpp>

#include "engine/runtime/executor.h"

namespace ficus {
namespace {

int NiceOfThisThread() {
  errno = 0;
  const int nice = ::getpriority(PRIO_PROCESS, 0);
  REQUIRE(errno == 0);
  return nice;
}

TEST_CASE("a background thread and those it starts step back, others do not", "[runtime]") {
  const int before = NiceOfThisThread();
  int own = before;
  int of_child = before;
  std::thread([&] {
    StayInBackground();
    own = NiceOfThisThread();
    std::thread([&] { of_child = NiceOfThisThread(); }).join();
  }).join();
  REQUIRE(own >= 10);
  REQUIRE(of_child == own);
  REQUIRE(NiceOfThisThread() == before);
}

TEST_CASE("a pool steps back when it is told to, another does not", "[runtime]") {
  const auto nice_of = [](ThreadExecutor& executor) {
    std::promise<int> nice;
    executor.Post([&] { nice.set_value(NiceOfThisThread()); });
    return nice.get_future().get();
  };
  const auto behind = ThreadExecutor::Create("behind", 2, ThreadPriority::kBackground);
  REQUIRE(nice_of(*behind) >= 10);
  REQUIRE(nice_of(*ThreadExecutor::Create("beside", 1)) == NiceOfThisThread());
}

}  // namespace
}  // namespace ficus
