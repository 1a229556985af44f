// A group whose files are pinned at one log position, and what of it a snapshot takes over.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/base/result.h"
#include "engine/io/file_system.h"
#include "engine/model/catalog.h"
#include "engine/model/ids.h"
#include "engine/snapshot/snapshot_contents.h"
#include "engine/table/manifest.h"
#include "engine/table/seal_line.h"

namespace ficus {

struct PinnedGroup {
  Catalog catalog = Catalog::kMeasure;
  std::string name;
  GroupId id;
  std::string directory;              // below the root; empty when it has none yet
  std::vector<std::string> segments;  // directories that hold a segment's identity
  std::vector<PinnedTable> tables;
  std::vector<std::shared_ptr<const void>> holds;  // keep the directories where they are
  // What is missing although the rest is good: damaged files and segments.
  std::vector<std::string> damage;
};

// The files of a group as a snapshot has them. Paths of the snapshot begin with the group's name.
struct GroupFiles {
  struct Link {
    std::string source;  // below the root
    SnapshotFile file;
    // What the manifest beside it says instead when the source is gone; none: there is no snapshot
    // without it.
    std::optional<DamageRecord> if_gone;
  };
  struct NewManifest {
    Manifest manifest;
    std::string path;
  };
  std::vector<std::string> directories;  // parents first
  std::vector<Link> links;
  std::vector<NewManifest> manifests;
};

// Reads the identities, which are small, and nothing else. kCorruption: an identity is damaged.
Result<GroupFiles> FilesOf(FileSystem& fs, const PinnedGroup& group);

}  // namespace ficus
