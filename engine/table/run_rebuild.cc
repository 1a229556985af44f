#include "engine/table/run_rebuild.h"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

namespace ficus {
namespace {

using Key = std::pair<SubjectId, SeriesId>;

Result<std::set<Key>> SeriesOfBlock(const Part& part, const BlockHeader& header) {
  std::set<Key> series = {{header.subject, header.first_series},
                          {header.subject, header.last_series}};
  if (header.series <= series.size()) return series;
  ASSIGN_OR_RETURN(const RowBatch rows, part.ReadBlock(header, FileClass::kRecovery));
  for (const SeriesId id : rows.series) series.insert({header.subject, id});
  return series;
}

}  // namespace

Result<SurvivingEntries> FindSurvivingEntries(const Snapshot& snapshot) {
  std::set<Key> in_runs;
  for (const SnapshotRun& run : snapshot.runs) {
    RETURN_IF_ERROR(run.run->ScanAll([&](const SeriesEntry& entry) {
      in_runs.insert({entry.subject, entry.series});
      return Ok();
    }));
  }
  std::map<Key, std::string> missing;
  for (const SnapshotPart& part : snapshot.parts) {
    ASSIGN_OR_RETURN(std::vector<SeriesEntry> carried,
                     part.part->ReadSeriesEntries(FileClass::kRecovery));
    for (SeriesEntry& entry : carried) {
      const Key key(entry.subject, entry.series);
      if (!in_runs.contains(key)) missing.emplace(key, std::move(entry.entity));
    }
  }
  SurvivingEntries surviving;
  std::set<Key> nameless;
  for (const SnapshotPart& part : snapshot.parts) {
    ASSIGN_OR_RETURN(const std::unique_ptr<Part::Blocks> blocks,
                     part.part->ListBlocks(FileClass::kRecovery));
    for (;;) {
      BlockHeader header;
      ASSIGN_OR_RETURN(const bool found, blocks->Next(header));
      if (!found) break;
      ASSIGN_OR_RETURN(const std::set<Key> series, SeriesOfBlock(*part.part, header));
      for (const Key& key : series) {
        if (!in_runs.contains(key) && !missing.contains(key)) nameless.insert(key);
      }
    }
  }
  surviving.nameless = nameless.size();
  for (auto& [key, entity] : missing) {
    surviving.missing.push_back({key.first, key.second, std::move(entity)});
  }
  return surviving;
}

}  // namespace ficus
