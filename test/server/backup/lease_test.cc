#include "server/backup/lease.h"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "server/backup/destination_records.h"
#include "server/backup/guarded_store.h"
#include "server/backup/repository_keys.h"
#include "server/remote/faulty_store.h"
#include "server/remote/memory_store.h"
#include "server/remote/store_decorator.h"
#include "test/support/seed.h"

namespace ficus {
namespace {

constexpr UnixNanos kNow = int64_t{1795167000} * kNanosPerSecond;

struct Party {
  explicit Party(ObjectStore& store, std::string run, int64_t skew = 0)
      : clock(kNow + skew),
        random(std::hash<std::string>()(run)),
        terms{store, clock, random, 7, std::move(run)} {
    terms.pause = [this](int64_t nanos, std::stop_token stop) {
      clock.Advance(nanos);
      return !stop.stop_requested();
    };
  }
  ManualClock clock;
  SeededRandom random;
  Lease::Terms terms;
};

LeaseRecord Stored(const MemoryStore& store) {
  const auto record = DecodeLease(store.Contents().at(std::string(kLeaseKey)));
  REQUIRE(record.has_value());
  return *record;
}

}  // namespace

TEST_CASE("of many that want the lease at once, one gets it", "[backup][lease]") {
  const int rounds = TestRounds(200);
  constexpr int kRacers = 24;
  MemoryStore store;
  std::vector<std::unique_ptr<Party>> parties;
  for (int i = 0; i < kRacers; ++i) {
    parties.push_back(std::make_unique<Party>(store, "run-" + std::to_string(i)));
  }
  for (int round = 0; round < rounds; ++round) {
    std::atomic<int> winners{0};
    std::vector<std::unique_ptr<Lease>> held(kRacers);
    {
      std::vector<std::jthread> racers;
      for (int i = 0; i < kRacers; ++i) {
        racers.emplace_back([&, i] {
          auto lease = Lease::TryAcquire(parties[static_cast<size_t>(i)]->terms, {});
          if (!lease) return;
          ++winners;
          held[static_cast<size_t>(i)] = std::move(*lease);
        });
      }
    }
    REQUIRE(winners == 1);
    for (auto& lease : held) {
      if (!lease) continue;
      REQUIRE(lease->generation() == static_cast<uint64_t>(round) + 1);
      REQUIRE(lease->Release().has_value());
    }
  }
}

TEST_CASE("a lease is released by writing over it", "[backup][lease]") {
  MemoryStore store;
  Party a(store, "a");
  auto lease = Lease::TryAcquire(a.terms, {});
  REQUIRE(lease.has_value());
  REQUIRE((*lease)->Release().has_value());
  REQUIRE(store.requests(StoreOp::kDelete) == 0);
  REQUIRE(Stored(store).released);
  Party b(store, "b");
  REQUIRE(Lease::TryAcquire(b.terms, {}).has_value());
  REQUIRE(Stored(store).generation == 2);
}

TEST_CASE("a held lease refuses others and names its owner", "[backup][lease]") {
  MemoryStore store;
  Party a(store, "a");
  auto lease = Lease::TryAcquire(a.terms, {});
  Party b(store, "b");
  const auto refused = Lease::TryAcquire(b.terms, {});
  REQUIRE(!refused);
  REQUIRE(refused.error().code == ErrorCode::kAlreadyExists);
  REQUIRE(refused.error().message.find("run a of node 0000000000000007") != std::string::npos);
}

TEST_CASE("a lease is renewed when a third of its time is over, not before", "[backup][lease]") {
  MemoryStore store;
  Party a(store, "a");
  auto lease = Lease::TryAcquire(a.terms, {});
  const uint64_t nonce = Stored(store).nonce;
  a.clock.Advance(Lease::kRenewAfter - 1);
  REQUIRE((*lease)->Check({}).has_value());
  REQUIRE(Stored(store).nonce == nonce);
  a.clock.Advance(1);
  REQUIRE((*lease)->Check({}).has_value());
  REQUIRE(Stored(store).nonce != nonce);
  REQUIRE(Stored(store).expires_at == a.clock.Now() + Lease::kTtl);
  REQUIRE(Stored(store).generation == 1);
}

TEST_CASE("clocks that disagree take nothing from a living owner", "[backup][lease]") {
  const int64_t minutes = GENERATE(-10, -1, 1, 10);
  CAPTURE(minutes);
  MemoryStore store;
  Party a(store, "a");
  auto lease = Lease::TryAcquire(a.terms, {});
  Party b(store, "b", minutes * 60 * kNanosPerSecond);
  // While the other waits, the owner goes on renewing.
  b.terms.pause = [&](int64_t nanos, std::stop_token) {
    a.clock.Advance(nanos);
    b.clock.Advance(nanos);
    REQUIRE((*lease)->Check({}).has_value());
    return true;
  };
  REQUIRE(!Lease::Acquire(b.terms, 5 * Lease::kTtl, {}));
  REQUIRE((*lease)->Confirm({}).has_value());
}

TEST_CASE("a dead owner is replaced after one time to live, whatever the clocks say",
          "[backup][lease]") {
  const int64_t minutes = GENERATE(-10, 0, 10);
  CAPTURE(minutes);
  MemoryStore store;
  Party a(store, "a");
  auto lease = Lease::TryAcquire(a.terms, {});
  Party b(store, "b", minutes * 60 * kNanosPerSecond);
  const int64_t began = b.clock.Monotonic();
  auto taken = Lease::Acquire(b.terms, Lease::kTtl + 5 * kNanosPerSecond, {});
  REQUIRE(taken.has_value());
  REQUIRE(b.clock.Monotonic() - began >= Lease::kTtl);
  REQUIRE(b.clock.Monotonic() - began <= Lease::kTtl + 5 * kNanosPerSecond);
  REQUIRE((*taken)->generation() == 2);

  // The first one wakes up, a hundred times if need be: it changes nothing.
  a.clock.Advance(2 * Lease::kTtl);
  GuardedStore guarded(store, **lease);
  const auto before = store.Contents();
  for (int i = 0; i < 100; ++i) {
    REQUIRE(!guarded.Put("x", TextSource("x"), {}, {}));
    REQUIRE(!guarded.Copy(kLeaseKey, "y", {}));
    const std::string key(kLeaseKey);
    REQUIRE(!guarded.Delete({&key, 1}, {}));
  }
  REQUIRE((*lease)->Release().has_value());
  REQUIRE(store.Contents() == before);
}

TEST_CASE("the same run takes its lease over at once after a restart", "[backup][lease]") {
  MemoryStore store;
  Party before(store, "a");
  auto lease = Lease::TryAcquire(before.terms, {});
  Party after(store, "a");
  auto again = Lease::TryAcquire(after.terms, {});
  REQUIRE(again.has_value());
  REQUIRE((*again)->generation() == 2);
}

TEST_CASE("an answer that is lost is cleared up by reading", "[backup][lease]") {
  MemoryStore store;
  FaultyStore faulty(store);
  Party a(faulty, "a");
  faulty.AddFault({.kind = FaultKind::kLostAnswer, .op = StoreOp::kPut, .times = 1});
  auto lease = Lease::TryAcquire(a.terms, {});
  REQUIRE(lease.has_value());
  REQUIRE(Stored(store).run == "a");

  // A renewal whose answer, and the reading after it, are lost: the next one goes over it.
  a.clock.Advance(Lease::kRenewAfter);
  faulty.AddFault({.kind = FaultKind::kLostAnswer, .op = StoreOp::kPut, .times = 1});
  faulty.AddFault({.kind = FaultKind::kErrorBefore, .op = StoreOp::kGet, .times = 1});
  REQUIRE((*lease)->Check({}).has_value());  // still within its time
  REQUIRE((*lease)->Confirm({}).has_value());
  REQUIRE((*lease)->Check({}).has_value());
}

TEST_CASE("an owner that cannot renew in time stops by itself", "[backup][lease]") {
  MemoryStore store;
  FaultyStore faulty(store);
  Party a(faulty, "a");
  auto lease = Lease::TryAcquire(a.terms, {});
  faulty.AddFault({.kind = FaultKind::kErrorBefore, .times = UINT64_MAX});
  a.clock.Advance(Lease::kTtl - Lease::kMargin - 1);
  REQUIRE((*lease)->Check({}).has_value());
  a.clock.Advance(1);
  REQUIRE(!(*lease)->Check({}));
}

TEST_CASE("a keeper renews in the background and tells when the lease is lost", "[backup][lease]") {
  MemoryStore store;
  Party a(store, "a");
  auto lease = Lease::TryAcquire(a.terms, {});
  std::atomic<bool> lost{false};
  REQUIRE((*lease)->KeepAlive([&] { lost = true; }).has_value());
  Party b(store, "b");
  REQUIRE(Lease::Acquire(b.terms, 2 * Lease::kTtl, {}).has_value());
  a.clock.Advance(Lease::kTtl);
  while (!lost) std::this_thread::yield();
  REQUIRE(!(*lease)->Check({}));
}

TEST_CASE("who waits for another's renewal of the lease can be stopped", "[backup][lease]") {
  MemoryStore store;
  FaultyStore faulty(store);
  Party a(faulty, "a");
  auto lease = Lease::TryAcquire(a.terms, {});
  std::stop_source renewal;
  faulty.AddFault({.kind = FaultKind::kStall, .op = StoreOp::kPut, .times = 1});
  std::atomic<bool> stalled{false};
  faulty.SetObserver([&](uint64_t, StoreOp op, std::string_view) {
    if (op == StoreOp::kPut) stalled = true;
  });
  std::jthread renewing([&] { static_cast<void>((*lease)->Confirm(renewal.get_token())); });
  while (!stalled) std::this_thread::yield();
  std::stop_source waiting;
  std::jthread stopper([&] { waiting.request_stop(); });
  REQUIRE((*lease)->Confirm(waiting.get_token()).error().code == ErrorCode::kCancelled);
  renewal.request_stop();
}

TEST_CASE("a store without conditions still warns others off", "[backup][lease]") {
  class Plain final : public StoreDecorator {
   public:
    explicit Plain(MemoryStore& memory) : StoreDecorator(memory) {}
    StoreAbilities abilities() const override { return {.conditional_put = false}; }
    Result<ObjectInfo> Put(std::string_view key, const ObjectSource& source,
                           const PutCondition& condition, std::stop_token stop) override {
      REQUIRE(condition.kind == PutCondition::Kind::kNone);
      return inner().Put(key, source, condition, stop);
    }
  };
  MemoryStore memory;
  Plain store(memory);
  Party a(store, "a");
  auto lease = Lease::TryAcquire(a.terms, {});
  REQUIRE(lease.has_value());
  Party b(store, "b");
  REQUIRE(!Lease::TryAcquire(b.terms, {}));
  a.clock.Advance(Lease::kRenewAfter);
  REQUIRE((*lease)->Check({}).has_value());
}

}  // namespace ficus
