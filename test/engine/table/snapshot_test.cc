#include "engine/table/snapshot.h"

#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/memory_ledger.h"

namespace ficus {
namespace {

constexpr SubjectId kSubject{1};
constexpr uint64_t kSeries = 5000;

// Two mem parts that know the same series.
Snapshot KnownTwice(MemoryLedger& ledger) {
  Snapshot snapshot;
  for (uint64_t position = 1; position <= 2; ++position) {
    std::vector<SeriesEntry> entries;
    for (uint64_t id = 1; id <= kSeries; ++id) entries.push_back({kSubject, SeriesId(id), "e"});
    snapshot.mem_parts.push_back(MemPart::Create({}, std::move(entries), LogPosition(position),
                                                 LogPosition(position), 0,
                                                 ledger.Account(MemoryConsumer::kMemParts, 1)));
  }
  return snapshot;
}

}  // namespace

TEST_CASE("a series comes once, and remembering many is charged", "[table]") {
  MemoryLedger ledger(size_t{1} << 30);
  const Snapshot snapshot = KnownTwice(ledger);
  std::vector<SeriesId> all;
  for (uint64_t id = 1; id <= kSeries; ++id) all.emplace_back(id);
  const bool looks_up = GENERATE(false, true);
  const auto scan = [&](const IndexRun::Visit& visit) {
    return looks_up ? snapshot.LookupSeries(kSubject, all, visit, &ledger)
                    : snapshot.ScanSeries(kSubject, visit, &ledger);
  };
  uint64_t visited = 0;
  size_t held = 0;
  REQUIRE(scan([&](SeriesId, std::string_view) {
            ++visited;
            held = ledger.used_bytes(MemoryConsumer::kQueries);
            return true;
          }).has_value());
  REQUIRE(visited == kSeries);
  REQUIRE(held >= kSeries * sizeof(uint64_t));
  REQUIRE(ledger.used_bytes(MemoryConsumer::kQueries) == 0);

  ledger.SetShare(MemoryConsumer::kQueries, kSeries);
  REQUIRE(scan([](SeriesId, std::string_view) { return true; }).error().code ==
          ErrorCode::kResourceExhausted);
  visited = 0;
  REQUIRE(scan([&](SeriesId, std::string_view) { return ++visited < 10; }).has_value());
  REQUIRE(visited == 10);
}

}  // namespace ficus
