// What an aggregation keeps per group, and loops over whole columns that feed it.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "engine/model/column.h"
#include "engine/model/tag_value.h"
#include "engine/part/block_header.h"
#include "engine/query/measure_query.h"

namespace ficus {

// Null and, for MIN and MAX, NaN values do not count, except that only NaN gives NaN.
//
// Integer sums wrap around at 64 bits. MEAN of integers is the truncated quotient; a mean below 1
// is raised to 1, and is 0 without a value, as BanyanDB has it. MIN and MAX without a value are
// null, SUM and COUNT 0. COUNT has the type of the field.
struct Accumulator {
  uint64_t count = 0;
  uint64_t word = 0;  // sum or extreme, as the bits of the field's type
};

// Adds rows [begin, end) of `column`, an int64 or float64 column. `matches` by row - begin; null:
// every row.
void Accumulate(Accumulator& accumulator, AggregationFunction function, const ColumnValues& column,
                size_t begin, size_t end, const uint8_t* matches);

// Adds all values of a block by what its header says of them. False, and nothing was added, where
// that is not enough.
bool AccumulateBounds(Accumulator& accumulator, AggregationFunction function,
                      const BlockColumn& column);

// The value of the group; `type` is the field's.
TagValue Finish(const Accumulator& accumulator, AggregationFunction function, ColumnType type);

}  // namespace ficus
