#include "engine/base/memory_ledger.h"

#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/random.h"
#include "test/engine/base/death.h"

namespace ficus {
namespace {

constexpr MemoryConsumer kQueries = MemoryConsumer::kQueries;
constexpr MemoryConsumer kCaches = MemoryConsumer::kCaches;

TEST_CASE("a reservation is counted while it lives", "[memory]") {
  MemoryLedger ledger(1000);
  {
    const auto held = ledger.Reserve(kQueries, 300);
    REQUIRE(held);
    REQUIRE(held->bytes() == 300);
    REQUIRE(ledger.used_bytes() == 300);
    REQUIRE(ledger.used_bytes(kQueries) == 300);
    REQUIRE(ledger.used_bytes(kCaches) == 0);
  }
  REQUIRE(ledger.used_bytes() == 0);
  REQUIRE(ledger.used_bytes(kQueries) == 0);
}

TEST_CASE("the limit may be reached and not passed", "[memory]") {
  MemoryLedger ledger(1000);
  const auto most = ledger.Reserve(kQueries, 600);
  const auto rest = ledger.Reserve(kCaches, 400);
  REQUIRE(most);
  REQUIRE(rest);
  const auto refused = ledger.Reserve(kCaches, 1);
  REQUIRE_FALSE(refused);
  REQUIRE(refused.error().code == ErrorCode::kResourceExhausted);
  REQUIRE(refused.error().message ==
          "memory: 1 bytes for caches would exceed the limit of 1000 (1000 in use)");
  REQUIRE(ledger.used_bytes() == 1000);
  REQUIRE(ledger.used_bytes(kCaches) == 400);
  REQUIRE(ledger.refused(kCaches) == 1);
  REQUIRE(ledger.refused(kQueries) == 0);
}

TEST_CASE("a consumer is held to its share", "[memory]") {
  MemoryLedger ledger(1000);
  ledger.SetShare(kCaches, 100);
  const auto held = ledger.Reserve(kCaches, 60);
  const auto refused = ledger.Reserve(kCaches, 41);
  REQUIRE_FALSE(refused);
  REQUIRE(refused.error().message ==
          "memory: 41 bytes for caches would exceed its share of 100 (60 in use)");
  REQUIRE(ledger.Reserve(kCaches, 40));
  REQUIRE(ledger.Reserve(kQueries, 900));
}

TEST_CASE("sizes near the end of the range do not wrap", "[memory]") {
  MemoryLedger ledger(SIZE_MAX - 10);
  const auto held = ledger.Reserve(kQueries, 100);
  REQUIRE_FALSE(ledger.Reserve(kQueries, SIZE_MAX));
  REQUIRE_FALSE(ledger.Reserve(kQueries, SIZE_MAX - 50));
  REQUIRE(ledger.used_bytes() == 100);
}

TEST_CASE("memory that exists already is counted above the limit", "[memory]") {
  MemoryLedger ledger(100);
  ledger.SetShare(MemoryConsumer::kMemParts, 10);
  MemoryReservation replayed = ledger.Account(MemoryConsumer::kMemParts, 150);
  REQUIRE(ledger.used_bytes() == 150);
  REQUIRE_FALSE(ledger.Reserve(kQueries, 1));
  replayed.Release();
  REQUIRE(ledger.used_bytes() == 0);
  REQUIRE(ledger.Reserve(kQueries, 100));
}

TEST_CASE("a reservation grows and shrinks", "[memory]") {
  MemoryLedger ledger(100);
  auto held = ledger.Reserve(kQueries, 40);
  REQUIRE(held->Resize(90));
  REQUIRE(ledger.used_bytes() == 90);
  const Result<> refused = held->Resize(101);
  REQUIRE_FALSE(refused);
  REQUIRE(refused.error().code == ErrorCode::kResourceExhausted);
  REQUIRE(held->bytes() == 90);
  REQUIRE(ledger.used_bytes() == 90);
  REQUIRE(held->Resize(0));
  REQUIRE(ledger.used_bytes() == 0);
  REQUIRE(held->Resize(100));
  REQUIRE(ledger.used_bytes() == 100);
}

TEST_CASE("a reservation takes over others", "[memory]") {
  MemoryLedger ledger(100);
  MemoryReservation all;
  all.Join({});
  REQUIRE(all.bytes() == 0);
  all.Join(ledger.Account(MemoryConsumer::kMemParts, 30));
  all.Join(ledger.Account(MemoryConsumer::kMemParts, 20));
  all.Join({});
  REQUIRE(all.bytes() == 50);
  REQUIRE(ledger.used_bytes() == 50);
  all.Release();
  REQUIRE(ledger.used_bytes() == 0);
}

TEST_CASE("a moved reservation is given back once", "[memory]") {
  MemoryLedger ledger(100);
  MemoryReservation first = std::move(ledger.Reserve(kQueries, 40)).value();
  MemoryReservation second = std::move(first);
  REQUIRE(first.bytes() == 0);
  first.Release();
  REQUIRE(ledger.used_bytes() == 40);
  MemoryReservation third = std::move(ledger.Reserve(kCaches, 50)).value();
  third = std::move(second);
  REQUIRE(ledger.used_bytes(kCaches) == 0);
  REQUIRE(ledger.used_bytes(kQueries) == 40);
  MemoryReservation& alias = third;
  third = std::move(alias);
  REQUIRE(third.bytes() == 40);
  third.Release();
  third.Release();
  REQUIRE(ledger.used_bytes() == 0);
}

TEST_CASE("many threads together never pass the limit", "[memory]") {
  MemoryLedger ledger(1000);
  ledger.SetShare(kCaches, 300);
  std::vector<std::thread> threads;
  for (uint64_t seed = 0; seed < 4; ++seed) {
    threads.emplace_back([&ledger, seed] {
      SeededRandom random(seed);
      for (int round = 0; round < 5000; ++round) {
        const MemoryConsumer consumer = random.Below(2) == 0 ? kQueries : kCaches;
        auto held = ledger.Reserve(consumer, random.Below(400));
        if (!held) continue;
        if (ledger.used_bytes() > 1000 || ledger.used_bytes(kCaches) > 300) std::abort();
        static_cast<void>(held->Resize(random.Below(400)).has_value());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  REQUIRE(ledger.used_bytes() == 0);
  REQUIRE(ledger.used_bytes(kQueries) == 0);
  REQUIRE(ledger.used_bytes(kCaches) == 0);
}

TEST_CASE("every memory consumer has a name of its own", "[memory]") {
  std::set<std::string_view> names;
  for (size_t i = 0; i < kMemoryConsumerCount; ++i) {
    names.insert(MemoryConsumerName(static_cast<MemoryConsumer>(i)));
  }
  REQUIRE(names.size() == kMemoryConsumerCount);
}

TEST_CASE("a ledger that dies before its reservations stops the process", "[memory][check]") {
  const Death death = RunInChild([] {
    MemoryReservation held;
    MemoryLedger ledger(100);
    held = std::move(ledger.Reserve(kQueries, 40)).value();
  });
  REQUIRE(death.aborted);
  REQUIRE_THAT(death.standard_error, Catch::Contains("40 bytes still reserved"));
}

}  // namespace
}  // namespace ficus
