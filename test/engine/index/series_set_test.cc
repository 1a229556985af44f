#include "engine/index/series_set.h"

#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/random.h"

namespace ficus {

using Known = SeriesSet::Known;

TEST_CASE("a series is known once it was inserted, by subject, id and entity", "[index]") {
  MemoryLedger ledger(size_t{1} << 30);
  SeriesSet set(ledger);
  REQUIRE(set.Find(SubjectId(1), SeriesId(2), 3) == Known::kNo);
  REQUIRE(set.Insert(SubjectId(1), SeriesId(2), 3).has_value());
  REQUIRE(set.Insert(SubjectId(1), SeriesId(2), 3).has_value());
  REQUIRE(set.Find(SubjectId(1), SeriesId(2), 3) == Known::kYes);
  REQUIRE(set.Find(SubjectId(1), SeriesId(2), 4) == Known::kCollision);
  REQUIRE(set.Find(SubjectId(2), SeriesId(2), 3) == Known::kNo);
  REQUIRE(set.Find(SubjectId(1), SeriesId(3), 3) == Known::kNo);
  REQUIRE(set.size() == 1);

  REQUIRE(set.Insert(SubjectId(1), SeriesId(2), 4).error().code == ErrorCode::kCorruption);
  REQUIRE(set.Find(SubjectId(1), SeriesId(2), 3) == Known::kYes);
  set.Clear();
  REQUIRE(set.Find(SubjectId(1), SeriesId(2), 3) == Known::kNo);
  REQUIRE(set.size() == 0);
}

TEST_CASE("many series are looked up at once", "[index]") {
  MemoryLedger ledger(size_t{1} << 30);
  SeriesSet set(ledger);
  const std::vector<SeriesId> series = {SeriesId(4), SeriesId(2), SeriesId(3)};
  const std::vector<uint64_t> checks = {40, 20, 30};
  std::vector<Known> known(3, Known::kYes);
  set.Find(SubjectId(1), series, checks, known);
  REQUIRE(known == std::vector<Known>(3, Known::kNo));

  REQUIRE(set.Insert(SubjectId(1), SeriesId(2), 20).has_value());
  REQUIRE(set.Insert(SubjectId(1), SeriesId(3), 31).has_value());
  set.Find(SubjectId(1), series, checks, known);
  REQUIRE(known == std::vector<Known>{Known::kNo, Known::kYes, Known::kCollision});
}

TEST_CASE("an older entry takes the place of what is there", "[index]") {
  MemoryLedger ledger(size_t{1} << 30);
  SeriesSet set(ledger);
  REQUIRE(set.Insert(SubjectId(1), SeriesId(2), 4).has_value());
  set.Put(SubjectId(1), SeriesId(2), 3);
  set.Put(SubjectId(1), SeriesId(5), 6);
  REQUIRE(set.Find(SubjectId(1), SeriesId(2), 3) == Known::kYes);
  REQUIRE(set.Find(SubjectId(1), SeriesId(2), 4) == Known::kCollision);
  REQUIRE(set.Find(SubjectId(1), SeriesId(5), 6) == Known::kYes);
  REQUIRE(set.size() == 2);
}

TEST_CASE("of two writers of one id with different entities the second one is too late",
          "[index]") {
  MemoryLedger ledger(size_t{1} << 30);
  SeriesSet set(ledger);
  constexpr SubjectId kSubject(1);
  const auto claim = [&](uint64_t check, SeriesSet::Claims& claims) {
    std::vector<Known> known(1);
    set.Claim(kSubject, std::vector{SeriesId(2)}, std::vector{check}, known, claims);
    return known[0];
  };
  {
    SeriesSet::Claims first;
    SeriesSet::Claims again;
    SeriesSet::Claims other;
    REQUIRE(claim(3, first) == Known::kNo);
    REQUIRE(claim(3, again) == Known::kNo);
    REQUIRE(claim(4, other) == Known::kCollision);
    // Not there yet: whoever has the same entity sends it too.
    REQUIRE(set.Find(kSubject, SeriesId(2), 3) == Known::kNo);
  }
  SeriesSet::Claims later;
  REQUIRE(claim(4, later) == Known::kNo);
  REQUIRE(set.Insert(kSubject, SeriesId(2), 4).has_value());
  REQUIRE(claim(4, later) == Known::kYes);
  REQUIRE(claim(3, later) == Known::kCollision);
}

TEST_CASE("the set is charged, about 24 bytes a series, and never refused", "[index]") {
  MemoryLedger ledger(1000);
  {
    SeriesSet set(ledger);
    SeededRandom random(1);
    for (int i = 0; i < 200'000; ++i) {
      REQUIRE(set.Insert(SubjectId(random.Below(20)), SeriesId(random.Next()), 1).has_value());
    }
    const double bytes = static_cast<double>(ledger.used_bytes(MemoryConsumer::kIndex)) / 200'000;
    CAPTURE(bytes);
    REQUIRE(bytes > 17);
    REQUIRE(bytes < 40);
  }
  REQUIRE(ledger.used_bytes() == 0);
}

TEST_CASE("many threads insert and find at once", "[index]") {
  MemoryLedger ledger(size_t{1} << 30);
  SeriesSet set(ledger);
  std::vector<std::thread> threads;
  for (uint64_t thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&set, thread] {
      for (uint64_t i = 0; i < 5000; ++i) {
        const SubjectId subject(i % 7);
        static_cast<void>(set.Insert(subject, SeriesId(i), i));
        static_cast<void>(set.Find(SubjectId((i + thread) % 7), SeriesId(i), i));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  REQUIRE(set.size() == 5000);
  for (uint64_t i = 0; i < 5000; ++i) {
    REQUIRE(set.Find(SubjectId(i % 7), SeriesId(i), i) == Known::kYes);
  }
}

}  // namespace ficus
