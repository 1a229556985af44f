#include "engine/part/mem_part.h"

#include <algorithm>

#include <catch2/catch.hpp>

#include "test/engine/part/part_disk.h"
#include "test/engine/part/row_model.h"
#include "test/support/seed.h"

namespace ficus {
namespace {

const std::vector<SeriesEntry> kEntries = {{SubjectId(2), SeriesId(1), "c"},
                                           {SubjectId(1), SeriesId(9), "b"},
                                           {SubjectId(1), SeriesId(3), "a"},
                                           {SubjectId(1), SeriesId(9), "b"}};

}  // namespace

TEST_CASE("a mem part sorts its rows and drops losers", "[part]") {
  PartDisk disk;
  const auto mem = disk.Mem(
      {PlainBatch(2, {{1, 10, 1, 1}}),
       PlainBatch(
           1, {{3, 20, 1, 30}, {3, 10, 1, 31}, {1, 50, 1, 32}, {3, 20, 2, 33}, {3, 10, 1, 34}})},
      kEntries, 7);
  REQUIRE(mem->batches().size() == 2);
  REQUIRE(mem->batches()[0] == PlainBatch(1, {{1, 50, 1, 32}, {3, 10, 1, 31}, {3, 20, 2, 33}}));
  REQUIRE(mem->batches()[1] == PlainBatch(2, {{1, 10, 1, 1}}));
  REQUIRE(mem->rows() == 4);
  REQUIRE(mem->times() == TimeRange{10, 51});
  REQUIRE(mem->first_position() == LogPosition(7));
  REQUIRE(mem->memory_bytes() > 100);
  REQUIRE(mem->entries() == std::vector<SeriesEntry>{kEntries[2], kEntries[1], kEntries[0]});
}

TEST_CASE("mem parts merge in log order", "[part]") {
  PartDisk disk;
  const auto older = disk.Mem({PlainBatch(1, {{1, 10, 1, 1}, {1, 20, 1, 2}})}, {kEntries[0]}, 3);
  const auto newer =
      disk.Mem({PlainBatch(1, {{1, 10, 1, 3}, {1, 20, 2, 4}}), PlainBatch(5, {{1, 1, 1, 5}})},
               {kEntries[1], kEntries[0]}, 4);
  const auto merged =
      MemPart::Merge({older, newer}, disk.ledger.Account(MemoryConsumer::kMemParts, 1));
  REQUIRE(merged->first_position() == LogPosition(3));
  REQUIRE(merged->last_position() == LogPosition(4));
  REQUIRE(merged->created_monotonic() == 3);
  REQUIRE(merged->batches()[0] == PlainBatch(1, {{1, 10, 1, 1}, {1, 20, 2, 4}}));
  REQUIRE(merged->batches()[1] == PlainBatch(5, {{1, 1, 1, 5}}));
  REQUIRE(merged->entries().size() == 2);
}

TEST_CASE("a mem part is scanned like the naive model", "[part][oracle]") {
  const uint64_t seed = TestSeed(21);
  SeededRandom random(seed);
  for (int round = 0; round < TestRounds(20); ++round) {
    CAPTURE(seed, round);
    RandomRows shape;
    shape.subjects = 2;
    shape.rows = 1 + random.Below(6000);
    shape.series = 1 + random.Below(100);
    RowModel model;
    PartDisk disk;
    auto batches = MakeRandomBatches(random, shape);
    for (const RowBatch& batch : batches) model.Add(batch);
    const auto mem = disk.Mem(std::move(batches), {}, 1);
    for (int i = 0; i < 20; ++i) {
      const ScanRequest request = MakeRandomRequest(random, shape);
      const ModelRows expected = model.Select(request);
      const bool same = Drain(*mem->Scan(request, disk.ledger), request) == expected;
      REQUIRE(same);
      REQUIRE((mem->MayContain(request) || expected.empty()));
    }
  }
}

TEST_CASE("a scan copies few large cells at a time, and charges them", "[part]") {
  constexpr size_t kCellBytes = 200'000;
  std::vector<PlainRow> plain;
  for (uint64_t series = 1; series <= 3; ++series) {
    for (int64_t time = 0; time < 20; ++time) plain.push_back({series, time, 1, time});
  }
  const RowBatch batch = CellBatch(1, plain, kCellBytes);
  RowModel model;
  model.Add(batch);
  PartDisk disk;
  const auto mem = disk.Mem({batch}, {}, 1);
  const ScanRequest request = PlainScan(1);
  const auto cursor = mem->Scan(request, disk.ledger);
  RowBatch rows;
  size_t runs = 0;
  while (cursor->Next(rows).value()) {
    ++runs;
    REQUIRE(AllCellBytes(rows) <= (size_t{256} << 10) + kCellBytes);
    REQUIRE(disk.ledger.used_bytes(MemoryConsumer::kQueries) >= AllCellBytes(rows));
  }
  REQUIRE(runs == plain.size() / 2);
  const bool same = Drain(*mem->Scan(request, disk.ledger), request) == model.Select(request);
  REQUIRE(same);
  // Between the rows that are wanted lie others.
  ScanRequest some = request;
  some.all_series = false;
  some.series = {SeriesId(1), SeriesId(3)};
  some.times = {3, 18};
  const bool same_some = Drain(*mem->Scan(some, disk.ledger), some) == model.Select(some);
  REQUIRE(same_some);
  // Cells that nobody wants do not count.
  ScanRequest keys = request;
  keys.columns.clear();
  REQUIRE(mem->Scan(keys, disk.ledger)->Next(rows).value());
  REQUIRE(rows.rows() == plain.size());
  disk.ledger.SetShare(MemoryConsumer::kQueries, kCellBytes);
  REQUIRE(mem->Scan(request, disk.ledger)->Next(rows).error().code ==
          ErrorCode::kResourceExhausted);
}

TEST_CASE("a scan keeps its mem part alive", "[part]") {
  PartDisk disk;
  auto mem = disk.Mem({PlainBatch(1, {{1, 10, 1, 1}})}, {}, 1);
  const auto cursor = mem->Scan(PlainScan(1), disk.ledger);
  mem.reset();
  REQUIRE(disk.ledger.used_bytes(MemoryConsumer::kMemParts) == 1);
  RowBatch rows;
  REQUIRE(cursor->Next(rows).value());
  REQUIRE(rows.rows() == 1);
}

TEST_CASE("an empty batch leaves an empty mem part", "[part]") {
  PartDisk disk;
  const auto mem = disk.Mem({PlainBatch(1, {})}, {}, 1);
  REQUIRE(mem->rows() == 0);
  REQUIRE(mem->batches().empty());
  REQUIRE(!mem->MayContain(PlainScan(1)));
  RowBatch rows;
  REQUIRE(!mem->Scan(PlainScan(1), disk.ledger)->Next(rows).value());
}

}  // namespace ficus
