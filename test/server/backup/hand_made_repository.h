// Puts the files of a closed node into a store as a committed backup, record by record: what the
// backup job does, without it.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include "engine/io/publish.h"
#include "engine/model/names.h"
#include "engine/schema/schema_codec.h"
#include "engine/segment/group_store.h"
#include "engine/snapshot/snapshot_name.h"
#include "server/backup/manifest.h"
#include "server/backup/repository_keys.h"
#include "server/remote/object_store.h"
#include "test/engine/database/staged_backup.h"

namespace ficus {

class HandMadeRepository {
 public:
  explicit HandMadeRepository(ObjectStore& store) : store_(store) {}

  // Objects and records of one backup.
  BackupManifest Put(HandMadeBackup& backup, const std::string& timedir,
                     TimedirForm form = TimedirForm::kReleased) {
    BackupManifest manifest = PutObjects(backup, timedir, form);
    Commit(manifest);
    return manifest;
  }

  BackupManifest PutObjects(HandMadeBackup& backup, const std::string& timedir, TimedirForm form) {
    BackupManifest manifest;
    manifest.run = "run-" + timedir;
    manifest.timedir = timedir;
    manifest.form = form;
    manifest.node_id = backup.node_id;
    manifest.log = LogId(1);
    manifest.position = backup.recorded.position;
    manifest.scn = backup.recorded.scn;
    manifest.taken_at = backup.taken_at;
    AddCatalog(backup, std::string(kSchemaSnapshotFolder), Catalog::kProperty, manifest);
    AddCatalog(backup, "property", Catalog::kProperty, manifest);
    AddCatalog(backup, "measure", Catalog::kMeasure, manifest);
    std::sort(manifest.objects.begin(), manifest.objects.end(),
              [](const auto& a, const auto& b) { return a.key < b.key; });
    return manifest;
  }

  void Commit(const BackupManifest& manifest) {
    REQUIRE(CheckManifest(manifest).has_value());
    const std::string text = EncodeBackupManifest(manifest);
    PutText(ManifestKey(manifest.timedir, manifest.generation), text);
    CommitRecord commit = CommitOf(manifest, text, 1, manifest.taken_at + 1);
    PutText(CommitKey(manifest.timedir, manifest.generation), EncodeCommit(commit));
  }

  void Verified(const BackupManifest& manifest, std::vector<DamagedObject> damaged = {}) {
    VerificationRecord record;
    record.timedir = manifest.timedir;
    record.generation = manifest.generation;
    record.commit_run = manifest.run;
    record.objects_read = manifest.objects.size();
    for (const BackupObject& object : manifest.objects) record.bytes_read += object.size_bytes;
    record.verified_at = manifest.taken_at + 2;
    record.damaged = std::move(damaged);
    PutText(VerifiedKey(manifest.timedir, manifest.generation), EncodeVerification(record));
  }

  void PutText(const std::string& key, std::string_view text) {
    const auto put = store_.Put(key, TextSource(text), {}, {});
    REQUIRE(put.has_value());
  }

 private:
  void AddCatalog(HandMadeBackup& backup, const std::string& folder, Catalog catalog,
                  BackupManifest& manifest) {
    BackupCatalog added;
    added.folder = folder;
    added.catalog = catalog;
    const bool wants_schema = folder == kSchemaSnapshotFolder;
    for (const std::string& name : *ListGroupDirectories(*backup.fs, catalog)) {
      if ((name == kSchemaGroup) != wants_schema) continue;
      const GroupIdentity identity = *ReadGroupIdentity(*backup.fs, catalog, name);
      added.groups.push_back({name, identity.id});
      AddFiles(backup, folder, DataOf(catalog), name, identity.id, manifest);
    }
    manifest.catalogs.push_back(added);
  }

  void AddFiles(HandMadeBackup& backup, const std::string& folder, const std::string& data,
                const std::string& path, GroupId group, BackupManifest& manifest) {
    const auto entries = backup.fs->List(JoinPath(data, path));
    REQUIRE(entries.has_value());
    std::string newest;
    Epoch epoch;
    for (const DirectoryEntry& entry : *entries) {
      if (ParseManifestFileName(entry.name, epoch)) newest = std::max(newest, entry.name);
    }
    for (const DirectoryEntry& entry : *entries) {
      const std::string below = JoinPath(path, entry.name);
      if (entry.is_directory) {
        AddFiles(backup, folder, data, below, group, manifest);
        continue;
      }
      if (ParseManifestFileName(entry.name, epoch) && entry.name != newest) continue;
      const std::string bytes =
          *ReadWholeFile(*backup.fs, JoinPath(data, below), uint64_t{1} << 30, FileClass::kTool);
      BackupObject object;
      object.folder = folder;
      object.path = below;
      object.key = FileKey(manifest.form, manifest.timedir, folder, below);
      object.size_bytes = bytes.size();
      object.sha256 = Sha256Of(bytes);
      object.group = group;
      PutText(object.key, bytes);
      manifest.objects.push_back(std::move(object));
    }
  }

  ObjectStore& store_;
};

// Every file but those of restores, by path.
using TreeContents = std::map<std::string, std::string>;
inline void ReadTree(FileSystem& fs, const std::string& folder, TreeContents& contents) {
  for (const DirectoryEntry& entry : *fs.List(folder)) {
    const std::string path = folder.empty() ? entry.name : JoinPath(folder, entry.name);
    if (path == kRestoreDirectory) continue;
    if (entry.is_directory) {
      contents[path + "/"] = "";
      ReadTree(fs, path, contents);
    } else {
      contents[path] = *ReadWholeFile(fs, path, uint64_t{1} << 30, FileClass::kTool);
    }
  }
}
inline TreeContents LivingTree(FileSystem& fs) {
  TreeContents contents;
  ReadTree(fs, "", contents);
  return contents;
}

}  // namespace ficus
