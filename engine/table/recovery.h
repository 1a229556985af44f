// What a table finds in its directory at start, and what it does about it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/table/garbage_cleaner.h"
#include "engine/table/manifest.h"
#include "engine/table/snapshot.h"
#include "engine/table/ts_table.h"

namespace ficus {

struct RecoveredTable {
  Manifest manifest;
  Epoch previous_manifest;  // the one file that is kept beside it; 0: none
  Snapshot snapshot;        // no mem parts, no epochs yet
  FileNumber next_file;
  std::shared_ptr<GarbageCleaner> cleaner;
  std::optional<Error> read_only;
};

// Reads the newest manifest, opens what it names, removes what a dead process left behind
// (temporaries, files that no manifest ever named, files it had not come round to removing), sets
// aside what is damaged. Touches nothing when the table opens read-only. kFailedPrecondition: the
// directory belongs to another group.
Result<RecoveredTable> RecoverTable(TableEnvironment& environment, const TableOptions& options);

// Moves entries of `manifest.parts` and `.runs` to `.damaged`.
void RecordDamage(Manifest& manifest, const std::vector<DamageRecord>& damage);

// Renames every damaged file of `manifest` that still lies among the live ones into
// `<directory>/quarantine/`. What cannot be moved stays where it is and is moved at the next start.
void MoveDamaged(FileSystem& fs, std::string_view directory, const Manifest& manifest);

DamagedFile DamagedFileOf(std::string_view directory, const DamageRecord& record);

inline constexpr std::string_view kQuarantineDirectory = "quarantine";

}  // namespace ficus
