// The rows of several sorted batches of one subject in one order, for a flush.
#pragma once

#include <functional>
#include <span>

#include "engine/base/result.h"
#include "engine/model/row_batch.h"
#include "engine/part/row_range.h"

namespace ficus {

// Rows of one series; valid while the batches are. An error ends the walk with it.
using RunVisitor = std::function<Result<>(const RowBatch& batch, RowRange rows)>;

// Visits the rows of `batches`, run by run, in the order of rows. Each batch is sorted and without
// losers; they come oldest first in log order. Of rows with equal series and timestamp only the
// winner is visited: the highest version, then the oldest batch.
//
// Mem parts hold few rows of each of many series. So the runs are distributed by their series ids,
// which are hashes, a slice of all ids at a time; a heap would be asked for each run (RunMerger is,
// where runs of one series overlap in time).
Result<> VisitInOrder(std::span<const RowBatch* const> batches, const RunVisitor& visit);

}  // namespace ficus
