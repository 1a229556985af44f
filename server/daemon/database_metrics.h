// What the database says about itself, as metrics.
#pragma once

#include <memory>

#include "engine/base/metrics.h"
#include "engine/database/database.h"

namespace ficus {

// ficus_parts, ficus_mem_parts, ficus_rows, ficus_file_rows, ficus_file_bytes,
// ficus_mem_part_bytes, ficus_wal_bytes, ficus_damaged_files, ficus_parked_batches,
// ficus_shard_parts_max, ficus_read_only. Computed at each scrape. `database` outlives the handle.
std::shared_ptr<void> AddDatabaseMetrics(MetricRegistry& registry, Database& database);

}  // namespace ficus
