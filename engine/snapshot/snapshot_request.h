// Which groups a snapshot is to hold.
#pragma once

#include <string>
#include <vector>

#include "engine/model/catalog.h"

namespace ficus {

// Without items: every group of every catalog. Otherwise the groups that are named; a catalog that
// is not named is left out. The schemas are always in.
struct SnapshotRequest {
  struct Item {
    Catalog catalog = Catalog::kMeasure;
    std::string group;  // empty: every group of the catalog
  };
  std::vector<Item> items;
};

}  // namespace ficus
