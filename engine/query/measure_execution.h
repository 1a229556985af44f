// Runs a planned measure query over the tables of its groups.
//
//     group --> segments in time order --> shards --> series --> rows --> filter
//           --> order by time | group and aggregate --> top --> offset, limit --> sink
//
// Rows stream: memory is bounded by QueryLimits::sort_bytes, by the number of groups that
// aggregation makes and by the series that a segment's criteria select, never by the rows in range.
// All of it is charged to the ledger.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>

#include "engine/base/clock.h"
#include "engine/base/memory_ledger.h"
#include "engine/base/result.h"
#include "engine/model/ids.h"
#include "engine/query/measure_answer.h"
#include "engine/query/measure_plan.h"
#include "engine/query/query_trace.h"
#include "engine/segment/group_store.h"

namespace ficus {

// Where the groups are. Threads: any.
class GroupSource {
 public:
  virtual ~GroupSource() = default;
  // Null when the group is unknown or being deleted.
  virtual std::shared_ptr<GroupStore> FindGroup(GroupId id) = 0;
};

// All of it outlives the query.
struct QueryEnvironment {
  GroupSource& groups;
  Clock& clock;
  MemoryLedger& ledger;
};

enum class DamagedParts : uint8_t {
  kFail,  // a query that needs a damaged file fails and names it
  kSkip,  // it answers from what is readable and says so in its trace
};

struct QueryLimits {
  // On Clock::Monotonic().
  int64_t deadline = std::numeric_limits<int64_t>::max();
  // Asked once per run of rows; must be quick.
  std::function<bool()> cancelled = [] { return false; };
  DamagedParts damaged_parts = DamagedParts::kFail;
  // Series that are looked up one by one because the criteria name all of their entity; beyond it
  // the series index is scanned instead.
  size_t series_lookup_max = 10'000;
  // Aggregations go by what headers say of whole blocks; false: they read every row.
  bool use_bounds = true;
  // Rows kept for ordering at a time, per group. More rows mean more passes, not more memory.
  size_t sort_bytes = size_t{32} << 20;
  // A few hundred rows are kept beyond sort_bytes, up to this. At most 1 GiB, as the next.
  size_t few_rows_bytes_max = size_t{1} << 30;
  // First rows that groups show; more is kResourceExhausted. At most 1 GiB: the cells of one column
  // are addressed by 32 bits.
  size_t first_rows_bytes_max = size_t{1} << 30;
};

// kCancelled, kDeadlineExceeded.
Result<> CheckGoesOn(const QueryLimits& limits, Clock& clock);

// Hands the answer to `sink`. Blocks on reads: for a thread of a query pool. `trace` may be null;
// when an error is returned it is marked and keeps the steps up to it.
//
// kFailedPrecondition: a group is being deleted. kCorruption: a damaged file is needed; the text
// names it. kResourceExhausted: the ledger refused. kDeadlineExceeded, kCancelled. Errors of the
// sink. After an error some batches may have been handed over already.
Result<> RunMeasureQuery(const PlannedMeasureQuery& plan, const QueryEnvironment& environment,
                         const QueryLimits& limits, MeasureRowSink& sink, QueryTrace* trace);

}  // namespace ficus
