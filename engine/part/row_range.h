// Runs of rows copied from one batch to another, whole columns at a time.
#pragma once

#include <cstddef>

#include "engine/base/result.h"
#include "engine/model/row_batch.h"

namespace ficus {

// Rows [begin, end) of a batch.
struct RowRange {
  size_t begin = 0;
  size_t end = 0;
  size_t rows() const { return end - begin; }
  friend bool operator==(const RowRange&, const RowRange&) = default;
};

// Adds rows of `from`, which has the same subject, to the end of `to`, column by id; columns
// missing on either side become null. kCorruption when a column has another type in `to`: the two
// do not belong to one schema.
Result<> AppendRows(RowBatch& to, const RowBatch& from, RowRange range);

// The columns of `range` only that are in `columns` (ascending).
Result<> AppendRows(RowBatch& to, const RowBatch& from, RowRange range,
                    const std::vector<ColumnId>& columns);

// Removes all rows and columns, keeps the memory of the row vectors.
void ClearRows(RowBatch& batch);

// Removes all rows, keeps the columns and all memory.
void ClearValues(RowBatch& batch);

// Removes the first `count` rows, keeps the columns.
void DropFirstRows(RowBatch& batch, size_t count);

// Upper bound of the bytes that cells take in the range: 0 without columns of cells.
size_t CellBytes(const RowBatch& batch, RowRange range);

}  // namespace ficus
