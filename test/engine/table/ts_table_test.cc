#include "engine/table/ts_table.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/log.h"
#include "engine/base/stop.h"
#include "engine/io/publish.h"
#include "engine/table/manifest.h"
#include "test/engine/table/table_harness.h"
#include "test/support/seed.h"

namespace ficus {
namespace {

size_t CountEnding(const std::vector<std::string>& names, std::string_view suffix) {
  return static_cast<size_t>(std::count_if(
      names.begin(), names.end(), [&](const auto& name) { return name.ends_with(suffix); }));
}

// Opens an empty table that flushes what takes as much as twenty mem parts of a row; gives that.
size_t OpenForSmallFlushes(TableHarness& harness) {
  REQUIRE(harness.Open().has_value());
  harness.Introduce(1, {{1, 1, 1}});
  const size_t flush_bytes = 20 * harness.Current()->memory_bytes();
  harness.options().flush_bytes = flush_bytes;
  REQUIRE(harness.Reopen().has_value());
  return flush_bytes;
}

TEST_CASE("introduced rows are visible at once and in no file", "[table]") {
  TableHarness harness;
  REQUIRE(harness.Open().has_value());
  harness.Introduce(1, {{1, 100, 5}, {2, 100, 6}});
  REQUIRE(harness.Read() == Rows{{{1, 100}, {1, 5}}, {{2, 100}, {1, 6}}});
  REQUIRE(harness.table().OldestUnflushed() == LogPosition(1));
  REQUIRE(CountEnding(harness.Files(), ".part") == 0);
  REQUIRE(harness.Series() ==
          std::map<uint64_t, std::string>{{1, TableHarness::Key(1)}, {2, TableHarness::Key(2)}});
}

TEST_CASE("a snapshot that a reader holds does not change", "[table]") {
  TableHarness harness;
  REQUIRE(harness.Open().has_value());
  harness.Introduce(1, {{1, 100, 5}});
  const auto held = harness.Current();
  harness.Introduce(2, {{1, 200, 6}});
  REQUIRE(harness.Flush().has_value());
  REQUIRE(harness.ReadFrom(*held) == Rows{{{1, 100}, {1, 5}}});
  REQUIRE(harness.Current()->epoch > held->epoch);
}

TEST_CASE("a flush makes one part, one run and one manifest, and forgets the mem parts",
          "[table]") {
  TableHarness harness;
  REQUIRE(harness.Open().has_value());
  harness.Introduce(1, {{1, 100, 5}});
  harness.Introduce(2, {{1, 200, 6}, {3, 200, 7}});
  REQUIRE(harness.Flush().has_value());
  const auto snapshot = harness.Current();
  REQUIRE(snapshot->mem_parts.empty());
  REQUIRE(snapshot->parts.size() == 1);
  REQUIRE(snapshot->runs.size() == 1);
  REQUIRE(snapshot->flushed == LogPosition(2));
  REQUIRE(harness.table().Flushed() == LogPosition(2));
  REQUIRE(harness.table().FlushedScn() == Scn(20));
  REQUIRE(!harness.table().OldestUnflushed().has_value());
  const auto info = snapshot->parts[0].part->info();
  REQUIRE(info.rows == 3);
  REQUIRE(info.first_position == LogPosition(1));
  REQUIRE(info.last_position == LogPosition(2));
  REQUIRE(harness.Read().size() == 3);
}

TEST_CASE("rows that wait longer than the interval are flushed, and then no timer is left",
          "[table]") {
  TableHarness harness;
  REQUIRE(harness.Open().has_value());
  harness.Introduce(1, {{1, 100, 5}});
  harness.executor().Advance(4 * kNanosPerSecond);
  REQUIRE(harness.Current()->parts.empty());
  harness.executor().Advance(2 * kNanosPerSecond);
  REQUIRE(harness.Current()->parts.size() == 1);
  REQUIRE(harness.table().IsIdle());
  REQUIRE(!harness.executor().RunUntil([] { return false; }));
}

TEST_CASE("rows beyond the byte limit are flushed without waiting", "[table]") {
  TableHarness harness;
  harness.options().flush_bytes = 1;
  REQUIRE(harness.Open().has_value());
  harness.Introduce(1, {{1, 100, 5}});
  REQUIRE(harness.Current()->parts.size() == 1);
}

TEST_CASE("the highest version wins, and of equal versions the one first in the log", "[table]") {
  TableHarness harness;
  harness.options().merge.parts_min = 2;
  REQUIRE(harness.Open().has_value());
  harness.Introduce(1, {{1, 100, 10}}, 5);
  REQUIRE(harness.Flush().has_value());
  harness.Introduce(2, {{1, 100, 20}}, 5);
  REQUIRE(harness.Read().at({1, 100}) == std::pair<int64_t, int64_t>(5, 10));
  harness.Introduce(3, {{1, 100, 30}}, 9);
  harness.Introduce(4, {{1, 100, 40}}, 3);
  REQUIRE(harness.Read().at({1, 100}) == std::pair<int64_t, int64_t>(9, 30));
  REQUIRE(harness.Flush().has_value());
  REQUIRE(harness.Read().at({1, 100}) == std::pair<int64_t, int64_t>(9, 30));
  REQUIRE(harness.MergeAll().has_value());
  REQUIRE(harness.Current()->parts.size() == 1);
  REQUIRE(harness.Current()->parts[0].part->info().rows == 1);
  REQUIRE(harness.Read().at({1, 100}) == std::pair<int64_t, int64_t>(9, 30));
}

TEST_CASE("merging changes nothing a reader sees and removes its inputs", "[table]") {
  TableHarness harness;
  REQUIRE(harness.Open().has_value());
  for (uint64_t position = 1; position <= 12; ++position) {
    const auto time = static_cast<int64_t>(position * 100);
    harness.Introduce(position, {{1, time, time}, {position % 3 + 1, time + 1, -time}});
    REQUIRE(harness.Flush().has_value());
  }
  const Rows before = harness.Read();
  REQUIRE(harness.MergeAll().has_value());
  REQUIRE(harness.Read() == before);
  REQUIRE(harness.Current()->parts.size() == 1);
  REQUIRE(CountEnding(harness.Files(), ".part") == 1);
  REQUIRE(CountEnding(harness.Files(), ".tmp") == 0);
}

TEST_CASE("a merge that was asked for takes the time to write fewer bytes", "[table]") {
  TableHarness harness;
  REQUIRE(harness.Open().has_value());
  SeededRandom random(1);
  for (uint64_t position = 1; position <= 2; ++position) {
    std::vector<std::tuple<uint64_t, int64_t, int64_t>> rows;
    for (int64_t i = 0; i < 2000; ++i) {
      // Few values are frequent, and what is frequent is worth fewer bits.
      const auto value = static_cast<int64_t>(random.Below(random.Below(20) == 0 ? 64 : 4));
      rows.emplace_back(1, static_cast<int64_t>(position) * 10'000 + i, value);
    }
    harness.Introduce(position, rows);
    REQUIRE(harness.Flush().has_value());
  }
  uint64_t flushed = 0;
  for (const SnapshotPart& part : harness.Current()->parts) flushed += part.part->info().file_bytes;
  REQUIRE(harness.MergeAll().has_value());
  REQUIRE(harness.Current()->parts.size() == 1);
  REQUIRE(harness.Current()->parts[0].part->info().file_bytes < flushed * 3 / 4);
}

TEST_CASE("a merge that was asked for leaves alone what is flushed meanwhile", "[table]") {
  const auto seed = GENERATE(range(1, 21));
  CAPTURE(seed);
  TableHarness harness(static_cast<uint64_t>(seed));
  REQUIRE(harness.Open().has_value());
  for (uint64_t position = 1; position <= 2; ++position) {
    harness.Introduce(position, {{1, static_cast<int64_t>(position), 0}});
    REQUIRE(harness.Flush().has_value());
  }
  harness.Introduce(3, {{1, 3, 0}});
  int ended = 0;
  const auto count = [&](const Result<>& result) { ended += result.has_value() ? 1 : 0; };
  harness.table().Flush(count);
  harness.table().MergeAll(count);
  REQUIRE(harness.executor().RunUntil([&] { return ended == 2; }));
  const auto& parts = harness.Current()->parts;
  REQUIRE(parts.size() == 2);
  REQUIRE(parts[0].part->info().rows == 2);
  REQUIRE(harness.Read().size() == 3);
}

TEST_CASE("a merge's inputs stay while a reader holds them", "[table]") {
  TableHarness harness;
  REQUIRE(harness.Open().has_value());
  for (uint64_t position = 1; position <= 3; ++position) {
    harness.Introduce(position, {{1, static_cast<int64_t>(position), 1}});
    REQUIRE(harness.Flush().has_value());
  }
  auto held = harness.Current();
  const Rows before = harness.ReadFrom(*held);
  REQUIRE(harness.MergeAll().has_value());
  REQUIRE(CountEnding(harness.Files(), ".part") == 4);
  REQUIRE(harness.ReadFrom(*held) == before);
  held.reset();
  harness.executor().RunUntilIdle();
  REQUIRE(CountEnding(harness.Files(), ".part") == 1);
}

TEST_CASE("a reopened table has what was flushed and nothing else", "[table][recovery]") {
  TableHarness harness;
  REQUIRE(harness.Open().has_value());
  harness.Introduce(1, {{1, 100, 5}});
  REQUIRE(harness.Flush().has_value());
  harness.Introduce(2, {{1, 200, 6}});
  REQUIRE(harness.Reopen().has_value());
  REQUIRE(harness.Read() == Rows{{{1, 100}, {1, 5}}});
  REQUIRE(harness.table().Flushed() == LogPosition(1));
  const Result<const SeriesSet*> known = harness.table().KnownSeries();
  REQUIRE(known.has_value());
  REQUIRE((*known)->Find(kSubject, SeriesId(1), SeriesCheckOf(TableHarness::Key(1))) ==
          SeriesSet::Known::kYes);
  REQUIRE((*known)->Find(kSubject, SeriesId(2), 0) == SeriesSet::Known::kNo);
}

TEST_CASE("a manifest of another log's positions skips nothing", "[table][recovery]") {
  TableHarness harness;
  REQUIRE(harness.Open().has_value());
  harness.Introduce(5, {{1, 100, 5}});
  REQUIRE(harness.Flush().has_value());
  harness.Kill();
  auto reading = ReadNewestManifest(harness.fs(), "shard-0");
  REQUIRE(reading.has_value());
  Manifest foreign = reading->manifest;
  foreign.log = LogId(1234);
  foreign.epoch = foreign.epoch.Next();
  SeededRandom random(4);
  REQUIRE(WriteManifest(harness.fs(), random, "shard-0", foreign).has_value());
  REQUIRE(harness.Open().has_value());
  REQUIRE(harness.table().Flushed() == LogPosition(0));
  REQUIRE(harness.Read().size() == 1);
}

TEST_CASE("file numbers and manifest epochs are never given again", "[table][recovery]") {
  TableHarness harness;
  uint64_t position = 0;
  FileNumber highest_file;
  Epoch highest_epoch;
  for (int round = 0; round < 4; ++round) {
    REQUIRE(harness.Reopen().has_value());
    ++position;
    harness.Introduce(position, {{1, static_cast<int64_t>(position), 1}});
    REQUIRE(harness.Flush().has_value());
    const auto snapshot = harness.Current();
    REQUIRE(snapshot->parts.back().part->info().number > highest_file);
    REQUIRE(snapshot->manifest_epoch > highest_epoch);
    highest_file = snapshot->parts.back().part->info().number;
    highest_epoch = snapshot->manifest_epoch;
  }
}

TEST_CASE("a damaged part is set aside and named, and the rest serves", "[table][recovery]") {
  TableHarness harness;
  LogCapture log;
  REQUIRE(harness.Open().has_value());
  harness.Introduce(1, {{1, 100, 5}});
  REQUIRE(harness.Flush().has_value());
  harness.Introduce(2, {{1, 200, 6}});
  REQUIRE(harness.Flush().has_value());
  const auto info = harness.Current()->parts[0].part->info();
  const std::string name = PartFileName(info.number);
  harness.Kill();
  REQUIRE(harness.fs().FlipBits("shard-0/" + name, info.file_bytes - 3, 1).has_value());

  for (int open = 0; open < 2; ++open) {
    REQUIRE(harness.Reopen().has_value());
    REQUIRE(harness.Read() == Rows{{{1, 200}, {1, 6}}});
    const auto snapshot = harness.Current();
    REQUIRE(snapshot->damaged.size() == 1);
    REQUIRE(snapshot->damaged[0].path == "shard-0/quarantine/" + name);
    REQUIRE(snapshot->damaged[0].times == info.times);
    REQUIRE(harness.fs().Status("shard-0/quarantine/" + name).has_value());
    REQUIRE(!harness.table().ReadOnly().has_value());
  }
  REQUIRE(log.Count("table.damage") == 1);
}

TEST_CASE("a part that a manifest names but that is missing is damage, not silence",
          "[table][recovery]") {
  TableHarness harness;
  LogCapture log;
  REQUIRE(harness.Open().has_value());
  harness.Introduce(1, {{1, 100, 5}});
  REQUIRE(harness.Flush().has_value());
  const std::string name = PartFileName(harness.Current()->parts[0].part->info().number);
  harness.Kill();
  REQUIRE(harness.fs().Remove("shard-0/" + name).has_value());
  REQUIRE(harness.Open().has_value());
  REQUIRE(harness.Current()->damaged.size() == 1);
}

TEST_CASE("damage that a merge meets is set aside while the table serves", "[table]") {
  TableHarness harness;
  LogCapture log;
  REQUIRE(harness.Open().has_value());
  for (uint64_t position = 1; position <= 3; ++position) {
    harness.Introduce(position, {{1, static_cast<int64_t>(position), 1}});
    REQUIRE(harness.Flush().has_value());
  }
  const std::string name = PartFileName(harness.Current()->parts[1].part->info().number);
  // The first bytes of a part are data: the footer still opens.
  REQUIRE(harness.fs().FlipBits("shard-0/" + name, 20, 0xff).has_value());
  REQUIRE(!harness.MergeAll().has_value());
  REQUIRE(harness.Current()->damaged.size() == 1);
  REQUIRE(harness.Read() == Rows{{{1, 1}, {1, 1}}, {{1, 3}, {1, 1}}});
  // What is left does not merge across the damaged part.
  REQUIRE(harness.MergeAll().has_value());
  REQUIRE(harness.Current()->parts.size() == 2);
}

TEST_CASE("a hole in the manifests opens the table read-only and removes nothing",
          "[table][recovery]") {
  TableHarness harness;
  LogCapture log;
  REQUIRE(harness.Open().has_value());
  harness.Introduce(1, {{1, 100, 5}});
  REQUIRE(harness.Flush().has_value());
  harness.Introduce(2, {{1, 200, 6}});
  REQUIRE(harness.Flush().has_value());
  const Epoch newest = harness.Current()->manifest_epoch;
  harness.Kill();
  REQUIRE(harness.fs().FlipBits("shard-0/" + ManifestFileName(newest), 30, 1).has_value());
  const auto before = harness.Files();
  REQUIRE(harness.Open().has_value());
  REQUIRE(harness.table().ReadOnly()->message.find(ManifestFileName(newest)) != std::string::npos);
  REQUIRE(harness.Read() == Rows{{{1, 100}, {1, 5}}});
  REQUIRE(harness.Files() == before);
}

TEST_CASE("parts without any manifest open the table read-only", "[table][recovery]") {
  TableHarness harness;
  LogCapture log;
  REQUIRE(harness.Open().has_value());
  harness.Introduce(1, {{1, 100, 5}});
  REQUIRE(harness.Flush().has_value());
  harness.Kill();
  for (const std::string& name : harness.Files()) {
    if (name.ends_with(".snp")) REQUIRE(harness.fs().Remove("shard-0/" + name).has_value());
  }
  REQUIRE(harness.Open().has_value());
  REQUIRE(harness.table().ReadOnly().has_value());
  REQUIRE(CountEnding(harness.Files(), ".part") == 1);
}

TEST_CASE("a directory of another group is refused", "[table][recovery]") {
  TableHarness harness;
  REQUIRE(harness.Open().has_value());
  harness.Kill();
  Manifest foreign;
  foreign.epoch = Epoch(100);
  foreign.group = GroupId(8);
  foreign.log = kLog;
  foreign.next_file = FileNumber(1);
  SeededRandom random(4);
  REQUIRE(WriteManifest(harness.fs(), random, "shard-0", foreign).has_value());
  const Result<> opened = harness.Open();
  REQUIRE(opened.error().code == ErrorCode::kFailedPrecondition);
}

TEST_CASE("files that no manifest names are set aside, leftovers are removed",
          "[table][recovery]") {
  TableHarness harness;
  LogCapture log;
  REQUIRE(harness.Open().has_value());
  harness.Introduce(1, {{1, 100, 5}});
  REQUIRE(harness.Flush().has_value());
  harness.Kill();
  const auto put = [&](const std::string& name) {
    OpenOptions create;
    create.mode = OpenMode::kCreate;
    auto file = harness.fs().Open("shard-0/" + name, create);
    REQUIRE(file.has_value());
    REQUIRE((*file)->WriteAt(0, "x").has_value());
  };
  put(PartFileName(FileNumber(0)));    // below every number that was given: unknown
  put(PartFileName(FileNumber(500)));  // above: a dead process's unfinished work
  put("0000000000000001.part.0123456789abcdef.tmp");
  put("notes.txt");
  REQUIRE(harness.Open().has_value());
  const auto files = harness.Files();
  REQUIRE(CountEnding(files, ".part") == 1);
  REQUIRE(CountEnding(files, ".tmp") == 0);
  REQUIRE(CountEnding(files, "notes.txt") == 1);
  REQUIRE(harness.fs().Status("shard-0/quarantine/" + PartFileName(FileNumber(0))).has_value());
  REQUIRE(log.Count("table.unknown_file") == 1);
  // Its number is not given again although the file is gone.
  harness.Introduce(2, {{1, 300, 5}});
  REQUIRE(harness.Flush().has_value());
  REQUIRE(harness.Current()->parts.back().part->info().number > FileNumber(500));
}

// What `work` has left on the disk when a file of `suffix` had just got its name.
std::unique_ptr<MemoryFileSystem> CrashBehind(TableHarness& harness, std::string_view suffix,
                                              const std::function<void()>& work) {
  std::unique_ptr<MemoryFileSystem> left;
  bool is_named = false;
  harness.fs().SetObserver([&](uint64_t, std::string_view effect) {
    if (is_named && left == nullptr) {
      left = harness.fs().CrashKeeping(std::vector<bool>(harness.fs().pending_count(), true),
                                       MemoryFileSystem::Tear::kWritten,
                                       MemoryFileSystem::NameOrder::kWeak);
    }
    if (effect.starts_with("rename") && effect.ends_with(suffix)) is_named = true;
  });
  work();
  harness.fs().SetObserver({});
  return left;
}

TEST_CASE("what a job wrote beside another one's manifest goes at the next start",
          "[table][recovery]") {
  TableHarness harness;
  LogCapture log;
  REQUIRE(harness.Open().has_value());
  for (uint64_t position = 1; position <= 3; ++position) {
    harness.Introduce(position, {{position, 1, 1}});
    REQUIRE(harness.Flush().has_value());
  }
  harness.Introduce(4, {{4, 1, 1}});
  const FileNumber last = harness.Current()->runs.back().run->info().number;
  // The merge takes its number first; the manifest of the flush passes it.
  harness.table().MergeAll([](const Result<>&) {});
  harness.table().Flush([](const Result<>&) {});
  const auto left = CrashBehind(harness, ".snp", [&] { harness.executor().RunUntilIdle(); });
  REQUIRE(left != nullptr);
  const auto entries = left->List("shard-0");
  REQUIRE(entries.has_value());
  const auto reading = ReadNewestManifest(*left, "shard-0");
  REQUIRE(reading.has_value());
  size_t unnamed = 0;
  for (const DirectoryEntry& entry : *entries) {
    FileNumber number;
    if (!ParsePartFileName(entry.name, number) || number <= last) continue;
    const auto& parts = reading->manifest.parts;
    unnamed += std::none_of(parts.begin(), parts.end(),
                            [&](const PartInfo& part) { return part.number == number; });
  }
  REQUIRE(unnamed == 1);
  harness.Kill();
  harness.UseFileSystem(left->Clone());
  REQUIRE(harness.Open().has_value());
  REQUIRE(CountEnding(harness.Files(), ".part") == harness.Current()->parts.size());
  REQUIRE(CountEnding(harness.Files(), "quarantine") == 0);
  REQUIRE(log.Count("table.unknown_file") == 0);
}

TEST_CASE("a dead process's work goes although damage was found beside it", "[table][recovery]") {
  TableHarness harness;
  LogCapture log;
  REQUIRE(harness.Open().has_value());
  for (uint64_t position = 1; position <= 2; ++position) {
    harness.Introduce(position, {{1, static_cast<int64_t>(position), 1}});
    REQUIRE(harness.Flush().has_value());
  }
  const std::string damaged = harness.Current()->parts[0].file->name();
  const uint64_t bytes = harness.Current()->parts[0].part->info().file_bytes;
  harness.Kill();
  const std::string unfinished = PartFileName(FileNumber(500));
  SeededRandom random(4);
  REQUIRE(PublishFile(harness.fs(), random, "shard-0/" + unfinished, "x", FileClass::kTool)
              .has_value());
  REQUIRE(harness.fs().FlipBits("shard-0/" + damaged, bytes - 3, 1).has_value());
  REQUIRE(harness.Open().has_value());
  REQUIRE(harness.Current()->damaged.size() == 1);
  REQUIRE(harness.fs().Status("shard-0/quarantine/" + damaged).has_value());
  REQUIRE(!harness.fs().Status("shard-0/" + unfinished).has_value());
  REQUIRE(!harness.fs().Status("shard-0/quarantine/" + unfinished).has_value());
}

TEST_CASE("a manifest lists nothing as obsolete that an earlier start has removed",
          "[table][recovery]") {
  TableHarness harness;
  LogCapture log;
  REQUIRE(harness.Open().has_value());
  for (uint64_t position = 1; position <= 3; ++position) {
    harness.Introduce(position, {{1, static_cast<int64_t>(position), 1}});
    REQUIRE(harness.Flush().has_value());
  }
  REQUIRE(harness.MergeAll().has_value());
  const auto obsolete = [&] {
    return ReadNewestManifest(harness.fs(), "shard-0")->manifest.obsolete;
  };
  REQUIRE(obsolete().size() >= 3);
  REQUIRE(harness.Reopen().has_value());
  harness.Introduce(4, {{1, 4, 1}});
  REQUIRE(harness.Flush().has_value());
  REQUIRE(obsolete().empty());
}

TEST_CASE("who asks for a flush while one is running is told when that one took everything",
          "[table]") {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    CAPTURE(seed);
    TableHarness table(seed);
    REQUIRE(table.Open().has_value());
    table.Introduce(1, {{1, 10, 100}});
    int told = 0;
    for (int i = 0; i < 3; ++i) {
      table.table().Flush([&](const Result<>& flushed) { told += flushed.has_value() ? 1 : 0; });
    }
    table.executor().RunUntilIdle();
    REQUIRE(told == 3);
    REQUIRE(table.Current()->mem_parts.empty());
  }
}

// The callbacks may hold the table, which would otherwise live for ever.
TEST_CASE("whoever waits for another's flush when the table is closed is told so", "[table]") {
  size_t told = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    TableHarness table(seed);
    REQUIRE(table.Open().has_value());
    table.Introduce(1, {{1, 10, 100}});
    for (int i = 0; i < 3; ++i) {
      table.table().Flush([&](const Result<>& result) {
        REQUIRE(result.error().code == ErrorCode::kUnavailable);
        ++told;
      });
    }
    // The flush of the first is under way and goes with the executor.
    for (int i = 0; i < 3; ++i) REQUIRE(table.executor().RunOne());
    table.Kill();
  }
  REQUIRE(told > 0);
}

TEST_CASE("whoever waits for another attempt of a flush is told when the table is shut",
          "[table]") {
  const LogCapture log;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    for (const bool before : {false, true}) {
      CAPTURE(seed, before);
      TableHarness table(seed);
      REQUIRE(table.Open().has_value());
      table.Introduce(1, {{1, 10, 100}});
      table.fs().SetLimits({1, 1});
      int told = 0;
      for (int i = 0; i < 3; ++i) {
        table.table().Flush([&](const Result<>& result) { told += result.has_value() ? 0 : 1; });
      }
      if (before) {
        for (int i = 0; i < 3; ++i) REQUIRE(table.executor().RunOne());
        table.table().Shut();
      }
      table.executor().RunUntilIdle();
      if (!before) table.table().Shut();
      REQUIRE(told == 3);
      table.fs().SetLimits({});
    }
  }
}

TEST_CASE("a table that is closed does not wait for its rows to be written", "[table]") {
  size_t told = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    LogCapture log;
    TableHarness table(seed);
    REQUIRE(table.Open().has_value());
    table.Introduce(1, {{1, 10, 100}});
    table.table().Flush([&](const Result<>& result) {
      REQUIRE(result.error().code == ErrorCode::kUnavailable);
      ++told;
    });
    // The flush is on its way to its thread.
    REQUIRE(table.executor().RunOne());
    table.table().Shut();
    table.executor().RunUntilIdle();
    REQUIRE(table.table().IsDrained());
    REQUIRE(CountEnding(table.Files(), ".part") == 0);
    REQUIRE(log.Count("table.flush") == 0);
    REQUIRE(table.Reopen().has_value());
    REQUIRE(table.table().Flushed() == LogPosition());
  }
  REQUIRE(told == 20);
}

TEST_CASE("damage is looked for once at a time", "[table]") {
  const LogCapture log;
  TableHarness table;
  REQUIRE(table.Open().has_value());
  table.Introduce(1, {{1, 10, 100}});
  REQUIRE(table.Flush().has_value());
  for (int i = 0; i < 100; ++i) table.table().CheckDamage();
  // One for each file, so that others have their turn in between.
  size_t jobs = 0;
  while (table.executor().RunOne()) ++jobs;
  REQUIRE(jobs == 2);
  table.table().CheckDamage();
  REQUIRE(table.executor().RunOne());
}

TEST_CASE("what a check finds is set aside before it has seen all files", "[table]") {
  const LogCapture log;
  TableHarness harness;
  REQUIRE(harness.Open().has_value());
  harness.options().merge.parts_min = 100;
  REQUIRE(harness.Reopen().has_value());
  for (uint64_t position = 1; position <= 5; ++position) {
    harness.Introduce(position, {{1, static_cast<int64_t>(position), 1}});
    REQUIRE(harness.Flush().has_value());
  }
  const auto part = [&](size_t i) {
    return "shard-0/" + PartFileName(harness.Current()->parts[i].part->info().number);
  };
  for (const std::string& name : {part(1), part(3)}) {
    REQUIRE(harness.fs().FlipBits(name, 20, 0xff).has_value());
  }
  std::vector<size_t> damaged;
  harness.table().CheckDamage();
  while (harness.executor().RunOne()) {
    const size_t now = harness.Current()->damaged.size();
    if (damaged.empty() || damaged.back() != now) damaged.push_back(now);
  }
  REQUIRE(damaged == std::vector<size_t>{0, 1, 2});
  REQUIRE(harness.Read().size() == 3);
}

TEST_CASE("a merge does not take a neighbour for an input in which damage was found meanwhile",
          "[table]") {
  const LogCapture log;
  int refused = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    for (const size_t damaged : {0, 1, 2}) {
      CAPTURE(seed, damaged);
      TableHarness table(seed);
      table.options().merge.parts_min = 100;
      REQUIRE(table.Open().has_value());
      Rows rows;
      for (int64_t i = 0; i < 4; ++i) {
        table.Introduce(static_cast<uint64_t>(i) + 1, {{static_cast<uint64_t>(i), i, i}});
        REQUIRE(table.Flush().has_value());
        if (static_cast<size_t>(i) != damaged) rows[{static_cast<uint64_t>(i), i}] = {1, i};
      }
      REQUIRE(table.Current()->parts.size() == 4);
      // The head, which merges do not read again.
      const std::string name = PartFileName(table.Current()->parts[damaged].part->info().number);
      REQUIRE(table.fs().FlipBits("shard-0/" + name, 0, 0xff).has_value());
      table.table().CheckDamage();
      table.table().MergeAll(
          [&](const Result<>& merged) { refused += merged.has_value() ? 0 : 1; });
      table.executor().RunUntilIdle();
      if (table.Current()->damaged.empty()) continue;  // it was merged before
      REQUIRE(table.Read() == rows);
      REQUIRE(table.Reopen().has_value());
      REQUIRE(table.Read() == rows);
    }
  }
  REQUIRE(refused > 0);
}

TEST_CASE("an idle table has no job left, so that closing it waits for nobody", "[table]") {
  for (uint64_t seed = 1; seed <= 8; ++seed) {
    CAPTURE(seed);
    TableHarness table(seed);
    table.options().merge.parts_min = 2;
    REQUIRE(table.Open().has_value());
    size_t idle = 0;
    for (uint64_t batch = 1; batch <= 6; ++batch) {
      table.Introduce(batch, {{batch, 10, 100}});
      bool flushed = false;
      table.table().Flush([&](const Result<>& result) { flushed = result.has_value(); });
      for (;;) {
        const bool is_idle = table.table().IsIdle();
        idle += is_idle ? 1 : 0;
        const bool ran = table.executor().RunOne();
        REQUIRE_FALSE((is_idle && ran));
        if (!ran) break;
      }
      REQUIRE(flushed);
    }
    REQUIRE(idle >= 6);
  }
}

TEST_CASE("a flush without space is tried again when there is some", "[table]") {
  TableHarness harness;
  LogCapture log;
  REQUIRE(harness.Open().has_value());
  harness.Introduce(1, {{1, 100, 5}});
  harness.fs().SetLimits({1, 1000});
  REQUIRE(harness.Flush().error().code == ErrorCode::kNoSpace);
  REQUIRE(harness.no_space() == 1);
  REQUIRE(harness.Read().size() == 1);
  REQUIRE(harness.table().OldestUnflushed() == LogPosition(1));
  harness.fs().SetLimits({});
  harness.executor().Advance(2 * kNanosPerSecond);
  REQUIRE(harness.Current()->parts.size() == 1);
  REQUIRE(CountEnding(harness.Files(), ".tmp") == 0);
}

TEST_CASE("a flush that failed is not tried again with each commit", "[table]") {
  TableHarness harness;
  const LogCapture log;
  harness.options().flush_bytes = 1;
  REQUIRE(harness.Open().has_value());
  harness.fs().SetLimits({1, 1000});
  for (uint64_t position = 1; position <= 50; ++position) {
    harness.Introduce(position, {{1, static_cast<int64_t>(position), 5}});
  }
  REQUIRE(harness.no_space() == 1);
  harness.fs().SetLimits({});
  harness.executor().Advance(2 * kNanosPerSecond);
  REQUIRE(harness.Current()->mem_parts.empty());
  // The next one does not wait.
  harness.Introduce(51, {{1, 51, 5}});
  REQUIRE(harness.Current()->mem_parts.empty());
  REQUIRE(harness.Read().size() == 51);
}

TEST_CASE("a merge that would fill the disk waits, and writers go on", "[table]") {
  TableHarness harness;
  const LogCapture log;
  harness.options().merge.parts_min = 2;
  REQUIRE(harness.Open().has_value());
  harness.SetMergeRoom(100);
  for (uint64_t position = 1; position <= 4; ++position) {
    harness.Introduce(position, {{1, static_cast<int64_t>(position), 5}});
    REQUIRE(harness.Flush().has_value());
  }
  REQUIRE(harness.MergeAll().has_value());
  REQUIRE(harness.Current()->parts.size() == 4);
  // What another one took meanwhile is found out by the disk.
  harness.SetMergeRoom(1 << 20);
  harness.fs().SetLimits({1, 1000});
  REQUIRE(harness.MergeAll().error().code == ErrorCode::kNoSpace);
  REQUIRE(harness.no_space() == 0);
  harness.fs().SetLimits({});
  REQUIRE(harness.MergeAll().has_value());
  REQUIRE(harness.Current()->parts.size() == 1);
  REQUIRE(harness.Read().size() == 4);
}

TEST_CASE("rows of a dead subject leave with the next flush or merge", "[table]") {
  TableHarness harness;
  bool live = true;
  harness.options().is_live = [&](SubjectId) { return live; };
  REQUIRE(harness.Open().has_value());
  harness.Introduce(1, {{1, 100, 5}});
  REQUIRE(harness.Flush().has_value());
  harness.Introduce(2, {{1, 200, 5}});
  live = false;
  REQUIRE(harness.Flush().has_value());
  REQUIRE(harness.Current()->parts.size() == 1);
  REQUIRE(harness.table().Flushed() == LogPosition(2));
  harness.options().merge.parts_min = 1;
  REQUIRE(harness.MergeAll().has_value());
}

TEST_CASE("rows that arrive together become one mem part", "[table]") {
  TableHarness harness;
  REQUIRE(harness.Open().has_value());
  int done = 0;
  for (uint64_t position = 1; position <= 5; ++position) {
    // Twice the same row, of different versions, and one of its own.
    harness.HandOver(position, {{7, 1, 100}, {position, 2, 200}}, position == 3 ? 9 : 1,
                     [&] { ++done; });
  }
  harness.executor().RunUntilIdle();
  REQUIRE(done == 5);
  const auto parts = harness.Current()->mem_parts;
  REQUIRE(parts.size() == 1);
  REQUIRE(parts[0]->first_position() == LogPosition(1));
  REQUIRE(parts[0]->last_position() == LogPosition(5));
  REQUIRE(parts[0]->entries().size() == 6);
  const Rows rows = harness.Read();
  REQUIRE(rows.size() == 6);
  REQUIRE(rows.at({7, 1}).first == 9);
  REQUIRE(harness.Flush().has_value());
  REQUIRE(harness.table().Flushed() == LogPosition(5));
  REQUIRE(harness.Read() == rows);
}

TEST_CASE("what arrives together is no larger than a flush", "[table]") {
  TableHarness harness;
  const size_t flush_bytes = OpenForSmallFlushes(harness);
  harness.StallLog();
  for (uint64_t position = 1; position <= 500; ++position) {
    harness.HandOver(position, {{1, static_cast<int64_t>(position), 1}}, 1, [] {});
  }
  harness.executor().RunUntilIdle();
  const auto parts = harness.Current()->mem_parts;
  REQUIRE(parts.size() < 100);
  for (const auto& part : parts) REQUIRE(part->memory_bytes() <= flush_bytes);
  harness.EndStall();
  REQUIRE(harness.Read().size() == 500);
}

TEST_CASE("rows whose introduction never comes leave with the process", "[table]") {
  TableHarness harness;
  REQUIRE(harness.Open().has_value());
  const size_t before = harness.ledger().used_bytes();
  for (uint64_t position = 1; position <= 5; ++position) {
    harness.HandOver(position, {{1, static_cast<int64_t>(position), 1}}, 1, [] {});
  }
  REQUIRE(harness.ledger().used_bytes() > before);
  harness.executor().DropAll();
  REQUIRE(harness.ledger().used_bytes() == before);
  REQUIRE(harness.Reopen().has_value());
  REQUIRE(harness.Read().empty());
}

TEST_CASE("many small commits become few mem parts", "[table]") {
  TableHarness harness;
  REQUIRE(harness.Open().has_value());
  for (uint64_t position = 1; position <= 300; ++position) {
    harness.Introduce(position, {{position % 10, static_cast<int64_t>(position), 1}});
  }
  REQUIRE(harness.Read().size() == 300);
  REQUIRE(harness.Current()->mem_parts.size() < 48);
  REQUIRE(harness.Flush().has_value());
  REQUIRE(harness.Read().size() == 300);
}

TEST_CASE("mem parts stay few while a flush takes long, and when very many commits come",
          "[table]") {
  TableHarness harness;
  harness.options().flush_interval_nanos = 3600 * kNanosPerSecond;
  REQUIRE(harness.Open().has_value());
  harness.Introduce(1, {{1, 1, 1}});
  harness.StallLog();
  bool flushed = false;
  harness.table().Flush([&](const Result<>& result) { flushed = result.has_value(); });
  uint64_t position = 2;
  for (; position <= 6000; ++position) {
    harness.Introduce(position, {{position % 10, static_cast<int64_t>(position), 1}});
  }
  REQUIRE_FALSE(flushed);
  REQUIRE(harness.Current()->mem_parts.size() < 300);
  harness.EndStall();
  REQUIRE(flushed);
  REQUIRE(harness.Flush().has_value());
  REQUIRE(harness.Read().size() == 6000);
}

TEST_CASE("what is coalesced stays below the bytes of a flush", "[table]") {
  TableHarness harness;
  const size_t flush_bytes = OpenForSmallFlushes(harness);
  harness.StallLog();
  for (uint64_t position = 1; position <= 5000; ++position) {
    harness.Introduce(position, {{1, static_cast<int64_t>(position), 1}});
  }
  for (const auto& part : harness.Current()->mem_parts) {
    REQUIRE(part->memory_bytes() <= flush_bytes);
  }
  harness.EndStall();
  REQUIRE(harness.Flush().has_value());
  REQUIRE(harness.Read().size() == 5000);
}

TEST_CASE("many small index runs become few", "[table]") {
  TableHarness harness;
  REQUIRE(harness.Open().has_value());
  for (uint64_t position = 1; position <= 30; ++position) {
    harness.Introduce(position, {{position, 100, 1}});
    REQUIRE(harness.Flush().has_value());
  }
  REQUIRE(harness.Current()->runs.size() < 8);
  REQUIRE(harness.Series().size() == 30);
  REQUIRE(CountEnding(harness.Files(), ".idx") == harness.Current()->runs.size());
}

TEST_CASE("a failed sync of a part stops the process before its manifest is written", "[table]") {
  TableHarness harness;
  LogCapture log;
  REQUIRE(harness.Open().has_value());
  harness.Introduce(1, {{1, 100, 5}});
  std::vector<std::string> effects;
  harness.fs().SetObserver(
      [&](uint64_t, std::string_view effect) { effects.emplace_back(effect); });
  REQUIRE(harness.Flush().has_value());
  harness.fs().SetObserver(nullptr);
  // The part and the run are synced under their names before the manifest exists under its own.
  const auto first = [&](std::string_view verb, std::string_view suffix) {
    const auto found = std::find_if(effects.begin(), effects.end(), [&](const std::string& line) {
      return line.starts_with(verb) && line.ends_with(suffix);
    });
    CAPTURE(verb, suffix);
    REQUIRE(found != effects.end());
    return found - effects.begin();
  };
  REQUIRE(first("rename", ".part") < first("rename", ".snp"));
  REQUIRE(first("rename", ".idx") < first("rename", ".snp"));
}

// Random work with crashes at random places: what a durable manifest covered is there, and what is
// there was introduced.
void PlayWithCrashes(uint64_t seed, MemoryFileSystem::NameOrder order) {
  CAPTURE(seed);
  LogCapture log;
  TableHarness harness(seed);
  SeededRandom random(seed);
  REQUIRE(harness.Open().has_value());
  std::map<uint64_t, Rows> by_position;
  uint64_t position = 0;
  for (int step = 0; step < 60; ++step) {
    const uint64_t dice = random.Below(10);
    if (dice < 5) {
      ++position;
      const auto value = static_cast<int64_t>(random.Below(1000));
      const uint64_t series = random.Below(5);
      const auto time = static_cast<int64_t>(random.Below(20));
      harness.Introduce(position, {{series, time, value}}, static_cast<int64_t>(position));
      by_position[position] = {{{series, time}, {static_cast<int64_t>(position), value}}};
    } else if (dice < 8) {
      REQUIRE(harness.Flush().has_value());
    } else if (dice < 9) {
      REQUIRE(harness.MergeAll().has_value());
    } else {
      // Dies somewhere inside a flush.
      harness.table().Flush([](const Result<>&) {});
      for (uint64_t jobs = random.Below(8); jobs > 0; --jobs) harness.executor().RunOne();
      const LogPosition flushed = harness.table().Flushed();
      harness.Crash(order);
      REQUIRE(harness.Open().has_value());
      REQUIRE(!harness.table().ReadOnly().has_value());
      REQUIRE(harness.Current()->damaged.empty());
      REQUIRE(harness.table().Flushed() >= flushed);
      // The log brings the rest.
      const uint64_t recovered = harness.table().Flushed().value();
      position = std::max(position, recovered);
      for (const auto& [at, rows] : by_position) {
        if (at <= recovered) continue;
        for (const auto& [key, value] : rows) {
          harness.Introduce(at, {{key.first, key.second, value.second}}, value.first);
        }
      }
    }
    Rows expected;
    for (const auto& [at, rows] : by_position) {
      for (const auto& [key, value] : rows)
        expected[key] = value;  // later positions, higher versions
    }
    REQUIRE(harness.Read() == expected);
  }
}

TEST_CASE("nothing that a manifest covers is lost in a crash, whatever the disk kept",
          "[table][crash]") {
  const uint64_t seed = TestSeed(1);
  const auto order =
      GENERATE(MemoryFileSystem::NameOrder::kStrong, MemoryFileSystem::NameOrder::kWeak);
  for (int round = 0; round < TestRounds(30); ++round) {
    PlayWithCrashes(seed + static_cast<uint64_t>(round), order);
  }
}

}  // namespace
}  // namespace ficus
