#include "engine/runtime/thread_priority.h"

#include <cerrno>
#include <sys/resource.h>
#include <thread>

#include <catch2/catch.hpp>

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

}  // namespace
}  // namespace ficus
