// The contract holds through every decorator, alone and all together, over each kind of store.
#include <functional>
#include <memory>

#include "engine/base/metrics.h"
#include "server/remote/concurrency_store.h"
#include "server/remote/faulty_store.h"
#include "server/remote/memory_store.h"
#include "server/remote/metered_store.h"
#include "server/remote/open_store.h"
#include "server/remote/rate_limit_store.h"
#include "server/remote/retry_store.h"
#include "test/server/remote/object_store_conformance.h"
#include "test/server/remote/store_verbs.h"
#include "test/support/temp_directory.h"

namespace ficus {
namespace {

void RunAll(const std::function<std::unique_ptr<ObjectStore>()>& make,
            Answers answers = Answers::kArrive) {
  for (const StoreCase& conformance : StoreCases(answers)) {
    DYNAMIC_SECTION(conformance.name) {
      const auto store = make();
      conformance.run(*store);
    }
  }
}

struct Surroundings {
  ManualClock clock{0};
  ClockSleeper sleeper{clock};
  SeededRandom random{1};
  MetricRegistry metrics;
};

}  // namespace

TEST_CASE("a retrying store keeps the contract", "[remote]") {
  Surroundings around;
  RunAll([&] {
    return std::make_unique<RetryStore>(std::make_shared<MemoryStore>(), RetryPolicy{},
                                        around.random, around.sleeper);
  });
}

TEST_CASE("a store with a rate keeps the contract", "[remote]") {
  Surroundings around;
  RunAll([&] {
    return std::make_unique<RateLimitStore>(std::make_shared<MemoryStore>(),
                                            RateLimits{1 << 20, 1 << 20}, around.clock,
                                            around.sleeper);
  });
}

TEST_CASE("a store with bounded calls keeps the contract", "[remote]") {
  RunAll([] { return std::make_unique<ConcurrencyStore>(std::make_shared<MemoryStore>(), 2); });
}

TEST_CASE("a metered store keeps the contract", "[remote]") {
  Surroundings around;
  RunAll([&] {
    return std::make_unique<MeteredStore>(std::make_shared<MemoryStore>(), "m", around.metrics,
                                          around.clock);
  });
}

TEST_CASE("a faulty store without faults keeps the contract", "[remote]") {
  std::vector<std::unique_ptr<MemoryStore>> inner;
  RunAll([&] {
    inner.push_back(std::make_unique<MemoryStore>());
    return std::make_unique<FaultyStore>(*inner.back());
  });
}

TEST_CASE("a store that was opened by its URL keeps the contract", "[remote]") {
  Surroundings around;
  for (const StoreCase& conformance : StoreCases()) {
    DYNAMIC_SECTION(conformance.name) {
      const TempDirectory temp;
      StoreOptions options;
      options.remote = "test";
      options.rates = {uint64_t{1} << 30, uint64_t{1} << 30};
      options.calls_max = 4;
      options.metrics = &around.metrics;
      options.clock = &around.clock;
      options.random = &around.random;
      options.sleeper = &around.sleeper;
      const auto store = OpenStore("file://" + temp.path(), options);
      REQUIRE(store.has_value());
      conformance.run(**store);
    }
  }
}

// The puts of the races are told apart by their texts.
TEST_CASE("a retrying store over one that often fails keeps the contract", "[remote]") {
  Surroundings around;
  std::vector<std::unique_ptr<MemoryStore>> inner;
  uint64_t seed = 1;
  const auto make = [&] {
    inner.push_back(std::make_unique<MemoryStore>());
    auto faulty = std::make_shared<FaultyStore>(*inner.back(), seed++);
    faulty->AddRandomFaults(
        150, {FaultKind::kErrorBefore, FaultKind::kLostAnswer, FaultKind::kDuplicate});
    return std::make_unique<RetryStore>(faulty, RetryPolicy{.attempts = 50}, around.random,
                                        around.sleeper);
  };
  RunAll(make, Answers::kMayGetLost);
}

}  // namespace ficus
