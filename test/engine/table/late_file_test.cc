#include "engine/table/late_file.h"

#include <cerrno>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/log.h"
#include "engine/io/faulty_file_system.h"
#include "engine/part/entry_table.h"
#include "engine/table/manifest.h"
#include "test/engine/table/drained_entries.h"
#include "test/engine/table/table_harness.h"

namespace ficus {
namespace {

const Rows kRows = {{{1, 1}, {1, 10}}, {{2, 2}, {1, 20}}, {{3, 3}, {1, 30}}};

// A table of three parts and three runs that was stopped, on a disk that can be made to fail.
class LateTable {
 public:
  LateTable() : disk_(FaultyFileSystem::Create(harness_.fs())) {
    REQUIRE(harness_.Open().has_value());
    for (int64_t i = 1; i <= 3; ++i) {
      harness_.Introduce(static_cast<uint64_t>(i), {{static_cast<uint64_t>(i), i, i * 10}});
      REQUIRE(harness_.Flush().has_value());
    }
    REQUIRE(harness_.Current()->parts.size() == 3);
    names_ = {harness_.Current()->parts[1].file->name(), harness_.Current()->runs[1].file->name()};
    harness_.Kill();
    harness_.UseWrapped(*disk_);
    files_ = harness_.Files();
  }

  TableHarness& harness() { return harness_; }
  const std::string& part() const { return names_[0]; }
  const std::string& run() const { return names_[1]; }
  const std::vector<std::string>& files() const { return files_; }

  void Break(IoOp op, const std::string& name, int error_number) {
    FaultRule rule;
    rule.op = op;
    rule.path_contains = name;
    rule.times = UINT64_MAX;
    rule.error_number = error_number;
    disk_->AddRule(rule);
  }
  void Mend() {
    REQUIRE(disk_->faults() > 0);
    disk_->ClearRules();
  }
  Manifest NewestManifest() {
    Result<ManifestReading> reading = ReadNewestManifest(harness_.fs(), "shard-0");
    REQUIRE(reading.has_value());
    return reading->manifest;
  }

 private:
  LogCapture log_;
  TableHarness harness_;
  std::unique_ptr<FaultyFileSystem> disk_;
  std::vector<std::string> names_;
  std::vector<std::string> files_;
};

TEST_CASE("a part that cannot be read now stays named and in its place, and each use tries again",
          "[table][recovery]") {
  for (const IoOp op : {IoOp::kOpen, IoOp::kRead}) {
    for (const int error_number : {EIO, EACCES, EMFILE, ENOMEM}) {
      CAPTURE(IoOpName(op), error_number);
      LateTable late;
      TableHarness& harness = late.harness();
      const Manifest before = late.NewestManifest();
      late.Break(op, late.part(), error_number);
      REQUIRE(harness.Open().has_value());
      REQUIRE(harness.Current()->damaged.empty());
      REQUIRE(!harness.table().ReadOnly().has_value());
      REQUIRE(harness.Files() == late.files());
      REQUIRE(late.NewestManifest() == before);
      REQUIRE(harness.ReadError().message.find(late.part()) != std::string::npos);
      // Looking for damage finds none.
      harness.table().CheckDamage();
      harness.executor().RunUntilIdle();
      REQUIRE(harness.Current()->damaged.empty());

      late.Mend();
      REQUIRE(harness.Read() == kRows);
      REQUIRE(late.NewestManifest() == before);
    }
  }
}

TEST_CASE("an index run that cannot be read now stays named, and each use tries again",
          "[table][recovery]") {
  for (const int error_number : {EIO, EACCES, EMFILE}) {
    CAPTURE(error_number);
    LateTable late;
    TableHarness& harness = late.harness();
    late.Break(IoOp::kOpen, late.run(), error_number);
    REQUIRE(harness.Open().has_value());
    REQUIRE(harness.Current()->damaged.empty());
    REQUIRE(harness.Files() == late.files());
    const auto every = [](SeriesId, std::string_view) { return true; };
    const Result<> scanned = harness.Current()->ScanSeries(kSubject, every);
    REQUIRE(!scanned.has_value());
    REQUIRE(scanned.error().message.find(late.run()) != std::string::npos);
    // Writers then send entries again.
    REQUIRE(!harness.table().KnownSeries().has_value());

    late.Mend();
    REQUIRE(harness.Series().size() == 3);
    harness.clock().Advance(kNanosPerSecond);
    REQUIRE(harness.table().KnownSeries().has_value());
  }
}

TEST_CASE("a table takes rows, flushes and merges around what cannot be read now", "[table]") {
  LateTable late;
  TableHarness& harness = late.harness();
  late.Break(IoOp::kOpen, late.part(), EIO);
  late.Break(IoOp::kOpen, late.run(), EIO);
  REQUIRE(harness.Open().has_value());
  for (int64_t i = 4; i <= 9; ++i) {
    harness.Introduce(static_cast<uint64_t>(i), {{static_cast<uint64_t>(i), i, i * 10}});
    REQUIRE(harness.Flush().has_value());
  }
  REQUIRE(harness.MergeAll().has_value());
  // The first part, the one that cannot be read, and one of all that came after it.
  REQUIRE(harness.Current()->parts.size() == 3);
  REQUIRE(harness.Current()->parts[1].file->name() == late.part());
  REQUIRE(harness.Current()->parts[2].part->info().rows == 7);
  REQUIRE(harness.Current()->damaged.empty());
  const auto runs = harness.Current()->runs.size();
  REQUIRE(runs < 9);

  late.Mend();
  harness.Introduce(10, {{10, 10, 100}});
  REQUIRE(harness.Flush().has_value());
  // Some merge tries what is not open again, and the next ones take it.
  REQUIRE(harness.MergeAll().has_value());
  REQUIRE(harness.MergeAll().has_value());
  REQUIRE(harness.Current()->parts.size() == 1);
  REQUIRE(harness.Read().size() == 10);
  REQUIRE(harness.Series().size() == 10);
  REQUIRE(harness.Reopen().has_value());
  REQUIRE(harness.Read().size() == 10);
}

TEST_CASE("a file that turns out damaged once it can be read is set aside then", "[table]") {
  LateTable late;
  TableHarness& harness = late.harness();
  late.Break(IoOp::kOpen, late.part(), EACCES);
  REQUIRE(harness.Open().has_value());
  const auto size = harness.fs().Status("shard-0/" + late.part())->size_bytes;
  REQUIRE(harness.fs().FlipBits("shard-0/" + late.part(), size - 3, 1).has_value());
  late.Mend();
  REQUIRE(harness.ReadError().code == ErrorCode::kCorruption);
  harness.table().CheckDamage();
  harness.executor().RunUntilIdle();
  REQUIRE(harness.Current()->damaged.size() == 1);
  REQUIRE(harness.fs().Status("shard-0/quarantine/" + late.part()).has_value());
  REQUIRE(harness.Read().size() == 2);
}

TEST_CASE("files that could not be opened with their table are counted", "[table]") {
  LateTable late;
  late.Break(IoOp::kOpen, late.part(), EIO);
  late.Break(IoOp::kOpen, late.run(), EIO);
  REQUIRE(late.harness().Open().has_value());
  const Counter& counter = late.harness().metrics().AddCounter("ficus_late_files_total", "");
  REQUIRE(counter.value() == 2);
}

TEST_CASE("the entries of a part that was opened late are listed one after another",
          "[table][memory]") {
  constexpr uint64_t kSeries = 200'000;
  TableHarness harness;
  REQUIRE(harness.Open().has_value());
  harness.FlushSeries(kSeries);
  const PartInfo info = harness.Current()->parts.front().part->info();
  const auto late = OpenPartLater(harness.fs(), "shard-0/" + PartFileName(info.number), info);
  const DrainedEntries drained = Drain([&] { return late->ListSeriesEntries(FileClass::kMerge); });
  REQUIRE(drained.entries == kSeries);
  REQUIRE(drained.held_bytes <= EntryMemoryBytes(kSeries));
}

}  // namespace
}  // namespace ficus
