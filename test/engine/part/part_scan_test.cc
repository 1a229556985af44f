#include "engine/part/part_scan.h"

#include <thread>

#include <catch2/catch.hpp>

#include "engine/part/file_cache.h"
#include "engine/part/merge.h"
#include "test/engine/part/part_disk.h"
#include "test/engine/part/row_model.h"

namespace ficus {
namespace {

// `series` series of `rows` rows each; ids 10, 20, 30, ...
RowBatch Grid(uint64_t series, int64_t rows) {
  std::vector<PlainRow> plain;
  for (uint64_t s = 1; s <= series; ++s) {
    for (int64_t i = 0; i < rows; ++i) plain.push_back({s * 10, i * 1000, 1, i});
  }
  return PlainBatch(1, plain);
}

struct Scanned {
  ModelRows rows;
  ScanCost cost;
};
Scanned ScanAll(PartDisk& disk, const Part& part, const ScanRequest& request) {
  const auto cursor = disk.Scan(part, request);
  ModelRows rows = Drain(*cursor, request);
  return {std::move(rows), cursor->cost()};
}

ScanRequest SeriesScan(std::vector<uint64_t> series) {
  ScanRequest request = PlainScan(1);
  request.all_series = false;
  for (const uint64_t id : series) request.series.emplace_back(id);
  return request;
}

}  // namespace

TEST_CASE("a scan reads the blocks that may match and no others", "[part]") {
  PartDisk disk;
  const auto part = disk.Write(Grid(1000, 100));
  REQUIRE(part->info().blocks == 1000);

  Scanned scanned = ScanAll(disk, *part, SeriesScan({5, 10, 15, 5000, 10'000, 10'005, 20'000}));
  REQUIRE(scanned.rows.size() == 300);
  REQUIRE(scanned.cost.blocks_read == 3);
  REQUIRE(scanned.cost.rows_read == 300);
  REQUIRE(scanned.cost.bytes_read < part->info().file_bytes / 2);

  ScanRequest in_time = SeriesScan({10, 20, 30});
  in_time.times = {50'000, 52'000};
  scanned = ScanAll(disk, *part, in_time);
  REQUIRE(scanned.rows.size() == 6);
  in_time.times = {100'000, 200'000};
  scanned = ScanAll(disk, *part, in_time);
  REQUIRE(scanned.rows.empty());
  REQUIRE(scanned.cost.blocks_read == 0);
  REQUIRE(scanned.cost.blocks_skipped == 3);
  REQUIRE(!part->MayContain(in_time));

  scanned = ScanAll(disk, *part, PlainScan(1));
  REQUIRE(scanned.rows.size() == 100'000);
  REQUIRE(scanned.cost.blocks_read == 1000);
}

TEST_CASE("a series behind or between the blocks costs no data read", "[part]") {
  PartDisk disk;
  const auto part = disk.Write(Grid(300, 100));
  for (const uint64_t id : {uint64_t{1}, uint64_t{15}, uint64_t{2999}, uint64_t{4000}}) {
    CAPTURE(id);
    const Scanned scanned = ScanAll(disk, *part, SeriesScan({id}));
    REQUIRE(scanned.rows.empty());
    REQUIRE(scanned.cost.blocks_read == 0);
  }
  ScanRequest other = PlainScan(2);
  REQUIRE(!part->MayContain(other));
  REQUIRE(ScanAll(disk, *part, other).cost.blocks_read == 0);
  REQUIRE(!part->MayContain(SeriesScan({})));
  REQUIRE(!part->MayContain(SeriesScan({4000})));
  REQUIRE(part->MayContain(SeriesScan({15})));
}

TEST_CASE("a series of several blocks comes whole, also across primary blocks", "[part]") {
  PartDisk disk;
  const auto part = disk.Write(Grid(3, 100'000));
  REQUIRE(part->info().blocks > 30);
  const Scanned scanned = ScanAll(disk, *part, SeriesScan({20}));
  REQUIRE(scanned.rows.size() == 100'000);
  ScanRequest late = SeriesScan({20});
  late.times = {99'999'000, 99'999'001};
  const Scanned one = ScanAll(disk, *part, late);
  REQUIRE(one.rows.size() == 1);
  REQUIRE(one.cost.blocks_read == 1);
  REQUIRE(one.cost.blocks_skipped == 12);
}

TEST_CASE("a column nobody asked for is not read from a large block", "[part]") {
  PartDisk disk;
  RowBatch batch = Grid(1, 8000);
  ColumnValues noise(ColumnId(8), ColumnType::kInt64);
  SeededRandom random(1);
  for (int i = 0; i < 8000; ++i) noise.AppendWord(random.Next());
  batch.columns.push_back(std::move(noise));
  const auto part = disk.Write(batch);
  REQUIRE(part->info().file_bytes > 64'000);
  ScanRequest request = PlainScan(1);
  REQUIRE(ScanAll(disk, *part, request).cost.bytes_read < 32'000);
  // And damage there does not hurt.
  const BlockHeader header = HeadersOf(*part)[0];
  REQUIRE(!header.one_checksum);
  REQUIRE(disk.fs->FlipBits(part->path(), header.columns[1].extent.offset + 9, 1).has_value());
  REQUIRE(ScanAll(disk, *part, request).rows.size() == 8000);
  request.columns.emplace_back(8);
  RowBatch rows;
  REQUIRE(disk.Scan(*part, request)->Next(rows).error().code == ErrorCode::kCorruption);
}

TEST_CASE("a scan without columns gives keys, versions and tombstones", "[part]") {
  PartDisk disk;
  RowBatch batch = PlainBatch(1, {{1, 10, 5, 1}, {1, 20, 6, 2}});
  batch.tombstones = {false, true};
  const auto part = disk.Write(batch);
  ScanRequest request = PlainScan(1);
  request.columns.clear();
  RowBatch rows;
  REQUIRE(disk.Scan(*part, request)->Next(rows).value());
  REQUIRE(rows.columns.empty());
  REQUIRE(rows.versions == std::vector<int64_t>{5, 6});
  REQUIRE(rows.tombstones == std::vector<bool>{false, true});
}

// How many rows come unread, and how many not.
struct Runs {
  uint64_t unread = 0;
  uint64_t read = 0;
  uint64_t bytes_read = 0;
};
Runs CountRuns(PartDisk& disk, const Part& part, const ScanRequest& request) {
  const auto cursor = disk.Scan(part, request);
  Runs runs;
  RowBatch rows;
  UnreadRun* unread = nullptr;
  while (cursor->NextRun(rows, unread).value()) {
    runs.read += rows.rows();
    if (unread != nullptr) runs.unread += unread->header().rows;
  }
  runs.bytes_read = cursor->cost().bytes_read;
  return runs;
}

TEST_CASE("a block that is wanted whole may come unread", "[part]") {
  PartDisk disk;
  const auto part = disk.Write(Grid(10, 200));
  ScanRequest request = PlainScan(1);
  REQUIRE(CountRuns(disk, *part, request).unread == 0);
  request.unread = ScanRequest::Unread::kForColumns;
  Runs runs = CountRuns(disk, *part, request);
  REQUIRE(runs.unread == 2000);
  REQUIRE(runs.bytes_read > 0);
  request.unread = ScanRequest::Unread::kForBounds;
  runs = CountRuns(disk, *part, request);
  REQUIRE(runs.unread == 2000);
  REQUIRE(runs.bytes_read == 0);

  request.all_series = false;
  request.series = {SeriesId(20), SeriesId(25), SeriesId(50)};
  REQUIRE(CountRuns(disk, *part, request).unread == 400);
  // One row is cut off.
  request.times = {1, 200'000};
  runs = CountRuns(disk, *part, request);
  REQUIRE(runs.unread == 0);
  REQUIRE(runs.read == 398);
}

TEST_CASE("blocks of several series and blocks with deletions are always read", "[part]") {
  PartDisk disk;
  ScanRequest request = PlainScan(1);
  request.unread = ScanRequest::Unread::kForBounds;
  REQUIRE(CountRuns(disk, *disk.Write(Grid(10, 20)), request).unread == 0);
  RowBatch batch = Grid(1, 200);
  batch.tombstones.assign(200, false);
  batch.tombstones[77] = true;
  REQUIRE(CountRuns(disk, *disk.Write(batch), request).unread == 0);
}

TEST_CASE("runs that other rows overlap are read, the others may stay unread", "[part]") {
  PartDisk disk;
  const auto old = disk.Write(Grid(10, 200));
  const auto young = disk.Write(PlainBatch(1, {{30, 5500, 1, 0}, {40, 199'500, 1, 0}}));
  ScanRequest request = PlainScan(1);
  request.unread = ScanRequest::Unread::kForBounds;
  std::vector<std::unique_ptr<RowCursor>> cursors;
  for (const auto& part : {old, young}) cursors.push_back(disk.Scan(*part, request));
  const auto merged = MergeCursors(std::move(cursors), disk.ledger);
  uint64_t unread_rows = 0;
  uint64_t read_rows = 0;
  RowBatch rows;
  UnreadRun* unread = nullptr;
  while (merged->NextRun(rows, unread).value()) {
    read_rows += rows.rows();
    if (unread != nullptr) unread_rows += unread->header().rows;
  }
  // The late row of series 40 comes after the block.
  REQUIRE(unread_rows == 9 * 200);
  REQUIRE(read_rows == 200 + 2);
}

TEST_CASE("a damaged block that comes unread is noticed when it is read", "[part][damage]") {
  PartDisk disk;
  const auto part = disk.Write(Grid(2, 200));
  const BlockHeader header = HeadersOf(*part)[1];
  std::string bytes = disk.ReadFile(part->path());
  bytes[header.columns[0].extent.offset + 1] ^= 1;
  disk.WriteFile(part->path(), bytes);
  FileCache::ForProcess().Clear();
  ScanRequest request = PlainScan(1);
  request.unread = ScanRequest::Unread::kForBounds;
  const bool by_column = GENERATE(false, true);
  const auto cursor = disk.Scan(*part, request);
  RowBatch rows;
  UnreadRun* unread = nullptr;
  REQUIRE(cursor->NextRun(rows, unread).value());
  REQUIRE(unread->ReadColumn(unread->header().columns[0]).has_value());
  REQUIRE(cursor->NextRun(rows, unread).value());
  const Error error = by_column ? unread->ReadColumn(unread->header().columns[0]).error()
                                : unread->ReadRows(rows).error();
  REQUIRE(error.code == ErrorCode::kCorruption);
  REQUIRE(error.message.find(part->path()) != std::string::npos);
}

TEST_CASE("decoded blocks are charged one at a time and given back", "[part]") {
  PartDisk disk;
  const auto part = disk.Write(Grid(4, 8000));
  {
    const auto cursor = disk.Scan(*part, PlainScan(1));
    RowBatch rows;
    size_t most = 0;
    while (cursor->Next(rows).value()) {
      most = std::max(most, disk.ledger.used_bytes(MemoryConsumer::kQueries));
    }
    REQUIRE(most > 8000 * 3 * sizeof(uint64_t));
    REQUIRE(most < 2 * 8000 * 5 * sizeof(uint64_t));
  }
  REQUIRE(disk.ledger.used_bytes(MemoryConsumer::kQueries) == 0);

  MemoryLedger small(size_t{1} << 30);
  small.SetShare(MemoryConsumer::kQueries, 10'000);
  auto cursor = part->Scan(PlainScan(1), small);
  REQUIRE(cursor.has_value());
  RowBatch rows;
  REQUIRE((*cursor)->Next(rows).error().code == ErrorCode::kResourceExhausted);
}

TEST_CASE("a scan keeps what it took of a block, not what all of it could need", "[part]") {
  constexpr size_t kCellBytes = 100'000;
  PartDisk disk;
  RowBatch batch = Grid(1, 10);
  ColumnValues large(ColumnId(kPlainColumn.value() + 1), ColumnType::kString);
  for (size_t row = 0; row < batch.rows(); ++row) large.AppendCell(std::string(kCellBytes, 'x'));
  batch.columns.push_back(std::move(large));
  const auto part = disk.Write(batch);
  REQUIRE(part->info().blocks == 1);
  const auto cursor = disk.Scan(*part, PlainScan(1));
  RowBatch rows;
  REQUIRE(cursor->Next(rows).value());
  REQUIRE(rows.rows() == 10);
  REQUIRE(disk.ledger.used_bytes(MemoryConsumer::kQueries) < kCellBytes);
}

TEST_CASE("the index that is kept is charged, and scans work without it", "[part]") {
  PartDisk disk;
  {
    const auto part = disk.Write(Grid(3000, 100));
    ScanAll(disk, *part, PlainScan(1));
    const size_t kept = disk.ledger.used_bytes(MemoryConsumer::kCaches);
    REQUIRE(kept > 1000);
    REQUIRE(kept < 3 << 20);
    MemoryLedger none(size_t{1} << 30);
    none.SetShare(MemoryConsumer::kCaches, 1);
    const auto other = Part::Open(*disk.fs, part->path(), nullptr, FileClass::kTool);
    auto cursor = (*other)->Scan(PlainScan(1), none);
    REQUIRE(cursor.has_value());
    REQUIRE(Drain(**cursor, PlainScan(1)).size() == 300'000);
    REQUIRE(none.used_bytes(MemoryConsumer::kCaches) == 0);
  }
  REQUIRE(disk.ledger.used_bytes(MemoryConsumer::kCaches) == 0);
}

TEST_CASE("many threads scan one part at once", "[part]") {
  PartDisk disk;
  const auto part = disk.Write(Grid(2000, 100));
  std::vector<std::thread> threads;
  std::vector<uint64_t> rows(4);
  for (size_t thread = 0; thread < rows.size(); ++thread) {
    threads.emplace_back([&, thread] {
      for (uint64_t id = 1 + thread; id <= 2000; id += 3) {
        auto cursor = part->Scan(SeriesScan({id * 10}), disk.ledger);
        RowBatch run;
        while (cursor.has_value() && (*cursor)->Next(run).value()) rows[thread] += run.rows();
        if (id % 50 == 0) FileCache::ForProcess().Clear();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  REQUIRE(rows == std::vector<uint64_t>{66'700, 66'700, 66'600, 66'600});
}

TEST_CASE("a scan outlives the caller's hold on its part", "[part]") {
  PartDisk disk;
  auto part = disk.Write(Grid(2, 100));
  const auto cursor = disk.Scan(*part, PlainScan(1));
  part.reset();
  RowBatch rows;
  REQUIRE(cursor->Next(rows).value());
}

}  // namespace ficus
