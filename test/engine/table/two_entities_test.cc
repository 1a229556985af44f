// A series id with two entities: what a log holds into which both were written before either was
// known to the writers.
#include <catch2/catch.hpp>

#include "engine/base/log.h"
#include "test/engine/table/table_harness.h"

namespace ficus {
namespace {

constexpr SeriesId kSeries{1};
const std::string kOlder = TableHarness::Key(1);
const std::string kNewer = TableHarness::Key(2);

// A row of kSeries and its entry.
void Introduce(TableHarness& harness, uint64_t position, const std::string& entity) {
  Introduction introduction;
  introduction.position = LogPosition(position);
  introduction.scn = Scn(position * 10);
  RowBatch batch;
  batch.subject = kSubject;
  batch.series = {kSeries};
  batch.timestamps = {static_cast<int64_t>(position)};
  batch.versions = {1};
  batch.columns.emplace_back(ColumnId(1), ColumnType::kInt64).AppendWord(position);
  introduction.rows.push_back(std::move(batch));
  introduction.entries.push_back({kSubject, kSeries, entity});
  harness.table().Introduce(std::move(introduction), [] {});
  harness.executor().RunUntilIdle();
}

using Known = SeriesSet::Known;
Known IsKnown(TableHarness& harness, const std::string& entity) {
  const auto known = harness.table().KnownSeries();
  REQUIRE(known.has_value());
  return (*known)->Find(kSubject, kSeries, SeriesCheckOf(entity));
}

void RequireOlderStays(TableHarness& harness) {
  REQUIRE(harness.Series() == std::map<uint64_t, std::string>{{1, kOlder}});
  for (const SnapshotPart& part : harness.Current()->parts) {
    const auto entries = part.part->ReadSeriesEntries(FileClass::kTool);
    REQUIRE(entries.has_value());
    for (const SeriesEntry& entry : *entries) REQUIRE(entry.entity == kOlder);
  }
  REQUIRE(IsKnown(harness, kOlder) == Known::kYes);
  REQUIRE(IsKnown(harness, kNewer) == Known::kCollision);
}

}  // namespace

TEST_CASE("two entities of one id do not stop a flush", "[table][collision]") {
  TableHarness harness;
  REQUIRE(harness.Open().has_value());
  LogCapture log;
  Introduce(harness, 1, kOlder);
  Introduce(harness, 2, kNewer);
  REQUIRE(harness.Flush().has_value());
  REQUIRE(log.Count("series.collision") == 1);
  RequireOlderStays(harness);
  REQUIRE(harness.Reopen().has_value());
  RequireOlderStays(harness);
  REQUIRE(harness.Read().size() == 2);
}

TEST_CASE("two entities of one id in several runs do not stop a merge, nor the writers",
          "[table][collision]") {
  TableHarness harness;
  REQUIRE(harness.Open().has_value());
  LogCapture log;
  for (uint64_t position = 1; position <= 4; ++position) {
    Introduce(harness, position, position == 1 ? kOlder : kNewer);
    // Of fewer runs none are merged.
    if (position == 4) {
      REQUIRE(harness.Reopen().has_value());
      REQUIRE(IsKnown(harness, kOlder) == Known::kYes);
      REQUIRE(IsKnown(harness, kNewer) == Known::kCollision);
      Introduce(harness, position, kNewer);
    }
    REQUIRE(harness.Flush().has_value());
  }
  REQUIRE(harness.MergeAll().has_value());
  REQUIRE(harness.Current()->parts.size() == 1);
  REQUIRE(harness.Current()->runs.size() == 1);
  RequireOlderStays(harness);
  REQUIRE(harness.Read().size() == 4);
}

}  // namespace ficus
