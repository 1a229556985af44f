// What a restore would do, before it does anything: which backup, which of its files, what of the
// node they replace, how much room that needs, and what retention would remove of it.
//
// Planning reads the store and the root and changes neither. A run does exactly what its plan says.
#pragma once

#include <cstdint>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/random.h"
#include "engine/base/result.h"
#include "engine/io/file_system.h"
#include "engine/model/catalog.h"
#include "engine/model/ids.h"
#include "engine/schema/schema_object.h"
#include "server/backup/manifest.h"
#include "server/backup/restore_download.h"
#include "server/remote/object_store.h"

namespace ficus {

// What of a backup is wanted. Neither: the whole node.
struct RestoreSelection {
  std::vector<std::string> catalogs;  // folders: "measure", ...; each whole
  std::vector<std::string> groups;    // names
  bool whole_node() const { return catalogs.empty() && groups.empty(); }
};

struct RestoreRequest {
  std::string timedir;
  std::optional<uint64_t> generation;  // none: the commit that counts
  RestoreSelection selection;
  bool allow_degraded = false;
  // A time directory without records of ours, as a copy by another tool leaves it: taken if it
  // holds our files, checked by their own checksums alone.
  bool foreign = false;
  std::vector<std::string> markers;  // files below the root that asked for it
};

// All of it outlives the call.
struct RestoreParts {
  FileSystem& fs;  // rooted at the node's root
  ObjectStore& store;
  const Clock& clock;
  RandomSource& random;
};

struct PlannedGroup {
  Catalog catalog = Catalog::kMeasure;
  std::string name;
  GroupId backup_id;
  uint32_t shard_count = 1;
  uint64_t files = 0;
  uint64_t bytes = 0;
  bool is_replaced = false;  // a group of this name lies below the root
  // What its time to live would remove at once; retention is on hold until somebody lifts it.
  uint64_t expired_segments = 0;
  uint64_t expired_bytes = 0;
};

struct PlannedRestoreFile {
  BackupObject object;
  Catalog catalog = Catalog::kMeasure;
  std::string group;
  std::string path;  // where it lies below a tree: "measure/data/<group>/..."
  HashCheck check = HashCheck::kRequired;
};

struct RestorePlan {
  std::string timedir;
  uint64_t generation = 0;
  std::string run;
  uint64_t node_id = 0;
  LogPosition position;
  Scn scn;
  UnixNanos taken_at = 0;
  bool whole_node = true;
  bool verified = false;
  std::vector<std::string> missing;  // of a degraded backup
  std::vector<Catalog> whole_catalogs;

  std::vector<PlannedGroup> groups;       // by catalog and name, without `_schema`
  std::vector<PlannedRestoreFile> files;  // by path
  std::vector<SchemaObject> objects;      // schema of `groups`
  std::vector<std::string> removed;       // "measure/name": there now, not in the backup
  uint64_t bytes = 0;                     // of `files`
  uint64_t needed_bytes = 0;              // with a margin
  uint64_t free_bytes = 0;
};

// kInvalidArgument: no name of a time directory, or a catalog or group the backup does not hold.
// kNotFound: nothing of ours lies in the time directory. kFailedPrecondition: an unfinished or (not
// allowed) degraded backup; one of single groups while the whole node is wanted; files of another
// program. kCorruption: its records or its schema are damaged, or the last verification found
// damage.
Result<RestorePlan> PlanRestore(const RestoreParts& parts, const RestoreRequest& request,
                                std::stop_token stop);

// kNoSpace tells how much is missing; `staged_bytes` of the plan lie there already.
Result<> CheckSpace(const RestorePlan& plan, uint64_t staged_bytes);

// A hundredth of what is restored, and this much, stay free.
inline constexpr uint64_t kRestoreMarginBytes = 64 << 20;

}  // namespace ficus
