// Series entries one after another, however many there are: what parts, index runs and mem parts
// carry, and the union of several.
#pragma once

#include <memory>
#include <vector>

#include "engine/base/result.h"
#include "engine/model/row_batch.h"

namespace ficus {

// Ascending by (subject, series), each series once. One thread.
class EntryCursor {
 public:
  virtual ~EntryCursor() = default;
  // False at the end. After an error nothing more can be had.
  virtual Result<bool> Next(SeriesEntry& entry) = 0;
};

using EntryCursors = std::vector<std::unique_ptr<EntryCursor>>;

// Entries in memory, in order; they outlive the cursor.
std::unique_ptr<EntryCursor> CursorOver(const std::vector<SeriesEntry>& entries);

// An id has one entity, unless two series that collide were written before either was known. Then
// the rows of both are under it, and there is no telling them apart.
enum class TwoEntities { kLogged, kSilent };

// The union of `inputs`, oldest in log order first. Of a series with two entities the older one
// stays.
std::unique_ptr<EntryCursor> MergeEntries(EntryCursors inputs, TwoEntities two_entities);

}  // namespace ficus
