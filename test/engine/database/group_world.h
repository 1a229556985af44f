// Groups on a disk in memory beside a log, driven by one deterministic executor: what the tests of
// the pieces behind the database's door play with.
#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/memory_ledger.h"
#include "engine/database/completion.h"
#include "engine/database/row_router.h"
#include "engine/io/memory_file_system.h"
#include "engine/segment/group_store.h"
#include "test/engine/database/node_rows.h"
#include "test/engine/wal/log_world.h"

namespace ficus {

inline constexpr SubjectId kSubject{42};
inline constexpr ColumnId kColumn{1};
inline constexpr const char* kMeasureName = "service_cpm";
inline constexpr UnixNanos kDay = 20'000 * kNanosPerDay;  // begins a day

// One life of a process. Its log is open and takes nothing before log().Start().
class GroupWorld {
 public:
  GroupWorld(FileSystem& fs, FileSystem& log_fs, size_t ledger_bytes = size_t{1} << 30)
      : fs_(fs), log_(log_fs), ledger_(ledger_bytes) {
    log_.Open();
  }
  ~GroupWorld() { Die(); }

  FileSystem& fs() { return fs_; }
  LogWorld& log() { return log_; }
  ManualClock& clock() { return log_.clock(); }
  DeterministicExecutor& executor() { return log_.executor(); }
  MemoryLedger& ledger() { return ledger_; }
  SeededRandom& random() { return random_; }

  // Days and two shards.
  static GroupStore::Options Options(const std::string& name, uint64_t id) {
    GroupStore::Options options;
    options.name = name;
    options.id = GroupId(id);
    options.layout.shard_count = 2;
    return options;
  }
  std::shared_ptr<GroupStore> Create(const std::string& name, uint64_t id) {
    return Keep(GroupStore::Create(Environment(), Options(name, id)));
  }
  std::shared_ptr<GroupStore> Open(const std::string& name, uint64_t id) {
    return Keep(GroupStore::Open(Environment(), Options(name, id)));
  }

  static KeyedRows Keyed(const GroupStore& store, const std::vector<NodeRow>& rows) {
    KeyedRows keyed;
    keyed.group = store.id();
    AddKeyedRows(keyed, kMeasureName, kSubject, kColumn, rows);
    return keyed;
  }
  // None of the rows is refused.
  static std::vector<Routed> Route(GroupStore& store, const std::vector<NodeRow>& rows) {
    std::vector<Routed> routed;
    std::vector<RefusedRow> refused;
    RouteRows(store, Keyed(store, rows), routed, refused);
    REQUIRE(refused.empty());
    return routed;
  }
  // What the log would hold of them.
  static std::vector<RoutedRows> RowsOf(const std::vector<Routed>& routed) {
    std::vector<RoutedRows> rows;
    for (const Routed& entry : routed) rows.push_back(entry.rows);
    return rows;
  }
  void Introduce(std::vector<Routed> routed, uint64_t position) {
    for (Routed& entry : routed) {
      Introduction introduction;
      introduction.position = LogPosition(position);
      introduction.scn = Scn(position * 10);
      introduction.entries = std::move(entry.rows.entries);
      REQUIRE(AddRows(introduction, std::move(entry.rows.rows)).has_value());
      entry.table->Introduce(std::move(introduction), [] {});
    }
    executor().RunUntilIdle();
  }
  void Write(GroupStore& store, uint64_t position, const std::vector<NodeRow>& rows) {
    Introduce(Route(store, rows), position);
  }

  static void FlushTables(GroupStore& store, std::function<void(Result<>)> done) {
    const auto countdown = std::make_shared<Countdown>(std::move(done));
    for (const auto& table : store.OpenTables()) {
      table->Flush([countdown](const Result<>& flushed) { countdown->Report(flushed); });
    }
  }
  void Flush(GroupStore& store) {
    Result<> result = Error{ErrorCode::kUnavailable, "not called"};
    FlushTables(store, [&](Result<> flushed) { result = std::move(flushed); });
    executor().RunUntilIdle();
    REQUIRE(result.has_value());
  }

  // Every row that the tables of a group show.
  NodeRows Read(GroupStore& store) {
    NodeRows rows;
    for (const auto& segment : store.Segments(TimeRange::All())) {
      for (const ShardId shard : segment->ExistingShards()) {
        const auto table = segment->Shard(shard);
        REQUIRE(table.has_value());
        ReadNodeRows(*(*table)->Current(), kSubject, kColumn, reading_, rows);
      }
    }
    return rows;
  }

  bool Exists(const std::string& path) { return fs_.Status(path).has_value(); }

  // Without a word: what waits on the executor is gone.
  void Die() {
    executor().DropAll();
    for (const auto& kept : stores_) {
      if (const auto store = kept.lock()) store->Close();
    }
    stores_.clear();
    log_.Die();
  }

 private:
  TableEnvironment Environment() {
    return {fs_,
            clock(),
            random_,
            ledger_,
            log_.metrics(),
            executor(),
            executor(),
            executor(),
            log_.log().id(),
            [](LogPosition, std::function<void()> done) { done(); },
            [](const Error&) {},
            [] {}};
  }
  std::shared_ptr<GroupStore> Keep(Result<std::unique_ptr<GroupStore>> opened) {
    REQUIRE(opened.has_value());
    std::shared_ptr<GroupStore> store = *std::move(opened);
    stores_.push_back(store);
    return store;
  }

  FileSystem& fs_;
  LogWorld log_;
  SeededRandom random_{1};
  MemoryLedger ledger_;
  MemoryLedger reading_{size_t{1} << 30};  // whatever the node has
  std::vector<std::weak_ptr<GroupStore>> stores_;
};

// The table in this directory opens read-only from the next time on.
inline void DamageNewestManifest(MemoryFileSystem& fs, const std::string& directory) {
  const auto entries = fs.List(directory);
  REQUIRE(entries.has_value());
  std::string newest;
  for (const DirectoryEntry& entry : *entries) {
    if (entry.name.ends_with(".snp")) newest = std::max(newest, entry.name);
  }
  REQUIRE_FALSE(newest.empty());
  REQUIRE(fs.FlipBits(JoinPath(directory, newest), 30, 1).has_value());
}

}  // namespace ficus
