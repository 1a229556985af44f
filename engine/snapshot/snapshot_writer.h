// Makes a snapshot out of pinned groups: links, manifests, and the list last.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "engine/io/file_system.h"
#include "engine/io/io_pool.h"
#include "engine/snapshot/pinned_group.h"
#include "engine/snapshot/snapshot_contents.h"
#include "engine/snapshot/snapshot_store.h"

namespace ficus {

// What a snapshot is to hold. The names are free.
struct SnapshotDraft {
  SnapshotContents contents;                     // its catalogs without groups and files
  std::vector<std::vector<PinnedGroup>> groups;  // beside each catalog
};

struct SnapshotTimes {
  int64_t link_nanos = 0;  // directories and hard links
  int64_t sync_nanos = 0;  // manifests, and every directory
  int64_t list_nanos = 0;  // the contents list
};

// One use, from one thread; blocking. Nothing of it is visible before the list is, and on an error
// what was made is removed: the disk refuses a link or is full, or `stopped` says true
// (kCancelled). A group whose identity is damaged is left out and named in its catalog's error; a
// part or an index run that was set aside after it was pinned is damaged in the manifest beside it,
// and named there, too.
class SnapshotWriter {
 public:
  // `sync_threads` wait for the disk beside the calling one: a hundred directories synced one after
  // another take thirty times as long as together. 0: effects come in a fixed order.
  SnapshotWriter(FileSystem& fs, const Clock& clock, SnapshotStore& store, size_t sync_threads,
                 std::function<bool()> stopped)
      : fs_(fs),
        clock_(clock),
        store_(store),
        stopped_(std::move(stopped)),
        sync_pool_(sync_threads) {}

  Result<SnapshotContents> Write(SnapshotDraft draft);
  const SnapshotTimes& times() const { return times_; }

 private:
  // The files of a catalog and where they come from.
  struct Tree {
    std::string folder;  // of the paths below
    std::string root;    // what is removed as a whole
    std::vector<std::string> directories;
    std::vector<GroupFiles::Link> links;
    std::vector<GroupFiles::NewManifest> manifests;
  };

  void Collect(CatalogSnapshot& catalog, const std::vector<PinnedGroup>& groups);
  Result<> Make(SnapshotContents& contents);
  Result<> MakeDirectories(const Tree& tree);
  Result<> LinkFiles(Tree& tree, CatalogSnapshot& catalog);
  bool IsGone(const GroupFiles::Link& link) const;
  static void RecordGone(const GroupFiles::Link& link, Tree& tree, CatalogSnapshot& catalog);
  Result<> WriteManifests(SnapshotContents& contents);
  Result<> SyncDirectories();
  void Undo(const SnapshotContents& contents);

  FileSystem& fs_;
  const Clock& clock_;
  SnapshotStore& store_;
  const std::function<bool()> stopped_;
  IoPool sync_pool_;
  std::vector<Tree> trees_;  // one for each catalog
  SnapshotTimes times_;
};

// Adds a sentence to the error text of a catalog.
void AddCatalogError(CatalogSnapshot& catalog, std::string_view error);

}  // namespace ficus
