// A node with a backup of itself and younger rows: what restores of it are tried on.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/database/restore_journal.h"
#include "test/engine/database/database_harness.h"
#include "test/engine/database/staged_backup.h"

namespace ficus {

inline constexpr char kCpu[] = "cpu";

inline NodeRow Row(DatabaseHarness& node, int64_t host, int64_t value) {
  return {host, node.now() - host * kNanosPerSecond, value, 1};
}

inline void MakeGroup(DatabaseHarness& node, const std::string& name) {
  REQUIRE(node.CreateGroup(name).has_value());
  REQUIRE(node.CreateMeasure(name, kCpu).has_value());
}

inline void WriteRows(DatabaseHarness& node, const std::string& group, int64_t from, int64_t to,
                      int64_t value) {
  std::vector<NodeRow> rows;
  for (int64_t host = from; host < to; ++host) rows.push_back(Row(node, host, value));
  const auto written = node.Write(group, kCpu, rows);
  REQUIRE(written.result.has_value());
  REQUIRE(written.refused.empty());
}

inline RestoreJournal JournalOf(FileSystem& fs) {
  const auto journal = ReadRestoreJournal(fs);
  REQUIRE(journal.has_value());
  REQUIRE(journal->has_value());
  return **journal;
}

// A node with two groups, a backup of it, and younger rows in both: flushed and not.
struct Scene {
  explicit Scene(uint64_t seed = 1) : node(seed) {
    REQUIRE(node.Open().has_value());
    MakeGroup(node, "web");
    MakeGroup(node, "db");
    WriteRows(node, "web", 0, 5, 1);
    WriteRows(node, "db", 0, 5, 1);
    backup = MakeBackup(node);
    web_then = node.Read("web", kCpu);
    db_then = node.Read("db", kCpu);
    WriteRows(node, "web", 5, 8, 2);
    WriteRows(node, "db", 5, 8, 2);
    REQUIRE(node.FlushAll().has_value());
    WriteRows(node, "web", 8, 11, 3);
    WriteRows(node, "db", 8, 11, 3);
    web_now = node.Read("web", kCpu);
    db_now = node.Read("db", kCpu);
    REQUIRE(web_then.size() == 5);
    REQUIRE(web_now.size() == 11);
  }

  DatabaseHarness node;
  HandMadeBackup backup;
  NodeRows web_then, db_then, web_now, db_now;
};

}  // namespace ficus
