// Reads a whole snapshot again and says what is wrong with it.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/io/file_system.h"
#include "engine/snapshot/snapshot_contents.h"

namespace ficus {

struct SnapshotDamage {
  std::string path;  // below the root
  std::string reason;
  friend bool operator==(const SnapshotDamage&, const SnapshotDamage&) = default;
};

struct SnapshotVerification {
  uint64_t files = 0;
  uint64_t bytes = 0;
  std::vector<SnapshotDamage> damage;  // all of it, by path within a catalog
};

// Compares every file with the list (presence, size, checksum), verifies every section of parts and
// runs, and checks that each shard has one manifest that names exactly the listed files beside it,
// and that nothing else lies there. Errors only when looking itself is impossible: kCancelled.
// Blocking; reads every byte.
Result<SnapshotVerification> VerifySnapshotFiles(FileSystem& fs, const SnapshotContents& contents,
                                                 const std::stop_token& stop);

}  // namespace ficus
