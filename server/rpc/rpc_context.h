// What every service of the RPC server works with. Outlives the server.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>

#include "engine/base/clock.h"
#include "engine/base/memory_ledger.h"
#include "engine/base/metrics.h"
#include "engine/base/random.h"
#include "engine/database/database.h"
#include "engine/query/measure_execution.h"
#include "engine/runtime/executor.h"

namespace ficus {

struct RpcContext {
  Database& database;
  Clock& clock;
  RandomSource& random;
  MemoryLedger& ledger;
  MetricRegistry& metrics;
  Executor& write_executor;  // hands rows to the database; may wait for the disk
  Executor& query_executor;
  // These two may change while the server runs.
  std::atomic<int64_t> query_timeout_nanos = 60 * kNanosPerSecond;
  std::atomic<DamagedParts> damaged_parts = DamagedParts::kFail;
  int64_t future_nanos_max = kNanosPerDay;
  std::string api_version = "0.10";
  std::string build_revision;
  std::string node_name;
  std::string grpc_address;  // "<name>:17912": what GetCurrentNode tells
  std::string http_address;
  std::map<std::string, std::string> labels;
};

}  // namespace ficus
