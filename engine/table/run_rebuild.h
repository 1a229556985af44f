// What a shard still knows of its series when an index run is lost: its parts carry the entries
// that came with their rows.
#pragma once

#include <cstdint>
#include <vector>

#include "engine/base/result.h"
#include "engine/table/snapshot.h"

namespace ficus {

struct SurvivingEntries {
  // In parts, but in no run that can be read. Ascending by (subject, series), distinct.
  std::vector<SeriesEntry> missing;
  // Series that have rows in some part, and an entity nowhere.
  uint64_t nameless = 0;
};

// Reads the entries of every part and run of `snapshot`, those of the runs again for each part, and
// the series of every block; blocks of several series are decoded. Holds what is missing and
// nothing else of the entries. kCorruption names the part or run that cannot be read.
Result<SurvivingEntries> FindSurvivingEntries(const Snapshot& snapshot);

}  // namespace ficus
