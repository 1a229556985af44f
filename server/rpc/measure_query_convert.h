// The message of a measure query to the query room's values, and the trace of one back.
#pragma once

#include "banyandb/measure/v1/query.pb.h"
#include "engine/base/result.h"
#include "engine/query/measure_query.h"
#include "engine/query/query_trace.h"

namespace ficus {

// kInvalidArgument: a rule of the protocol is broken, or a time of the range is no valid one, with
// BanyanDB's texts. kUnimplemented: a field that this build does not know, where it would change
// rows.
Result<MeasureQuery> FromMessage(const banyandb::measure::v1::QueryRequest& request);

void ToMessage(const QuerySpan& span, banyandb::common::v1::Span& message);

}  // namespace ficus
