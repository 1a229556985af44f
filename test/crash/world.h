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
  NodeRows rows;

  friend bool operator==(const World&, const World&) = default;
  std::string ToString() const;
};

// Reads everything through the tables, each row once. The error names what cannot be read, what is
// damaged, and why the node takes no writes.
Result<World> ReadWorld(Database& database, MemoryLedger& ledger);

// What must hold of the files below the shards: no name that a manifest does not know, no name
// missing, no temporary file. After everything is flushed and the garbage is gone.
Result<> CheckFiles(Database& database, FileSystem& fs);

}  // namespace ficus
