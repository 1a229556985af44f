// From rows with keys to rows with a place: which segment, which shard, and whether the series must
// be told.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "engine/base/error.h"
#include "engine/base/result.h"
#include "engine/index/series_set.h"
#include "engine/model/keyed_rows.h"
#include "engine/segment/group_store.h"
#include "engine/table/routed_rows.h"

namespace ficus {

// A row that storage refused although its message was right.
struct RefusedRow {
  uint32_t ordinal = 0;
  ErrorCode code = ErrorCode::kIo;
};

// Rows for one table, which stays open as long as this lives.
struct Routed {
  // Holds the claims too: whoever keeps it until the rows are introduced keeps the ids of their new
  // series from other entities.
  std::shared_ptr<TsTable> table;
  RoutedRows rows;
  std::shared_ptr<SeriesSet::Claims> claims = nullptr;
};

// Appends to `routed` one entry per (segment, shard), and to `refused` the rows that storage cannot
// take: no segment can be made for them, their shard takes no writes, their series id belongs to
// another entity, be it known, on its way or in the same batch. May wait for the disk.
void RouteRows(GroupStore& store, KeyedRows rows, std::vector<Routed>& routed,
               std::vector<RefusedRow>& refused);

}  // namespace ficus
