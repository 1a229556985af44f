#include "engine/io/ring_pool.h"

#include <thread>

#include <catch2/catch.hpp>

#include "engine/io/disk_file_system.h"
#include "test/support/skip.h"

namespace ficus {

TEST_CASE("each thread has a ring of its own, which goes with the thread or the file system",
          "[io][uring]") {
  if (!UringRefusal().empty()) SKIP_TEST("io_uring cannot be used here");
  auto pool = *RingPool::Create(8, RingPool::kRingsMax);
  UringRing* mine = nullptr;
  REQUIRE(pool->With([&](UringRing& ring) { mine = &ring; }));
  REQUIRE(pool->With([&](UringRing& ring) { REQUIRE(&ring == mine); }));
  REQUIRE(pool->ring_count() == 1);
  std::thread([&] {
    REQUIRE(pool->With([&](UringRing& ring) { REQUIRE(&ring != mine); }));
    REQUIRE(pool->ring_count() == 2);
  }).join();
  REQUIRE(pool->ring_count() == 1);
  pool.reset();
  // A new pool, perhaps at the same address, does not meet rings of the old one.
  pool = *RingPool::Create(8, RingPool::kRingsMax);
  REQUIRE(pool->ring_count() == 0);
  REQUIRE(pool->With([](UringRing&) {}));
  REQUIRE(pool->ring_count() == 1);
}

TEST_CASE("a thread keeps rings of a few file systems only", "[io][uring]") {
  if (!UringRefusal().empty()) SKIP_TEST("io_uring cannot be used here");
  std::vector<std::shared_ptr<RingPool>> pools;
  for (size_t i = 0; i < RingPool::kPoolsPerThreadMax + 2; ++i) {
    pools.push_back(*RingPool::Create(4, RingPool::kRingsMax));
    REQUIRE(pools.back()->With([](UringRing&) {}));
  }
  size_t rings = 0;
  for (const auto& pool : pools) rings += pool->ring_count();
  REQUIRE(rings == RingPool::kPoolsPerThreadMax);
  REQUIRE(pools.front()->ring_count() == 0);
  REQUIRE(pools.front()->With([](UringRing&) {}));
  REQUIRE(pools.front()->ring_count() == 1);
}

TEST_CASE("a thread that gets no ring takes its turn at the shared one", "[io][uring]") {
  if (!UringRefusal().empty()) SKIP_TEST("io_uring cannot be used here");
  const auto pool = *RingPool::Create(4, 1);
  UringRing* first = nullptr;
  REQUIRE(pool->With([&](UringRing& ring) { first = &ring; }));
  UringRing* second = nullptr;
  UringRing* third = nullptr;
  const auto use = [&pool](UringRing*& met) {
    REQUIRE(pool->With([&met](UringRing& ring) { met = &ring; }));
  };
  std::thread([&] { use(second); }).join();
  std::thread([&] { use(third); }).join();
  REQUIRE(second != first);
  REQUIRE(second == third);
  REQUIRE(pool->ring_count() == 1);
}

}  // namespace ficus
