// From the names of a query to the columns, entities and conditions of each group: every mistake of
// a request is found here, before anything is read.
#pragma once

#include <memory>
#include <string>

#include "engine/base/clock.h"
#include "engine/base/result.h"
#include "engine/query/measure_answer.h"
#include "engine/query/measure_query.h"
#include "engine/query/plan_budget.h"
#include "engine/schema/schema_snapshot.h"

namespace ficus {

struct MeasurePlanDetail;

// Immutable; keeps the schema it was made against. Copies are cheap. Threads: any.
class PlannedMeasureQuery {
 public:
  explicit PlannedMeasureQuery(std::shared_ptr<const MeasurePlanDetail> detail);

  const MeasureRowShape& shape() const;
  // The steps, outermost first, for the trace and for people.
  std::string ToText() const;
  const MeasurePlanDetail& detail() const { return *detail_; }

 private:
  std::shared_ptr<const MeasurePlanDetail> detail_;
};

// `now` decides which index rule bindings are in force.
//
// kUnknown: what BanyanDB answers with gRPC's code UNKNOWN, with its text, ready to be sent: an
// unknown measure, a tag without an index rule, a field that is not there. kUnimplemented: MATCH,
// order by an index rule, measures in index mode. kInvalidArgument: no group, no name, a condition
// without a value, a tree beyond its bounds. kResourceExhausted, kCancelled, kDeadlineExceeded: by
// `limits`.
Result<PlannedMeasureQuery> PlanMeasureQuery(MeasureQuery query,
                                             std::shared_ptr<const SchemaSnapshot> schema,
                                             UnixNanos now, const PlanLimits& limits = {});

}  // namespace ficus
