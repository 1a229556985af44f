#include "server/remote/concurrency_store.h"

#include <atomic>
#include <thread>

#include "server/remote/faulty_store.h"
#include "server/remote/memory_store.h"
#include "test/server/remote/store_verbs.h"

namespace ficus {
namespace {

void WaitFor(const std::function<bool()>& condition) {
  while (!condition()) std::this_thread::yield();
}

}  // namespace

TEST_CASE("at most as many calls as there are places", "[remote]") {
  constexpr int kPlaces = 3;
  ConcurrencyStore store(std::make_shared<MemoryStore>(), kPlaces);
  std::atomic<int> inside{0};
  std::atomic<int> most{0};
  // Counts who is inside, and stays until the places have been full once or the others are done.
  class CountingSource final : public ObjectSource {
   public:
    CountingSource(std::atomic<int>& in, std::atomic<int>& top) : inside_(in), most_(top) {}
    uint64_t size_bytes() const override { return 1; }
    Result<> ReadAt(uint64_t, std::span<char>) const override {
      const int now = ++inside_;
      int seen = most_;
      while (now > seen && !most_.compare_exchange_weak(seen, now)) {
      }
      WaitFor([&] { return most_ >= kPlaces; });
      --inside_;
      return Ok();
    }

   private:
    std::atomic<int>& inside_;
    std::atomic<int>& most_;
  };
  std::vector<std::thread> threads;
  for (int t = 0; t < 12; ++t) {
    threads.emplace_back([&, t] {
      const auto put = store.Put("k" + std::to_string(t), CountingSource(inside, most), {}, {});
      if (!put.has_value()) most = 1000;
    });
  }
  for (std::thread& thread : threads) thread.join();
  REQUIRE(most == kPlaces);
  REQUIRE(Keys(store).size() == 12);
}

TEST_CASE("places are given in the order of asking", "[remote]") {
  FairPlaces places(1);
  std::vector<int> order;
  std::vector<std::thread> threads;
  {
    const FairPlaces::Pass first = places.Enter({});
    REQUIRE(bool(first));
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&, i] {
        const FairPlaces::Pass pass = places.Enter({});
        order.push_back(i);  // guarded by the only place
      });
      WaitFor([&] { return places.waiting() == static_cast<size_t>(i) + 1; });
    }
  }
  for (std::thread& thread : threads) thread.join();
  REQUIRE(order == std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7});
}

TEST_CASE("a stop ends the wait for a place and nothing else", "[remote]") {
  MemoryStore memory;
  const auto faulty = std::make_shared<FaultyStore>(memory);
  ConcurrencyStore store(faulty, 1);
  faulty->AddFault({.kind = FaultKind::kStall});
  std::stop_source stop_first;
  std::stop_source stop_second;
  std::atomic<int> cancelled{0};
  const auto call = [&](const std::stop_source& stop) {
    const auto head = store.Head("k", stop.get_token());
    if (!head && head.error().code == ErrorCode::kCancelled) ++cancelled;
  };
  std::thread first([&] { call(stop_first); });
  WaitFor([&] { return faulty->faults() == 1; });
  std::thread second([&] { call(stop_second); });
  std::thread third([&] { REQUIRE_FALSE(store.Head("k", {}).has_value()); });
  WaitFor([&] { return store.places().waiting() == 2; });
  stop_second.request_stop();
  second.join();
  REQUIRE(cancelled == 1);
  REQUIRE(memory.requests() == 0);
  stop_first.request_stop();
  first.join();
  third.join();
  REQUIRE(cancelled == 2);
  REQUIRE(memory.requests() == 1);
}

}  // namespace ficus
