#include "engine/segment/group_store.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/log.h"
#include "engine/base/memory_ledger.h"
#include "engine/base/metrics.h"
#include "engine/io/faulty_file_system.h"
#include "engine/io/memory_file_system.h"
#include "engine/model/entity.h"
#include "engine/runtime/executor.h"

namespace ficus {
namespace {

constexpr LogId kLog{99};
constexpr SubjectId kSubject{42};
constexpr UnixNanos kDay = 20'000 * kNanosPerDay;  // begins a day

// One group on a file system in memory, driven by one deterministic executor.
class StoreHarness {
 public:
  StoreHarness() {
    options_.name = "web";
    options_.id = GroupId(7);
    options_.layout.shard_count = 2;
    options_.layout.ttl_nanos = 3 * kNanosPerDay;
  }
  ~StoreHarness() { Kill(); }

  GroupStore::Options& options() { return options_; }
  MemoryFileSystem& fs() { return *fs_; }
  DeterministicExecutor& executor() { return *executor_; }
  GroupStore& store() { return *store_; }

  Result<> Create() { return Take(GroupStore::Create(Environment(), options_)); }
  Result<> Open() { return Take(GroupStore::Open(Environment(), options_)); }
  void Kill() {
    executor_->DropAll();
    if (store_ != nullptr) store_->Close();
    store_.reset();
  }
  Result<> Reopen() {
    Kill();
    return Open();
  }

  std::shared_ptr<Segment> SegmentFor(UnixNanos time) {
    auto segment = store_->SegmentFor(time);
    REQUIRE(segment.has_value());
    return *std::move(segment);
  }
  std::shared_ptr<TsTable> Table(UnixNanos time, uint32_t shard) {
    const auto segment = SegmentFor(time);
    REQUIRE(segment->EnsureShard(ShardId(shard)).has_value());
    auto table = segment->Shard(ShardId(shard));
    REQUIRE(table.has_value());
    return *std::move(table);
  }
  // One row, introduced at `position`.
  void Introduce(TsTable& table, uint64_t position, UnixNanos time) {
    Introduction introduction;
    introduction.position = LogPosition(position);
    introduction.scn = Scn(position * 10);
    RowBatch batch;
    batch.subject = kSubject;
    batch.series = {SeriesId(1)};
    batch.timestamps = {time};
    batch.versions = {1};
    batch.columns.emplace_back(ColumnId(1), ColumnType::kInt64);
    batch.columns[0].AppendWord(5);
    introduction.entries.push_back({kSubject, SeriesId(1), *EncodeSeriesKey("m", {int64_t{1}})});
    introduction.reservation = ledger_.Account(MemoryConsumer::kMemParts, batch.MemoryBytes());
    introduction.rows.push_back(std::move(batch));
    table.Introduce(std::move(introduction), [] {});
    executor_->RunUntilIdle();
  }
  void Flush(TsTable& table) {
    Result<> flushed = Error{ErrorCode::kUnavailable, "not called"};
    table.Flush([&](const Result<>& result) { flushed = result; });
    executor_->RunUntilIdle();
    REQUIRE(flushed.has_value());
  }
  bool Exists(const std::string& path) { return fs_->Status(path).has_value(); }
  void Advance(int64_t nanos) { clock_.Advance(nanos); }
  // What the group sees of fs(), from the next opening on.
  void UseWrapped(FileSystem& disk) { disk_ = &disk; }

 private:
  TableEnvironment Environment() {
    return {disk_ != nullptr ? *disk_ : *fs_,
            clock_,
            random_,
            ledger_,
            metrics_,
            *executor_,
            *executor_,
            *executor_,
            kLog,
            [](LogPosition, std::function<void()> done) { done(); },
            [](const Error&) {},
            [] {}};
  }
  Result<> Take(Result<std::unique_ptr<GroupStore>> opened) {
    if (!opened.has_value()) return opened.error();
    store_ = *std::move(opened);
    return Ok();
  }

  ManualClock clock_{kDay};
  SeededRandom random_{1};
  MetricRegistry metrics_;
  MemoryLedger ledger_{size_t{1} << 30};
  std::unique_ptr<DeterministicExecutor> executor_ = DeterministicExecutor::Create(1, clock_);
  std::unique_ptr<MemoryFileSystem> fs_ = MemoryFileSystem::Create();
  FileSystem* disk_ = nullptr;
  GroupStore::Options options_;
  std::unique_ptr<GroupStore> store_;
};

TEST_CASE("a group's directory says which group it is", "[segment][group]") {
  StoreHarness harness;
  REQUIRE(harness.Open().error().code == ErrorCode::kNotFound);
  REQUIRE(harness.Create().has_value());
  REQUIRE(harness.store().directory() == "measure/data/web");
  harness.Kill();
  REQUIRE(harness.Create().error().code == ErrorCode::kAlreadyExists);
  harness.options().id = GroupId(8);
  REQUIRE(harness.Open().error().code == ErrorCode::kFailedPrecondition);
  harness.options().id = GroupId(7);
  REQUIRE(harness.Open().has_value());
}

// Holds up what a thread does on the disk, at the first operation of a kind.
class HeldUp {
 public:
  HeldUp(FaultyFileSystem& disk, IoOp op, std::function<void()> act) : disk_(disk) {
    FaultRule rule;
    rule.op = op;
    rule.error_number = 0;
    rule.stall = true;
    disk_.AddRule(rule);
    thread_ = std::jthread(std::move(act));
    while (disk_.stalled() == 0) std::this_thread::yield();
  }
  void GoOn() {
    disk_.Release();
    thread_.join();
  }

 private:
  FaultyFileSystem& disk_;
  std::jthread thread_;
};

TEST_CASE("a table that is being opened while its group is shut is shut, too", "[segment][group]") {
  StoreHarness harness;
  REQUIRE(harness.Create().has_value());
  harness.Introduce(*harness.Table(kDay, 0), 1, kDay);
  harness.Kill();
  const auto disk = FaultyFileSystem::Create(harness.fs());
  harness.UseWrapped(*disk);
  REQUIRE(harness.Open().has_value());
  const auto segment = harness.SegmentFor(kDay);
  Result<std::shared_ptr<TsTable>> table = Error{ErrorCode::kIo, "not called"};
  HeldUp opening(*disk, IoOp::kList, [&] { table = segment->Shard(ShardId(0)); });
  harness.store().Shut();
  opening.GoOn();
  REQUIRE(table.error().code == ErrorCode::kUnavailable);
  harness.executor().RunUntilIdle();
  REQUIRE(harness.store().IsDrained());
}

TEST_CASE("a segment that is being made while its group is shut takes no rows",
          "[segment][group]") {
  StoreHarness harness;
  const auto disk = FaultyFileSystem::Create(harness.fs());
  harness.UseWrapped(*disk);
  REQUIRE(harness.Create().has_value());
  Result<std::shared_ptr<Segment>> segment = Error{ErrorCode::kIo, "not called"};
  HeldUp making(*disk, IoOp::kCreateDirectory, [&] { segment = harness.store().SegmentFor(kDay); });
  harness.store().Shut();
  making.GoOn();
  REQUIRE(segment.error().code == ErrorCode::kUnavailable);
  REQUIRE(harness.store().IsDrained());
}

TEST_CASE("a segment is made by its first row, once, and found again", "[segment][group]") {
  StoreHarness harness;
  REQUIRE(harness.Create().has_value());
  REQUIRE(harness.store().Segments(TimeRange::All()).empty());
  const auto segment = harness.SegmentFor(kDay + kNanosPerHour);
  REQUIRE(segment->times() == TimeRange{kDay, kDay + kNanosPerDay});
  REQUIRE(harness.SegmentFor(kDay) == segment);
  REQUIRE(harness.SegmentFor(kDay + kNanosPerDay) != segment);
  REQUIRE(*harness.store().FindSegment(segment->times()) == segment);
  REQUIRE(harness.store().FindSegment({kDay, kDay + 1}).error().code == ErrorCode::kNotFound);
  // Oldest first, and only what overlaps.
  harness.SegmentFor(kDay - kNanosPerDay);
  const auto all = harness.store().Segments(TimeRange::All());
  REQUIRE(all.size() == 3);
  REQUIRE(std::is_sorted(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return a->times().begin < b->times().begin;
  }));
  REQUIRE(harness.store().Segments({kDay, kDay + 1}).size() == 1);
}

TEST_CASE("a segment keeps its bounds and its shards whatever the schema says later",
          "[segment][group]") {
  StoreHarness harness;
  REQUIRE(harness.Create().has_value());
  const TimeRange times = harness.SegmentFor(kDay)->times();
  const uint64_t incarnation = harness.SegmentFor(kDay)->incarnation();
  GroupLayout layout = harness.options().layout;
  layout.shard_count = 5;
  layout.segment_unit = SegmentUnit::kHour;
  harness.store().SetLayout(layout);
  REQUIRE(harness.SegmentFor(kDay + kNanosPerHour)->shard_count() == 2);
  // The next one does as the schema says, and stays clear of its neighbour.
  const auto next = harness.SegmentFor(times.end + kNanosPerHour / 2);
  REQUIRE(next->shard_count() == 5);
  REQUIRE(next->times() == TimeRange{times.end, times.end + kNanosPerHour});
  REQUIRE(harness.Reopen().has_value());
  REQUIRE(harness.SegmentFor(kDay)->times() == times);
  REQUIRE(harness.SegmentFor(kDay)->incarnation() == incarnation);
}

TEST_CASE("a removed segment is hidden at once and thrown away when nobody holds it",
          "[segment][group]") {
  StoreHarness harness;
  LogCapture log;
  REQUIRE(harness.Create().has_value());
  auto table = harness.Table(kDay, 0);
  harness.Introduce(*table, 1, kDay);
  harness.Flush(*table);
  auto segment = harness.SegmentFor(kDay);
  const TimeRange times = segment->times();
  const uint64_t incarnation = segment->incarnation();
  const std::string directory = segment->directory();
  REQUIRE(harness.store().RemoveSegment(times, incarnation + 1).error().code ==
          ErrorCode::kNotFound);
  REQUIRE(harness.store().RemoveSegment(times, incarnation).has_value());
  REQUIRE(harness.store().Segments(TimeRange::All()).empty());
  REQUIRE(segment->Shard(ShardId(0)).error().code == ErrorCode::kUnavailable);
  // Its name is taken until its files are gone.
  REQUIRE(harness.store().SegmentFor(kDay).error().code == ErrorCode::kUnavailable);
  REQUIRE(harness.store().EmptyTrash() == 1);
  REQUIRE(harness.Exists(directory));

  table.reset();
  segment.reset();
  harness.executor().RunUntilIdle();
  REQUIRE(harness.store().EmptyTrash() == 0);
  REQUIRE_FALSE(harness.Exists(directory));
  REQUIRE(harness.SegmentFor(kDay)->incarnation() != incarnation);
  REQUIRE(harness.SegmentFor(kDay)->ExistingShards().empty());
}

TEST_CASE("only segments that end before the time to live are expired", "[segment][group]") {
  StoreHarness harness;
  REQUIRE(harness.Create().has_value());
  for (int day = 0; day < 3; ++day) harness.SegmentFor(kDay + day * kNanosPerDay);
  REQUIRE(harness.store().Expired(kDay + 4 * kNanosPerDay - 1).empty());
  const auto expired = harness.store().Expired(kDay + 4 * kNanosPerDay);
  REQUIRE(expired.size() == 1);
  REQUIRE(expired[0]->times().begin == kDay);
  GroupLayout forever = harness.options().layout;
  forever.ttl_nanos = 0;
  harness.store().SetLayout(forever);
  REQUIRE(harness.store().Expired(kDay + 400 * kNanosPerDay).empty());
}

// Opens the group again with the identity of this segment damaged.
void OpenDamaged(StoreHarness& harness, const std::string& directory) {
  harness.Kill();
  const std::string file = JoinPath(directory, kSegmentIdentityFile);
  REQUIRE(harness.fs().FlipBits(file, 9, 1).has_value());
  REQUIRE(harness.Open().has_value());
  REQUIRE(harness.store().DamagedSegments().size() == 1);
}

TEST_CASE("a segment whose identity cannot be read is named, kept and never written",
          "[segment][group]") {
  StoreHarness harness;
  LogCapture log;
  REQUIRE(harness.Create().has_value());
  const std::string directory = harness.SegmentFor(kDay)->directory();
  harness.SegmentFor(kDay + kNanosPerDay);
  OpenDamaged(harness, directory);
  REQUIRE(harness.store().Segments(TimeRange::All()).size() == 1);
  REQUIRE(harness.store().DamagedSegments()[0].path == directory);
  REQUIRE(harness.store().SegmentFor(kDay).error().code == ErrorCode::kCorruption);
  REQUIRE(harness.store().SegmentFor(kDay + kNanosPerDay).has_value());
  REQUIRE(harness.Exists(JoinPath(directory, kSegmentIdentityFile)));
  REQUIRE(log.Count("segment.damage") == 1);
}

TEST_CASE("segments at the ends of time are there after a restart", "[segment][group]") {
  StoreHarness harness;
  harness.options().layout.segment_num = GENERATE(1U, 30U);
  REQUIRE(harness.Create().has_value());
  for (const UnixNanos time : {TimeRange::All().begin, TimeRange::All().end - 1}) {
    const TimeRange times = harness.SegmentFor(time)->times();
    REQUIRE(harness.Reopen().has_value());
    REQUIRE(harness.store().FindSegment(times).has_value());
  }
}

TEST_CASE("a segment under a name that no segment has is reported", "[segment][group]") {
  StoreHarness harness;
  LogCapture log;
  REQUIRE(harness.Create().has_value());
  const std::string directory = harness.SegmentFor(kDay)->directory();
  harness.Kill();
  REQUIRE(harness.fs().Rename(directory, directory + ".old", FileClass::kTool).has_value());
  REQUIRE(harness.Open().has_value());
  REQUIRE(log.Count("segment.damage") == 1);
  const auto damaged = harness.store().DamagedSegments();
  REQUIRE(damaged.size() == 1);
  REQUIRE(damaged[0].path == directory + ".old");
  // Whoever put it there knows what it is: it is in nobody's way, and stays.
  REQUIRE(damaged[0].times.empty());
  REQUIRE(harness.SegmentFor(kDay)->directory() == directory);
  harness.store().RemoveExpiredDamage(kDay + 400 * kNanosPerDay);
  REQUIRE(harness.Exists(directory + ".old"));
}

TEST_CASE("a damaged segment stands in the way of its own times only", "[segment][group]") {
  StoreHarness harness;
  LogCapture log;
  harness.options().layout.segment_unit = GENERATE(SegmentUnit::kHour, SegmentUnit::kDay);
  harness.options().layout.segment_num = GENERATE(1U, 5U);
  CAPTURE(harness.options().layout.segment_unit, harness.options().layout.segment_num);
  REQUIRE(harness.Create().has_value());
  const auto made = harness.SegmentFor(kDay);
  const TimeRange times = made->times();
  OpenDamaged(harness, made->directory());
  REQUIRE(harness.store().DamagedSegments()[0].times == times);
  for (const UnixNanos time : {times.begin, times.end - 1}) {
    REQUIRE(harness.store().SegmentFor(time).error().code == ErrorCode::kCorruption);
  }
  REQUIRE(harness.SegmentFor(times.end)->times().begin == times.end);
  REQUIRE(harness.SegmentFor(times.begin - 1)->times().end == times.begin);
}

TEST_CASE("a damaged segment that a shorter one follows ends where that begins",
          "[segment][group]") {
  StoreHarness harness;
  LogCapture log;
  REQUIRE(harness.Create().has_value());
  const std::string directory = harness.SegmentFor(kDay)->directory();
  harness.SegmentFor(kDay + kNanosPerDay);
  harness.options().layout.segment_num = 7;
  OpenDamaged(harness, directory);
  REQUIRE(harness.store().DamagedSegments()[0].times == TimeRange{kDay, kDay + kNanosPerDay});
}

TEST_CASE("a damaged segment that was made longer than today's layout reaches to its last row",
          "[segment][group]") {
  StoreHarness harness;
  LogCapture log;
  harness.options().layout.segment_num = 5;
  REQUIRE(harness.Create().has_value());
  const UnixNanos last = kDay + 3 * kNanosPerDay;
  const auto table = harness.Table(kDay, 0);
  harness.Introduce(*table, 1, last);
  harness.Flush(*table);
  harness.options().layout.segment_unit = SegmentUnit::kHour;
  harness.options().layout.segment_num = 1;
  OpenDamaged(harness, harness.SegmentFor(kDay)->directory());
  REQUIRE(harness.store().DamagedSegments()[0].times == TimeRange{kDay, last + kNanosPerHour});
  REQUIRE(harness.SegmentFor(last + kNanosPerHour)->times().begin == last + kNanosPerHour);
}

// The directory of a segment with a row that a manifest names.
std::string FlushedSegment(StoreHarness& harness) {
  const auto table = harness.Table(kDay, 0);
  harness.Introduce(*table, 1, kDay);
  harness.Flush(*table);
  return harness.SegmentFor(kDay)->directory();
}

TEST_CASE("a damaged segment goes when its times are over", "[segment][group]") {
  StoreHarness harness;
  LogCapture log;
  REQUIRE(harness.Create().has_value());
  const std::string directory = FlushedSegment(harness);
  OpenDamaged(harness, directory);
  harness.store().RemoveExpiredDamage(kDay + 4 * kNanosPerDay - 1);
  REQUIRE(harness.Exists(directory));
  harness.store().RemoveExpiredDamage(kDay + 4 * kNanosPerDay);
  REQUIRE_FALSE(harness.Exists(directory));
  REQUIRE(harness.store().DamagedSegments().empty());
  REQUIRE(harness.SegmentFor(kDay)->ExistingShards().empty());
}

TEST_CASE("a damaged segment stays while it is not known how far its rows go", "[segment][group]") {
  StoreHarness harness;
  LogCapture log;
  REQUIRE(harness.Create().has_value());
  const std::string directory = FlushedSegment(harness);
  const auto files = harness.fs().List(directory + "/shard-0");
  REQUIRE(files.has_value());
  for (const DirectoryEntry& file : *files) {
    if (!file.name.ends_with(".snp")) continue;
    REQUIRE(harness.fs().FlipBits(directory + "/shard-0/" + file.name, 9, 1).has_value());
  }
  OpenDamaged(harness, directory);
  harness.store().RemoveExpiredDamage(kDay + 400 * kNanosPerDay);
  REQUIRE(harness.Exists(directory));
}

TEST_CASE("a segment that a crash left without identity is no segment", "[segment][group]") {
  StoreHarness harness;
  REQUIRE(harness.Create().has_value());
  harness.Kill();
  const std::string directory = "measure/data/web/" + SegmentDirectoryName(kDay, SegmentUnit::kDay);
  REQUIRE(harness.fs().CreateDirectory(directory).has_value());
  REQUIRE(harness.Open().has_value());
  REQUIRE_FALSE(harness.Exists(directory));
  REQUIRE(harness.store().DamagedSegments().empty());
  REQUIRE(harness.store().SegmentFor(kDay).has_value());
}

TEST_CASE("the oldest unflushed position is that of the table that waits longest",
          "[segment][group]") {
  StoreHarness harness;
  REQUIRE(harness.Create().has_value());
  const auto first = harness.Table(kDay, 0);
  const auto second = harness.Table(kDay + kNanosPerDay, 1);
  REQUIRE_FALSE(harness.store().OldestUnflushed().has_value());
  harness.Introduce(*first, 3, kDay);
  harness.Introduce(*second, 4, kDay + kNanosPerDay);
  REQUIRE(harness.store().OldestUnflushed() == LogPosition(3));
  harness.Flush(*first);
  REQUIRE(harness.store().OldestUnflushed() == LogPosition(4));
  harness.Flush(*second);
  REQUIRE_FALSE(harness.store().OldestUnflushed().has_value());
  const auto recorded = harness.store().RecordedPositions();
  REQUIRE(recorded.has_value());
  REQUIRE(recorded->position == LogPosition(4));
  REQUIRE(recorded->scn == Scn(40));
}

TEST_CASE("tables that nobody uses are closed, and opened again by the next use",
          "[segment][group]") {
  StoreHarness harness;
  REQUIRE(harness.Create().has_value());
  auto table = harness.Table(kDay, 0);
  harness.Introduce(*table, 1, kDay);
  harness.Flush(*table);
  harness.Advance(2 * kNanosPerHour);
  REQUIRE(harness.store().CloseIdle() == 0);  // held here
  table.reset();
  REQUIRE(harness.store().CloseIdle() == 1);
  REQUIRE(harness.store().OpenTables().empty());
  REQUIRE(harness.Table(kDay, 0)->Current()->rows() == 1);
}

TEST_CASE("a closed group makes no segments, and goes to the trash as a whole",
          "[segment][group]") {
  StoreHarness harness;
  REQUIRE(harness.Create().has_value());
  harness.Table(kDay, 0);
  harness.store().Close();
  REQUIRE(harness.store().IsDrained());
  REQUIRE(harness.store().SegmentFor(kDay + kNanosPerDay).error().code == ErrorCode::kUnavailable);
  REQUIRE(harness.store().MoveToTrash().has_value());
  REQUIRE_FALSE(harness.Exists("measure/data/web"));
  const auto names = ListGroupDirectories(harness.fs(), Catalog::kMeasure);
  REQUIRE(names.has_value());
  REQUIRE(names->empty());
}

TEST_CASE("a catalog without segments has one for all times, with its shards", "[segment][group]") {
  StoreHarness harness;
  harness.options().catalog = Catalog::kProperty;
  REQUIRE(harness.Create().has_value());
  const auto segment = harness.SegmentFor(kDay);
  REQUIRE(harness.SegmentFor(0) == segment);
  REQUIRE(segment->ExistingShards() == std::vector<ShardId>{ShardId(0), ShardId(1)});
  REQUIRE(harness.store().Expired(kDay + 400 * kNanosPerDay).empty());
}

}  // namespace
}  // namespace ficus
