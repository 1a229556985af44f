// Which files that cannot be read a query met, and whether it may go on without them.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "engine/base/result.h"
#include "engine/query/measure_execution.h"
#include "engine/query/query_trace.h"
#include "engine/table/snapshot.h"
#include "engine/table/ts_table.h"

namespace ficus {

// One per query and thread.
class DamageLog {
 public:
  explicit DamageLog(DamagedParts policy) : policy_(policy) {}

  bool may_skip() const { return policy_ == DamagedParts::kSkip; }

  // kCorruption under kFail when a file that is set aside may hold rows of `times`; under kSkip a
  // note in the trace.
  Result<> Check(const std::vector<DamagedFile>& damaged, const TimeRange& times, QueryStep& step);

  // `snapshot`, checked, without the files that this query could not read.
  Result<std::shared_ptr<const Snapshot>> Admit(std::shared_ptr<const Snapshot> snapshot,
                                                const TimeRange& times, QueryStep& step);

  // After `error` came out of `snapshot`: has the table look for damage when it is kCorruption.
  // Returns the error, or, for kCorruption and kIo under kSkip, success once the files that cannot
  // be read are known: the query can start over without them. Reads whole files: `goes_on` is asked
  // before each, and its error is the end.
  Result<> Met(const Error& error, TsTable& table, const Snapshot& snapshot,
               const std::function<Result<>()>& goes_on);

 private:
  const DamagedParts policy_;
  std::set<std::string> excluded_;  // paths
};

}  // namespace ficus
