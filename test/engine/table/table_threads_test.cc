// A table on real threads: what no order of whole jobs shows.
#include <atomic>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/clock.h"
#include "engine/base/memory_ledger.h"
#include "engine/base/metrics.h"
#include "engine/base/random.h"
#include "engine/io/memory_file_system.h"
#include "engine/runtime/executor.h"
#include "engine/table/ts_table.h"

namespace ficus {
namespace {

constexpr SubjectId kSubject{42};

struct Threads {
  std::unique_ptr<ThreadExecutor> introduce = ThreadExecutor::Create("introduce", 2);
  std::unique_ptr<ThreadExecutor> flush = ThreadExecutor::Create("flush", 2);
  std::unique_ptr<ThreadExecutor> merge = ThreadExecutor::Create("merge", 2);
};

Introduction OneRow(MemoryLedger& ledger, uint64_t position) {
  RowBatch batch;
  batch.subject = kSubject;
  batch.columns.emplace_back(ColumnId(1), ColumnType::kInt64);
  batch.series.push_back(SeriesId(position % 7));
  batch.timestamps.push_back(static_cast<int64_t>(position));
  batch.versions.push_back(1);
  batch.columns[0].AppendWord(position);
  Introduction introduction;
  introduction.position = LogPosition(position);
  introduction.scn = Scn(position);
  introduction.reservation = ledger.Account(MemoryConsumer::kMemParts, batch.MemoryBytes());
  introduction.rows.push_back(std::move(batch));
  return introduction;
}

uint64_t RowsIn(const Snapshot& snapshot, MemoryLedger& ledger) {
  ScanRequest request;
  request.subject = kSubject;
  request.all_series = true;
  auto cursor = snapshot.Scan(request, ledger);
  REQUIRE(cursor.has_value());
  uint64_t rows = 0;
  RowBatch batch;
  for (;;) {
    const Result<bool> more = (*cursor)->Next(batch);
    REQUIRE(more.has_value());
    if (!*more) return rows;
    rows += batch.rows();
  }
}

TEST_CASE("mem parts are coalesced and flushed at the same time", "[table][threads]") {
  constexpr uint64_t kBatches = 60'000;
  SystemClock clock;
  SeededRandom random(1);
  MetricRegistry metrics;
  MemoryLedger ledger{size_t{1} << 30};
  const auto fs = MemoryFileSystem::Create();
  REQUIRE(fs->CreateDirectory("shard-0").has_value());
  Threads threads;
  TableOptions options;
  options.directory = "shard-0";
  options.group = GroupId(7);
  options.flush_interval_nanos = 500'000;
  auto opened = TsTable::Open(
      {*fs, clock, random, ledger, metrics, *threads.introduce, *threads.flush, *threads.merge,
       LogId(99), [](LogPosition, std::function<void()> done) { done(); }, [](const Error&) {},
       [] {}, nullptr},
      options);
  REQUIRE(opened.has_value());
  TsTable& table = **opened;
  std::atomic<uint64_t> introduced{0};
  const Counter& flushes = metrics.AddCounter("ficus_flushes_total", "");
  uint64_t handed_over = 0;
  while (handed_over < kBatches || flushes.value() <= 10) {
    table.Introduce(OneRow(ledger, ++handed_over), [&] { ++introduced; });
    // A queue would become one mem part.
    while (handed_over - introduced > 2) std::this_thread::yield();
  }
  while (introduced < handed_over) std::this_thread::yield();
  REQUIRE(RowsIn(*table.Current(), ledger) == handed_over);
  table.Shut();
  table.Close();
}

}  // namespace
}  // namespace ficus
