// Snapshots of a database, for its backups.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "engine/base/result.h"
#include "engine/database/database.h"
#include "engine/io/file_system.h"
#include "engine/schema/schema_snapshot.h"
#include "engine/snapshot/snapshot_request.h"
#include "server/backup/snapshot_source.h"

namespace ficus {

// What to ask a database for, so that the snapshot holds what `scope` names among `schema`'s
// groups; the schemas are always in. kNotFound when a name matches no group, or a folder is
// unknown.
Result<SnapshotRequest> ResolveScope(const SnapshotScope& scope, const SchemaSnapshot& schema);

// All members: any thread outside the database's executors. A snapshot that is discarded is removed
// when it is let go of; others stay until the database's own rule removes them.
class DatabaseSnapshotSource final : public SnapshotSource {
 public:
  // `fs` is rooted at the database's root; both outlive the source and its snapshots.
  DatabaseSnapshotSource(Database& database, FileSystem& fs) : database_(database), fs_(fs) {}

  // A stop leaves the snapshot under way to the database.
  Result<std::unique_ptr<HeldSnapshot>> Take(const SnapshotScope& scope,
                                             std::stop_token stop) override;
  Result<std::unique_ptr<HeldSnapshot>> Hold(std::string_view id) override;

 private:
  Database& database_;
  FileSystem& fs_;
};

}  // namespace ficus
