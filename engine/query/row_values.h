// Single values out of columns and series keys, and what they weigh.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>
#include <vector>

#include "engine/base/result.h"
#include "engine/model/column.h"
#include "engine/model/tag_value.h"
#include "engine/query/compiled_criteria.h"
#include "engine/query/entity_view.h"

namespace ficus {

// Numbers by which rows are put into the order of a field: ascending (rank, number) is ascending
// null, NaN, values; or the other way round with `descending`.
struct NumberOrder {
  uint8_t rank = 0;
  uint64_t number = 0;
  friend auto operator<=>(const NumberOrder&, const NumberOrder&) = default;
};
NumberOrder OrderOf(const TagValue& value, bool descending);
NumberOrder OrderOf(const ColumnValues* column, size_t row, bool descending);

// Ascending as the timestamps, or the other way round.
inline uint64_t OrderOfTime(UnixNanos time, bool descending) {
  const uint64_t ascending = static_cast<uint64_t>(time) ^ (uint64_t{1} << 63);
  return descending ? ~ascending : ascending;
}
inline UnixNanos TimeOfOrder(uint64_t order, bool descending) {
  return static_cast<UnixNanos>((descending ? ~order : order) ^ (uint64_t{1} << 63));
}

}  // namespace ficus
