// Every byte of every kind of file of a small node is changed. The node then says which file is
// damaged and keeps it, serves what does not depend on it, and never shows anything wrong.
#include <algorithm>
#include <cstdio>
#include <map>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/log.h"
#include "engine/io/publish.h"
#include "engine/snapshot/snapshot_store.h"
#include "test/crash/workload.h"

namespace ficus {
namespace {

constexpr uint8_t kMasks[] = {0x01, 0x80, 0xff};

// A node that was stopped, and what it holds.
struct Stopped {
  Workload workload;
  World world;

  Stopped() {
    workload.Prepare();
    for (const CrashOp op : {CrashOp::kBatch, CrashOp::kFlush, CrashOp::kSnapshot, CrashOp::kPut}) {
      workload.Run(op);
    }
    REQUIRE(workload.Check().has_value());
    world = workload.expected().worlds.back();
    workload.node().Close();
  }
  MemoryFileSystem& fs() { return workload.node().fs(); }
  MemoryFileSystem& log_fs() { return workload.node().log_fs(); }
};

void ListFiles(FileSystem& fs, const std::string& directory, std::vector<std::string>& files) {
  const auto entries = fs.List(directory);
  REQUIRE(entries.has_value());
  for (const DirectoryEntry& entry : *entries) {
    const std::string path = directory.empty() ? entry.name : JoinPath(directory, entry.name);
    if (entry.is_directory) {
      ListFiles(fs, path, files);
    } else {
      files.push_back(path);
    }
  }
}

// Files of the measure group and the snapshots with this ending.
std::vector<std::string> FilesEnding(FileSystem& fs, std::string_view ending) {
  std::vector<std::string> files;
  ListFiles(fs, "", files);
  std::erase_if(files, [&](const std::string& path) {
    return !path.ends_with(ending) || path.find("/snapshots/") != std::string::npos;
  });
  return files;
}

struct Counts {
  size_t flips = 0;
  size_t named = 0;     // the node says which file is damaged
  size_t harmless = 0;  // everything is there all the same
};

// Whether the bytes of a damaged file are still somewhere.
bool IsKept(FileSystem& fs, const std::string& path) {
  std::vector<std::string> files;
  ListFiles(fs, "", files);
  const std::string_view name = BaseName(path);
  return std::any_of(files.begin(), files.end(),
                     [&](const std::string& file) { return BaseName(file).starts_with(name); });
}

// What a started node complains about: errors of reading, damage, read-only tables.
struct Reading {
  NodeRows rows;
  std::string complaints;
};

Reading ReadAll(DatabaseHarness& node) {
  Reading reading;
  const auto complain = [&](const std::string& text) { reading.complaints += text + "\n"; };
  Database& database = node.database();
  if (const auto read_only = database.ReadOnly()) complain(read_only->reason);
  const auto schema = database.Schema();
  const SchemaObject* const group = schema->FindGroup(kWorldGroup);
  if (group == nullptr) return reading;
  const SchemaObject* const measure =
      schema->Find(SchemaKind::kMeasure, kWorldGroup, kWorldMeasure);
  const auto store = database.FindGroup(group->group_id);
  if (measure == nullptr || store == nullptr) return reading;
  for (const DamagedFile& damaged : store->DamagedSegments()) complain(damaged.path);
  // What no query reads is looked at, too.
  for (const auto& table : store->OpenTables()) table->CheckDamage();
  node.executor().RunUntilIdle();
  for (const auto& segment : store->Segments(TimeRange::All())) {
    for (const ShardId shard : segment->ExistingShards()) {
      const auto table = segment->Shard(shard);
      if (!table.has_value()) {
        complain(table.error().ToString());
        continue;
      }
      if (const auto reason = (*table)->ReadOnly()) complain(reason->ToString());
      const auto snapshot = (*table)->Current();
      for (const DamagedFile& damaged : snapshot->damaged) complain(damaged.path);
      const Result<> read = ReadTable(*snapshot, *measure, node.ledger(), reading.rows);
      if (!read.has_value()) complain(read.error().ToString());
    }
  }
  return reading;
}

class Flipper {
 public:
  explicit Flipper(Stopped& stopped) : stopped_(stopped) {}

  // One byte of one file. `is_log`: of the log's disk.
  void Flip(bool is_log, const std::string& path, uint64_t offset, uint8_t mask) {
    INFO(path << " byte " << offset << " mask " << static_cast<int>(mask));
    ++counts_.flips;
    DatabaseHarness node(100);
    MakeTiny(node.options());
    node.clock().StepWall(stopped_.workload.now() - node.now());
    auto fs = stopped_.fs().Clone();
    auto log_fs = stopped_.log_fs().Clone();
    REQUIRE((is_log ? log_fs : fs)->FlipBits(path, offset, mask).has_value());
    node.UseDisks(std::move(fs), std::move(log_fs));
    const Result<> opened = node.Open();
    const std::string name(BaseName(path));
    FileSystem& disk = is_log ? node.log_fs() : node.fs();
    if (!opened.has_value()) {
      INFO(opened.error().ToString());
      REQUIRE(opened.error().ToString().find(name) != std::string::npos);
      REQUIRE(IsKept(disk, path));
      ++counts_.named;
      return;
    }
    Judge(node, name);
    REQUIRE(IsKept(disk, path));
  }

  void FlipAll(bool is_log, const std::string& path, uint64_t bytes_max) {
    FileSystem& disk = is_log ? static_cast<FileSystem&>(stopped_.log_fs()) : stopped_.fs();
    const auto status = disk.Status(path);
    REQUIRE(status.has_value());
    const uint64_t bytes = std::min(status->size_bytes, bytes_max);
    for (uint64_t offset = 0; offset < bytes; ++offset) {
      Flip(is_log, path, offset, kMasks[offset % std::size(kMasks)]);
    }
  }

  void Report(const char* what) const {
    std::printf("%s: %zu flips, %zu named, %zu harmless\n", what, counts_.flips, counts_.named,
                counts_.harmless);
    REQUIRE(counts_.flips > 0);
  }

 private:
  void Judge(DatabaseHarness& node, const std::string& name) {
    const Reading reading = ReadAll(node);
    INFO(reading.complaints);
    // Nothing is shown that was not written, also where something is missing.
    for (const auto& [key, value] : reading.rows) {
      const auto expected = stopped_.world.rows.find(key);
      REQUIRE(expected != stopped_.world.rows.end());
      if (reading.complaints.find(name) == std::string::npos) REQUIRE(expected->second == value);
    }
    const bool is_named = reading.complaints.find(name) != std::string::npos;
    if (is_named) {
      ++counts_.named;
      // Another shard is served as before.
      REQUIRE(!reading.rows.empty());
      return;
    }
    REQUIRE(reading.rows == stopped_.world.rows);
    ++counts_.harmless;
  }

  Stopped& stopped_;
  Counts counts_;
};

void FlipFiles(const char* ending, const char* what) {
  LogCapture log;
  Stopped stopped;
  Flipper flipper(stopped);
  for (const std::string& path : FilesEnding(stopped.fs(), ending)) {
    if (path.starts_with("measure/data/")) flipper.FlipAll(false, path, UINT64_MAX);
  }
  flipper.Report(what);
}

TEST_CASE("every changed byte of a part is found", "[crash][flip]") { FlipFiles(".part", "parts"); }
TEST_CASE("every changed byte of an index run is found", "[crash][flip]") {
  FlipFiles(".idx", "index runs");
}
TEST_CASE("every changed byte of a manifest is found", "[crash][flip]") {
  FlipFiles(".snp", "manifests");
}

TEST_CASE("every changed byte of the log is found, or means nothing", "[crash][flip]") {
  LogCapture log;
  Stopped stopped;
  Flipper flipper(stopped);
  for (const std::string& path : FilesEnding(stopped.log_fs(), ".log")) {
    flipper.FlipAll(true, path, UINT64_MAX);
  }
  flipper.Report("log");
}

TEST_CASE("every changed byte of the list of a snapshot is found", "[crash][flip]") {
  LogCapture log;
  Stopped stopped;
  REQUIRE(stopped.workload.expected().snapshots.size() == 1);
  const std::string id = stopped.workload.expected().snapshots.begin()->first;
  const std::string path = "snapshots/" + id + ".contents";
  const auto status = stopped.fs().Status(path);
  REQUIRE(status.has_value());
  size_t flips = 0;
  for (uint64_t offset = 0; offset < status->size_bytes; ++offset) {
    for (const uint8_t mask : kMasks) {
      INFO("byte " << offset << " mask " << static_cast<int>(mask));
      auto fs = stopped.fs().Clone();
      REQUIRE(fs->FlipBits(path, offset, mask).has_value());
      SeededRandom random(1);
      SnapshotStore store(*fs, random);
      const auto read = store.Read(id);
      REQUIRE(!read.has_value());
      REQUIRE(read.error().ToString().find(id) != std::string::npos);
      // What it names is not known, so nothing is cleared away.
      REQUIRE(store.RemoveUnfinished().has_value());
      REQUIRE(fs->Digest("") != stopped.fs().Digest(""));
      REQUIRE(fs->FlipBits(path, offset, mask).has_value());
      REQUIRE(fs->Digest("") == stopped.fs().Digest(""));
      ++flips;
    }
  }
  std::printf("lists of snapshots: %zu flips, %zu named\n", flips, flips);
}

}  // namespace
}  // namespace ficus
