#include "engine/table/run_rebuild.h"

#include <algorithm>
#include <memory>
#include <set>
#include <utility>

#include "engine/part/entry_cursor.h"
#include "engine/part/entry_table.h"

namespace ficus {
namespace {

Result<EntryCursors> ListRuns(const Snapshot& snapshot) {
  EntryCursors cursors;
  for (const SnapshotRun& run : snapshot.runs) {
    ASSIGN_OR_RETURN(auto entries, run.run->ListEntries(FileClass::kRecovery));
    cursors.push_back(std::move(entries));
  }
  return cursors;
}

Result<std::unique_ptr<EntryCursor>> ListCarried(const Snapshot& snapshot) {
  EntryCursors cursors;
  for (const SnapshotPart& part : snapshot.parts) {
    ASSIGN_OR_RETURN(auto entries, part.part->ListSeriesEntries(FileClass::kRecovery));
    cursors.push_back(std::move(entries));
  }
  return MergeEntries(std::move(cursors), TwoEntities::kSilent);
}

// Whether keys that come in ascending order have an entry. Holds one entry, however many there are.
class AscendingLookup {
 public:
  explicit AscendingLookup(EntryCursors entries)
      : entries_(MergeEntries(std::move(entries), TwoEntities::kSilent)) {}

  Result<bool> Contains(const SeriesKey& key) {
    while (!at_end_ && (!has_entry_ || KeyOf(entry_) < key)) {
      ASSIGN_OR_RETURN(has_entry_, entries_->Next(entry_));
      at_end_ = !has_entry_;
    }
    return !at_end_ && KeyOf(entry_) == key;
  }

 private:
  const std::unique_ptr<EntryCursor> entries_;
  SeriesEntry entry_;
  bool has_entry_ = false;
  bool at_end_ = false;
};

// What the parts carry and no run has.
Result<std::vector<SeriesEntry>> FindMissing(const Snapshot& snapshot) {
  ASSIGN_OR_RETURN(const auto carried, ListCarried(snapshot));
  ASSIGN_OR_RETURN(EntryCursors runs, ListRuns(snapshot));
  AscendingLookup in_runs(std::move(runs));
  std::vector<SeriesEntry> missing;
  for (SeriesEntry entry;;) {
    ASSIGN_OR_RETURN(const bool found, carried->Next(entry));
    if (!found) return missing;
    ASSIGN_OR_RETURN(const bool has_it, in_runs.Contains(KeyOf(entry)));
    if (!has_it) missing.push_back(std::move(entry));
  }
}

// Ascending, distinct.
Result<std::vector<SeriesId>> SeriesOfBlock(const Part& part, const BlockHeader& header) {
  if (header.series == 1) return std::vector{header.first_series};
  if (header.series == 2) return std::vector{header.first_series, header.last_series};
  ASSIGN_OR_RETURN(RowBatch rows, part.ReadBlock(header, FileClass::kRecovery));
  rows.series.erase(std::unique(rows.series.begin(), rows.series.end()), rows.series.end());
  return std::move(rows.series);
}

// Adds to `nameless` the series of the part that have no entry in `known`.
Result<> FindNameless(const Part& part, AscendingLookup known, std::set<SeriesKey>& nameless) {
  ASSIGN_OR_RETURN(const std::unique_ptr<Part::Blocks> blocks,
                   part.ListBlocks(FileClass::kRecovery));
  for (BlockHeader header;;) {
    ASSIGN_OR_RETURN(const bool found, blocks->Next(header));
    if (!found) return Ok();
    ASSIGN_OR_RETURN(const std::vector<SeriesId> series, SeriesOfBlock(part, header));
    for (const SeriesId id : series) {
      const SeriesKey key = {header.subject, id};
      ASSIGN_OR_RETURN(const bool is_known, known.Contains(key));
      if (!is_known) nameless.insert(key);
    }
  }
}

}  // namespace

Result<SurvivingEntries> FindSurvivingEntries(const Snapshot& snapshot) {
  SurvivingEntries surviving;
  ASSIGN_OR_RETURN(surviving.missing, FindMissing(snapshot));
  std::set<SeriesKey> nameless;
  for (const SnapshotPart& part : snapshot.parts) {
    ASSIGN_OR_RETURN(EntryCursors known, ListRuns(snapshot));
    known.push_back(CursorOver(surviving.missing));
    RETURN_IF_ERROR(FindNameless(*part.part, AscendingLookup(std::move(known)), nameless));
  }
  surviving.nameless = nameless.size();
  return surviving;
}

}  // namespace ficus
