// The schema objects as rows of the group `_schema`: read at start, written with every change.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/base/memory_ledger.h"
#include "engine/base/result.h"
#include "engine/database/row_router.h"
#include "engine/schema/schema_registry.h"
#include "engine/segment/group_store.h"
#include "engine/table/snapshot.h"

namespace ficus {

struct StoredSchema {
  std::vector<SchemaObject> objects;
  int64_t revision = 0;  // highest ever given, that of deletions included
};

// Opens the table of `_schema`. An error when that fails, or its newest manifest cannot be read,
// for a reason that may pass: an older one knows less, and a start must not go on with that. Damage
// is left to ReadStoredSchema().
Result<> OpenSchemaTable(GroupStore& schema_group);

// Everything `_schema` holds. kCorruption: a part or run of it is damaged, or a row is foreign; a
// schema is never read in part.
Result<StoredSchema> ReadStoredSchema(GroupStore& schema_group, MemoryLedger& ledger);
// The same of a snapshot of its table that has no damage.
Result<StoredSchema> ReadStoredSchema(const Snapshot& snapshot, MemoryLedger& ledger);

// The rows of a change, routed to the one table of `_schema`.
Result<std::vector<Routed>> RouteSchemaChange(GroupStore& schema_group, const SchemaChange& change);

}  // namespace ficus
