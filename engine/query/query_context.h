// What every step of one running query shares.
#pragma once

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "engine/query/measure_execution.h"
#include "engine/query/measure_plan_detail.h"

namespace ficus {

// One thread; lives as long as the query runs.
struct QueryContext {
  const MeasurePlanDetail& plan;
  const QueryEnvironment& environment;
  const QueryLimits& limits;

  MemoryLedger& ledger() const { return environment.ledger; }

  // kCancelled, kDeadlineExceeded. Called at least once per run of rows.
  Result<> CheckGoesOn() const { return ficus::CheckGoesOn(limits, environment.clock); }
};

}  // namespace ficus
