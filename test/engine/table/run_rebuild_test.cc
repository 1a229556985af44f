#include "engine/table/run_rebuild.h"

#include <catch2/catch.hpp>

#include "engine/base/log.h"
#include "engine/part/part.h"
#include "test/engine/table/drained_entries.h"
#include "test/engine/table/table_harness.h"

namespace ficus {
namespace {

void DamageRuns(TableHarness& harness) {
  for (const SnapshotRun& run : harness.Current()->runs) {
    const IndexRunInfo& info = run.run->info();
    REQUIRE(harness.fs()
                .FlipBits("shard-0/" + IndexRunFileName(info.number), info.file_bytes - 3, 1)
                .has_value());
  }
}

// Many flushes, each with some new series and some that are known; merged now and then when
// `merges`.
void Fill(TableHarness& harness, uint64_t batches, bool merges) {
  for (uint64_t batch = 1; batch <= batches; ++batch) {
    std::vector<std::tuple<uint64_t, int64_t, int64_t>> rows;
    for (uint64_t series = 1; series <= 2 * batch; ++series) {
      rows.emplace_back(series, static_cast<int64_t>(batch), 7);
    }
    harness.Introduce(batch, rows);
    REQUIRE(harness.Flush().has_value());
    if (merges && batch % 3 == 0) REQUIRE(harness.MergeAll().has_value());
  }
}

TEST_CASE("a shard that lost every index run has the same series after the next start",
          "[table][recovery]") {
  const bool merges = GENERATE(false, true);
  CAPTURE(merges);
  LogCapture log;
  TableHarness harness;
  harness.options().merge.parts_min = merges ? 2 : 1000;
  harness.options().merge.table_parts_max = merges ? 2 : 1000;
  REQUIRE(harness.Open().has_value());
  Fill(harness, 10, merges);
  const std::map<uint64_t, std::string> series = harness.Series();
  const Rows rows = harness.Read();
  REQUIRE(series.size() == 20);
  for (int open = 0; open < 3; ++open) {
    DamageRuns(harness);
    REQUIRE(harness.Reopen().has_value());
    REQUIRE(harness.Current()->damaged.empty());
    REQUIRE(harness.Current()->runs.size() == 1);
    REQUIRE(harness.Series() == series);
    REQUIRE(harness.Read() == rows);
    REQUIRE(harness.table().KnownSeries().has_value());
  }
  REQUIRE(log.Count("table.rebuild") == 3);
  // What was damaged is kept for whoever wants to look.
  REQUIRE(harness.fs().List("shard-0/quarantine")->size() >= 3);
}

TEST_CASE("damage inside a run that a reader meets is mended by the next start",
          "[table][recovery]") {
  TableHarness harness;
  REQUIRE(harness.Open().has_value());
  Fill(harness, 3, false);
  const std::map<uint64_t, std::string> series = harness.Series();
  const FileNumber number = harness.Current()->runs.front().run->info().number;
  REQUIRE(harness.fs().FlipBits("shard-0/" + IndexRunFileName(number), 20, 1).has_value());
  REQUIRE(harness.Reopen().has_value());
  harness.table().CheckDamage();
  harness.executor().RunUntilIdle();
  REQUIRE(harness.Current()->damaged.size() == 1);
  REQUIRE(harness.Reopen().has_value());
  REQUIRE(harness.Current()->damaged.empty());
  REQUIRE(harness.Series() == series);
}

TEST_CASE("a run stays set aside and named while some series has no entity anywhere",
          "[table][recovery]") {
  LogCapture log;
  TableHarness harness;
  harness.options().merge.parts_min = 1000;
  REQUIRE(harness.Open().has_value());
  harness.Introduce(1, {{1, 100, 5}});
  REQUIRE(harness.Flush().has_value());
  harness.Introduce(2, {{1, 200, 6}, {2, 200, 6}});
  REQUIRE(harness.Flush().has_value());
  // The first part is where series 1 came from.
  const PartInfo part = harness.Current()->parts.front().part->info();
  DamageRuns(harness);
  harness.Kill();
  REQUIRE(harness.fs()
              .FlipBits("shard-0/" + PartFileName(part.number), part.file_bytes - 3, 1)
              .has_value());
  for (int open = 0; open < 2; ++open) {
    REQUIRE(harness.Reopen().has_value());
    size_t runs = 0;
    for (const DamagedFile& file : harness.Current()->damaged) runs += file.is_index ? 1 : 0;
    REQUIRE(runs == 2);
  }
  REQUIRE(log.Count("table.rebuild") == 2);
}

TEST_CASE("a series without an entity is counted once, in however many parts it has rows",
          "[table][recovery]") {
  TableHarness harness;
  harness.options().merge.parts_min = 1000;
  REQUIRE(harness.Open().has_value());
  Fill(harness, 5, false);
  Snapshot left = *harness.Current();
  REQUIRE(left.parts.size() == 5);
  REQUIRE(CountNamelessSeries(left).value() == 0);
  // With them go the entities of series 1, 2, 3 and 4.
  left.parts.erase(left.parts.begin(), left.parts.begin() + 2);
  REQUIRE(CountNamelessSeries(left).value() == 0);
  left.runs.clear();
  REQUIRE(CountNamelessSeries(left).value() == 4);
}

TEST_CASE("a rebuild holds a small part of the entries that it lists", "[table][memory]") {
  constexpr uint64_t kSeries = 200'000;
  TableHarness harness;
  REQUIRE(harness.Open().has_value());
  harness.FlushSeries(kSeries);
  Snapshot left = *harness.Current();
  left.runs.clear();
  const DrainedEntries drained = Drain([&] { return ListSurvivingEntries(left); });
  REQUIRE(drained.entries == kSeries);
  REQUIRE(drained.held_bytes <= RebuildMemoryBytes(left));
  REQUIRE(RebuildMemoryBytes(left) < kSeries * sizeof(SeriesEntry) / 2);
}

TEST_CASE("a rebuild is part of the node's memory; one that finds none left is tried again",
          "[table][memory]") {
  LogCapture log;
  TableHarness harness;
  REQUIRE(harness.Open().has_value());
  Fill(harness, 3, false);
  const std::map<uint64_t, std::string> series = harness.Series();
  DamageRuns(harness);
  harness.Kill();
  MemoryLedger& ledger = harness.ledger();
  MemoryReservation rest = ledger.Account(MemoryConsumer::kQueries, ledger.limit_bytes());
  REQUIRE(harness.Open().has_value());
  REQUIRE(ledger.refused(MemoryConsumer::kFlushMerge) > 0);
  REQUIRE(harness.Current()->damaged.size() == 3);

  rest.Release();
  REQUIRE(harness.Reopen().has_value());
  REQUIRE(harness.Current()->damaged.empty());
  REQUIRE(harness.Series() == series);
  REQUIRE(ledger.used_bytes(MemoryConsumer::kFlushMerge) == 0);
}

}  // namespace
}  // namespace ficus
