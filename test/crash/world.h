// What a node must show: the part of its state that clients can see, as a value.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/result.h"
#include "engine/database/database.h"
#include "test/engine/database/database_harness.h"

namespace ficus {

inline constexpr const char* kWorldGroup = "sw_metric";
inline constexpr const char* kWorldMeasure = "service_cpm";

struct World {
  bool group = false;
  bool measure = false;
  uint32_t ttl_days = 0;
  std::string payload;  // of the group, as it was sent
  NodeRows rows;

  friend bool operator==(const World&, const World&) = default;
  std::string ToString() const;
};

// Reads everything through the tables, each row once. The error names what cannot be read, what is
// damaged, what could not be replayed, and why the node takes no writes.
Result<World> ReadWorld(Database& database, MemoryLedger& ledger);

// Adds the rows of one table; an error names the first file that is damaged.
Result<> ReadTable(const Snapshot& snapshot, const SchemaObject& measure, MemoryLedger& ledger,
                   NodeRows& rows);

// What must hold of the files below the shards: no name that a manifest does not know, no name
// missing, no temporary file; and of the groups: no directory that the schema does not know. After
// everything is flushed and the garbage is gone.
Result<> CheckFiles(Database& database, FileSystem& fs);

}  // namespace ficus
