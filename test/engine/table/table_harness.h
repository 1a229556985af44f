// A table on a file system in memory, driven by one deterministic executor: what the tests of the
// loops play with.
#pragma once

#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/memory_ledger.h"
#include "engine/base/metrics.h"
#include "engine/io/memory_file_system.h"
#include "engine/model/entity.h"
#include "engine/runtime/executor.h"
#include "engine/table/ts_table.h"

namespace ficus {

inline constexpr SubjectId kSubject{42};
inline constexpr GroupId kGroup{7};
inline constexpr LogId kLog{99};

// (series, timestamp) -> (version, value): what a reader sees.
using Rows = std::map<std::pair<uint64_t, int64_t>, std::pair<int64_t, int64_t>>;

class TableHarness {
 public:
  explicit TableHarness(uint64_t seed = 1)
      : random_(seed),
        executor_(DeterministicExecutor::Create(seed, clock_)),
        fs_(MemoryFileSystem::Create()) {
    REQUIRE(fs_->CreateDirectory("shard-0").has_value());
    REQUIRE(fs_->SyncDirectory("").has_value());
  }
  ~TableHarness() { Kill(); }

  TableOptions& options() { return options_; }
  MemoryFileSystem& fs() { return *fs_; }
  ManualClock& clock() { return clock_; }
  DeterministicExecutor& executor() { return *executor_; }
  MemoryLedger& ledger() { return ledger_; }
  MetricRegistry& metrics() { return metrics_; }
  TsTable& table() { return *table_; }
  SealLine& seal() { return seal_; }
  std::shared_ptr<const Snapshot> Current() { return table_->Current(); }

  Result<> Open() {
    options_.directory = "shard-0";
    options_.group = kGroup;
    TableEnvironment environment{disk_ != nullptr ? *disk_ : *fs_,
                                 clock_,
                                 random_,
                                 ledger_,
                                 metrics_,
                                 *executor_,
                                 *executor_,
                                 *executor_,
                                 kLog,
                                 [this](LogPosition, std::function<void()> done) {
                                   log_stalls_ ? stalled_.push_back(std::move(done)) : done();
                                 },
                                 [this](const Error&) { ++no_space_; },
                                 [] {},
                                 &seal_,
                                 [this] { return merge_room_; }};
    ASSIGN_OR_RETURN(table_, TsTable::Open(environment, options_));
    return Ok();
  }

  // One batch with a row per (series, time, value); its version is `version`.
  void Introduce(uint64_t position, const std::vector<std::tuple<uint64_t, int64_t, int64_t>>& rows,
                 int64_t version = 1) {
    bool done = false;
    HandOver(position, rows, version, [&] { done = true; });
    executor_->RunUntilIdle();
    REQUIRE(done);
  }
  // The same, not waiting for it.
  void HandOver(uint64_t position, const std::vector<std::tuple<uint64_t, int64_t, int64_t>>& rows,
                int64_t version, std::function<void()> done) {
    Introduction introduction;
    introduction.position = LogPosition(position);
    introduction.scn = Scn(position * 10);
    RowBatch batch;
    batch.subject = kSubject;
    batch.columns.emplace_back(ColumnId(1), ColumnType::kInt64);
    for (const auto& [series, time, value] : rows) {
      batch.series.push_back(SeriesId(series));
      batch.timestamps.push_back(time);
      batch.versions.push_back(version);
      batch.columns[0].AppendWord(static_cast<uint64_t>(value));
      if (known_.insert(series).second) {
        introduction.entries.push_back({kSubject, SeriesId(series), Key(series)});
      }
    }
    introduction.reservation = ledger_.Account(MemoryConsumer::kMemParts, batch.MemoryBytes());
    introduction.rows.push_back(std::move(batch));
    table_->Introduce(std::move(introduction), std::move(done));
  }

  Result<> Flush() {
    Result<> result = Error{ErrorCode::kUnavailable, "not called"};
    table_->Flush([&](const Result<>& flushed) { result = flushed; });
    executor_->RunUntilIdle();
    return result;
  }
  // A part with a row of each of so many series.
  void FlushSeries(uint64_t count) {
    std::vector<std::tuple<uint64_t, int64_t, int64_t>> rows;
    for (uint64_t series = 1; series <= count; ++series) rows.emplace_back(series, 1, 7);
    Introduce(1, rows);
    REQUIRE(Flush().has_value());
  }
  Result<> MergeAll() {
    Result<> result = Error{ErrorCode::kUnavailable, "not called"};
    table_->MergeAll([&](const Result<>& merged) { result = merged; });
    executor_->RunUntilIdle();
    return result;
  }

  // Pins at the line that was drawn last.
  Result<PinnedTable> Pin() {
    Result<PinnedTable> result = Error{ErrorCode::kUnavailable, "not called"};
    table_->PinAt(seal_.position(),
                  [&](Result<PinnedTable> pinned) { result = std::move(pinned); });
    executor_->RunUntilIdle();
    return result;
  }

  // What a full scan of the newest snapshot fails with.
  Error ReadError() {
    ScanRequest request;
    request.subject = kSubject;
    request.all_series = true;
    const auto cursor = table_->Current()->Scan(request, ledger_);
    REQUIRE(!cursor.has_value());
    return cursor.error();
  }

  // What a full scan of the newest snapshot gives.
  Rows Read() { return ReadFrom(*table_->Current()); }
  Rows ReadFrom(const Snapshot& snapshot) {
    ScanRequest request;
    request.subject = kSubject;
    request.all_series = true;
    request.columns = {ColumnId(1)};
    auto cursor = snapshot.Scan(request, ledger_);
    REQUIRE(cursor.has_value());
    Rows rows;
    RowBatch batch;
    for (;;) {
      const Result<bool> more = (*cursor)->Next(batch);
      REQUIRE(more.has_value());
      if (!*more) return rows;
      const ColumnValues* const values = batch.FindColumn(ColumnId(1));
      for (size_t row = 0; row < batch.rows(); ++row) {
        const std::pair key(batch.series[row].value(), batch.timestamps[row]);
        REQUIRE(!rows.contains(key));
        rows[key] = {batch.versions[row], values->int64(row)};
      }
    }
  }
  std::map<uint64_t, std::string> Series() {
    std::map<uint64_t, std::string> series;
    const Result<> scanned =
        table_->Current()->ScanSeries(kSubject, [&](SeriesId id, std::string_view key) {
          REQUIRE(series.emplace(id.value(), key).second);
          return true;
        });
    REQUIRE(scanned.has_value());
    return series;
  }

  // The process dies: jobs and timers are gone, the disk keeps what `keep` made of it.
  void Kill() {
    executor_->DropAll();
    stalled_.clear();
    if (table_ != nullptr) table_->Close();
    table_.reset();
    seal_.Lift();
  }
  // Dies, loses power, and the new process sees a random legal state of the disk.
  void Crash(MemoryFileSystem::NameOrder order) {
    Kill();
    fs_ = fs_->Crash(random_, order);
  }
  Result<> Reopen() {
    Kill();
    return Open();
  }
  void UseFileSystem(std::unique_ptr<MemoryFileSystem> fs) { fs_ = std::move(fs); }
  // What the table sees of fs(), from the next opening on.
  void UseWrapped(FileSystem& disk) { disk_ = &disk; }

  static std::string Key(uint64_t series) {
    return *EncodeSeriesKey("measure", {static_cast<int64_t>(series)});
  }
  int no_space() const { return no_space_; }
  void SetMergeRoom(uint64_t bytes) { merge_room_ = bytes; }
  // Flushes that begin from here on wait for a sync of the log until it ends.
  void StallLog() { log_stalls_ = true; }
  void EndStall() {
    log_stalls_ = false;
    for (const auto& done : std::exchange(stalled_, {})) done();
    executor_->RunUntilIdle();
  }
  std::vector<std::string> Files() {
    std::vector<std::string> names;
    const auto entries = fs_->List("shard-0");
    REQUIRE(entries.has_value());
    for (const DirectoryEntry& entry : *entries) names.push_back(entry.name);
    return names;
  }

 private:
  ManualClock clock_{1'000'000 * kNanosPerSecond};
  SeededRandom random_;
  MetricRegistry metrics_;
  MemoryLedger ledger_{size_t{1} << 30};
  SealLine seal_;
  std::unique_ptr<DeterministicExecutor> executor_;
  std::unique_ptr<MemoryFileSystem> fs_;
  FileSystem* disk_ = nullptr;
  TableOptions options_;
  std::set<uint64_t> known_;
  int no_space_ = 0;
  uint64_t merge_room_ = std::numeric_limits<uint64_t>::max();
  bool log_stalls_ = false;
  std::vector<std::function<void()>> stalled_;
  std::unique_ptr<TsTable> table_;
};

}  // namespace ficus
