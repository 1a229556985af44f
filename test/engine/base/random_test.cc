#include "engine/base/random.h"

#include <array>
#include <deque>
#include <set>

#include <catch2/catch.hpp>

#include "test/engine/base/death.h"

namespace ficus {
namespace {

class Scripted final : public RandomSource {
 public:
  explicit Scripted(std::deque<uint64_t> numbers) : numbers_(std::move(numbers)) {}
  uint64_t Next() override {
    const uint64_t number = numbers_.front();
    numbers_.pop_front();
    return number;
  }

 private:
  std::deque<uint64_t> numbers_;
};

TEST_CASE("a seed gives the same numbers on every machine", "[random]") {
  // The first numbers of SplitMix64 for seed 1234567 as Vigna's page prints them.
  SeededRandom random(1234567);
  REQUIRE(random.Next() == 6457827717110365317U);
  REQUIRE(random.Next() == 3203168211198807973U);
  REQUIRE(random.Next() == 9817491932198370423U);
}

TEST_CASE("different seeds give different numbers", "[random]") {
  SeededRandom one(1);
  SeededRandom two(2);
  REQUIRE(one.Next() != two.Next());
}

TEST_CASE("an id is never zero", "[random]") {
  Scripted random({0, 0, 7});
  REQUIRE(random.NextId() == 7);
}

TEST_CASE("bounded numbers stay below the bound and reach every value", "[random]") {
  SeededRandom random(3);
  std::array<int, 7> seen{};
  for (int i = 0; i < 7000; ++i) ++seen.at(random.Below(7));
  for (const int count : seen) {
    REQUIRE(count > 850);
    REQUIRE(count < 1150);
  }
  REQUIRE(random.Below(1) == 0);
}

TEST_CASE("a bound near the end of the range favours no number", "[random]") {
  // Two thirds of the range: remainders alone would give the lower half twice as often.
  const uint64_t bound = UINT64_MAX / 3 * 2;
  SeededRandom random(4);
  int lower = 0;
  for (int i = 0; i < 4000; ++i) lower += random.Below(bound) < bound / 2 ? 1 : 0;
  REQUIRE(lower > 1850);
  REQUIRE(lower < 2150);
  for (int i = 0; i < 1000; ++i) REQUIRE(random.Below(uint64_t{1} << 63) < uint64_t{1} << 63);
}

TEST_CASE("a bound of zero stops the process", "[random][check]") {
  REQUIRE(RunInChild([] { SeededRandom(1).Below(0); }).aborted);
}

TEST_CASE("the system gives numbers that do not repeat", "[random]") {
  SystemRandom random;
  std::set<uint64_t> numbers;
  for (int i = 0; i < 1000; ++i) numbers.insert(random.NextId());
  REQUIRE(numbers.size() == 1000);
}

}  // namespace
}  // namespace ficus
