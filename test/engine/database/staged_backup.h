// A backup of a node in memory made by hand, and its staging below another root: what a tool does
// with objects of a store, here with the files of a flushed and closed database.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/base/random.h"
#include "engine/database/restore_journal.h"
#include "engine/database/restore_tree.h"
#include "engine/io/memory_file_system.h"
#include "engine/io/publish.h"
#include "engine/model/names.h"
#include "engine/schema/schema_codec.h"
#include "engine/segment/group_store.h"
#include "engine/table/manifest.h"
#include "test/engine/database/database_harness.h"

namespace ficus {

inline std::string DataOf(Catalog catalog) { return JoinPath(CatalogName(catalog), "data"); }

struct HandMadeBackup {
  std::unique_ptr<MemoryFileSystem> fs;
  uint64_t node_id = 0;
  GroupStore::Recorded recorded;
  UnixNanos taken_at = 0;
};

// Flushes everything, closes the node, copies its files, opens the node again.
inline HandMadeBackup MakeBackup(DatabaseHarness& node) {
  HandMadeBackup backup;
  REQUIRE(node.FlushAll().has_value());
  backup.node_id = node.database().node_id();
  backup.taken_at = node.now();
  node.Close();
  backup.fs = node.fs().Clone();
  for (const Catalog catalog : {Catalog::kMeasure, Catalog::kProperty}) {
    const GroupStore::Recorded recorded = HighestRecorded(*backup.fs, DataOf(catalog));
    backup.recorded.position = std::max(backup.recorded.position, recorded.position);
    backup.recorded.scn = std::max(backup.recorded.scn, recorded.scn);
  }
  REQUIRE(node.Open().has_value());
  return backup;
}

class HandStaging {
 public:
  HandStaging(HandMadeBackup& backup, FileSystem& fs, RandomSource& random)
      : backup_(backup), fs_(fs), random_(random) {
    journal_.id = random.NextId();
    journal_.source = "memory:";
    journal_.timedir = "2026-11-20";
    journal_.generation = 1;
    journal_.run = "by-hand";
    journal_.backup_node_id = backup.node_id;
    journal_.backup_position = backup.recorded.position;
    journal_.backup_scn = backup.recorded.scn;
    journal_.taken_at = backup.taken_at;
  }

  RestoreJournal& journal() { return journal_; }

  // Everything, `_schema` included.
  void StageWholeNode() {
    journal_.whole_node = true;
    for (const Catalog catalog : {Catalog::kMeasure, Catalog::kProperty}) {
      for (const std::string& name : *ListGroupDirectories(*backup_.fs, catalog)) {
        if (name == kSchemaGroup) {
          CopyTree(JoinPath(DataOf(catalog), name), name, kSchemaGroupId);
        } else {
          StageGroupFiles(catalog, name);
        }
      }
    }
    Commit();
  }

  void StageGroups(const std::vector<std::string>& names,
                   const std::vector<Catalog>& whole_catalogs = {}) {
    journal_.whole_node = false;
    journal_.whole_catalogs = whole_catalogs;
    MemoryLedger ledger(size_t{1} << 30);
    const Result<StoredSchema> schema =
        ReadSchemaTree(*backup_.fs, DataOf(Catalog::kProperty), ledger);
    REQUIRE(schema.has_value());
    for (const SchemaObject& object : schema->objects) {
      const std::string& group =
          object.key.kind == SchemaKind::kGroup ? object.key.name : object.key.group;
      if (std::find(names.begin(), names.end(), group) != names.end()) {
        journal_.objects.push_back(object);
      }
    }
    for (const std::string& name : names) StageGroupFiles(Catalog::kMeasure, name);
    Commit();
  }

  void Commit() {
    journal_.state = RestoreState::kReady;
    REQUIRE(SyncTree(fs_, std::string(kRestoreDirectory)).has_value());
    REQUIRE(WriteRestoreJournal(fs_, random_, journal_).has_value());
  }

 private:
  void StageGroupFiles(Catalog catalog, const std::string& name) {
    const GroupIdentity identity = *ReadGroupIdentity(*backup_.fs, catalog, name);
    const GroupId id(random_.NextId());
    journal_.groups.push_back({catalog, name, identity.id, id});
    REQUIRE(HoldRetention(fs_, random_, id).has_value());
    CopyTree(JoinPath(DataOf(catalog), name), name, id);
  }

  void CopyTree(const std::string& directory, const std::string& group, GroupId id) {
    const std::string to = JoinPath(StagedFolder(journal_.id), directory);
    REQUIRE(CreateDirectories(fs_, to).has_value());
    const auto entries = backup_.fs->List(directory);
    REQUIRE(entries.has_value());
    std::string newest;
    for (const DirectoryEntry& entry : *entries) {
      Epoch epoch;
      if (ParseManifestFileName(entry.name, epoch)) newest = std::max(newest, entry.name);
    }
    for (const DirectoryEntry& entry : *entries) {
      const std::string path = JoinPath(directory, entry.name);
      Epoch epoch;
      if (entry.is_directory) {
        CopyTree(path, group, id);
        continue;
      }
      if (ParseManifestFileName(entry.name, epoch) && entry.name != newest) continue;
      std::string bytes = *ReadWholeFile(*backup_.fs, path, uint64_t{1} << 30, FileClass::kTool);
      if (NamesItsGroup(path)) bytes = *WithGroupId(path, bytes, group, id);
      REQUIRE(
          PublishFile(fs_, random_, JoinPath(to, entry.name), bytes, FileClass::kTool).has_value());
    }
  }

  HandMadeBackup& backup_;
  FileSystem& fs_;
  RandomSource& random_;
  RestoreJournal journal_;
};

}  // namespace ficus
