// Messages of a measure query to the query room's values, and its answer back.
#pragma once

#include "banyandb/measure/v1/query.pb.h"
#include "engine/base/result.h"
#include "engine/query/measure_answer.h"
#include "engine/query/measure_query.h"
#include "engine/query/query_trace.h"

namespace ficus {

// kInvalidArgument: a rule of the protocol is broken, or a time of the range is no valid one, with
// BanyanDB's texts. kUnimplemented: a field that this build does not know, where it would change
// rows.
Result<MeasureQuery> FromMessage(const banyandb::measure::v1::QueryRequest& request);

// Appends the rows from `begin` to before `end` to the answer; names come from `shape`.
void AddRows(const MeasureRowShape& shape, const MeasureRowBatch& rows, size_t begin, size_t end,
             banyandb::measure::v1::QueryResponse& response);

void ToMessage(const QuerySpan& span, banyandb::common::v1::Span& message);

}  // namespace ficus
