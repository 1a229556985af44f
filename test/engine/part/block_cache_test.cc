#include "engine/part/block_cache.h"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/random.h"

namespace ficus {
namespace {

using Text = std::string;

std::shared_ptr<const Text> Block(std::string text) {
  return std::make_shared<const Text>(std::move(text));
}

TEST_CASE("a block is found again by its owner and offset", "[part]") {
  MemoryLedger ledger(1 << 20);
  BlockCache cache;
  REQUIRE(cache.Find<Text>(1, 10) == nullptr);
  cache.Keep(1, 10, Block("a"), 100, ledger);
  cache.Keep(1, 20, Block("b"), 100, ledger);
  cache.Keep(2, 10, Block("c"), 100, ledger);
  REQUIRE(*cache.Find<Text>(1, 10) == "a");
  REQUIRE(*cache.Find<Text>(1, 20) == "b");
  REQUIRE(*cache.Find<Text>(2, 10) == "c");
  REQUIRE(cache.Find<Text>(2, 20) == nullptr);
  cache.Keep(1, 10, Block("other"), 100, ledger);
  REQUIRE(*cache.Find<Text>(1, 10) == "a");
  REQUIRE(cache.size() == 3);
}

TEST_CASE("what is kept is charged, and given back with its owner", "[part]") {
  MemoryLedger ledger(1 << 20);
  BlockCache cache;
  cache.Keep(1, 10, Block("a"), 1000, ledger);
  cache.Keep(2, 10, Block("b"), 2000, ledger);
  REQUIRE(ledger.used_bytes(MemoryConsumer::kCaches) >= 3000);
  cache.Drop(2);
  cache.Drop(7);
  REQUIRE(cache.Find<Text>(2, 10) == nullptr);
  REQUIRE(ledger.used_bytes(MemoryConsumer::kCaches) < 2000);
  cache.Drop(1);
  REQUIRE(ledger.used_bytes(MemoryConsumer::kCaches) == 0);
  REQUIRE(cache.size() == 0);
}

TEST_CASE("where the ledger refuses, the blocks used longest ago go", "[part]") {
  MemoryLedger ledger(1 << 20);
  ledger.SetShare(MemoryConsumer::kCaches, 10'000);
  BlockCache cache;
  for (uint64_t i = 0; i < 3; ++i) cache.Keep(1, i, Block(std::to_string(i)), 3000, ledger);
  REQUIRE(cache.size() == 3);
  REQUIRE(cache.Find<Text>(1, 0) != nullptr);
  cache.Keep(1, 3, Block("3"), 3000, ledger);
  REQUIRE(cache.Find<Text>(1, 1) == nullptr);
  REQUIRE(cache.Find<Text>(1, 0) != nullptr);
  REQUIRE(cache.Find<Text>(1, 3) != nullptr);
  // Nothing makes room for this one, and nobody was refused for it.
  cache.Keep(1, 4, Block("large"), 20'000, ledger);
  REQUIRE(cache.size() == 0);
  REQUIRE(ledger.used_bytes(MemoryConsumer::kCaches) == 0);
  REQUIRE(ledger.refused(MemoryConsumer::kCaches) == 0);
}

TEST_CASE("a block outlives its place in the cache with whoever holds it", "[part]") {
  MemoryLedger ledger(1 << 20);
  BlockCache cache;
  cache.Keep(1, 10, Block("a"), 100, ledger);
  const auto held = cache.Find<Text>(1, 10);
  cache.Drop(1);
  REQUIRE(*held == "a");
}

TEST_CASE("threads that keep, find and drop blocks see only whole ones", "[part]") {
  MemoryLedger ledger(1 << 20);
  ledger.SetShare(MemoryConsumer::kCaches, 40'000);
  BlockCache cache;
  std::atomic<uint64_t> found = 0;
  std::vector<std::thread> threads;
  for (uint64_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      SeededRandom random(thread);
      for (int i = 0; i < 5000; ++i) {
        const uint64_t owner = random.Below(4);
        const uint64_t offset = random.Below(50);
        if (random.Below(100) == 0) {
          cache.Drop(owner);
        } else if (const auto block = cache.Find<Text>(owner, offset); block != nullptr) {
          if (*block == std::to_string(owner * 1000 + offset)) ++found;
        } else {
          cache.Keep(owner, offset, Block(std::to_string(owner * 1000 + offset)), 500, ledger);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  REQUIRE(found > 0);
  for (uint64_t owner = 0; owner < 4; ++owner) cache.Drop(owner);
  REQUIRE(ledger.used_bytes(MemoryConsumer::kCaches) == 0);
}

}  // namespace
}  // namespace ficus
