// Decides for each file of a snapshot how it comes into the backup: it is there already, it is
// copied inside the store, or it is sent.
//
// What makes two contents the same is their SHA-256. Group id, path, size and checksum of a section
// file only tell which hash it had when it was backed up before: a group made anew has another id,
// and a file number is never used again, so the key cannot mean two contents. Manifests and
// identities are hashed whatever their key says: they end with their own CRC-32C, which gives all
// of them one and the same checksum. Where the key says nothing but an object of equal size and
// checksum exists, the local file is hashed to find out.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/snapshot/snapshot_contents.h"
#include "server/backup/layout.h"
#include "server/backup/manifest.h"
#include "server/backup/run_journal.h"
#include "server/backup/run_status.h"

namespace ficus {

struct PlannedFile {
  size_t catalog = 0;   // index in SnapshotContents::catalogs
  size_t file = 0;      // index in its files
  BackupObject object;  // without sha256 when it is yet to be sent
  ObjectRoute route = ObjectRoute::kSent;
  std::string copy_from;  // for kCopied
  bool is_done = false;   // by this very run, before it was interrupted
};

struct BackupPlan {
  std::vector<PlannedFile> files;  // by key
  RunCounts counts;
  // Keys that the place holds with other content, which must stay: the place cannot be used.
  std::vector<std::string> conflicts;
};

struct PlanRequest {
  const SnapshotContents& contents;
  std::string_view place;
  std::function<std::string(std::string_view folder, std::string_view path)> key_of;
  const std::vector<KnownBackup>& known;
  // What this run has written before it was interrupted.
  const std::vector<JournaledObject>& done;
  bool can_copy = true;  // whether the store can copy inside itself
  // Of a local file; called for small ones, and for few of the others. A damaged file is planned to
  // be sent, which names the damage.
  std::function<Result<Sha256>(const CatalogSnapshot&, const SnapshotFile&)> hash;
};

// Pure but for `hash`; its errors other than kCorruption end the planning.
Result<BackupPlan> MakePlan(const PlanRequest& request);

// Adds a file to the counts of its route; the totals are untouched.
void CountFile(ObjectRoute route, uint64_t bytes, RunCounts& counts);

}  // namespace ficus
