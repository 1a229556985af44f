#include "engine/table/run_rebuild.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "engine/part/entry_table.h"
#include "engine/part/merge.h"

namespace ficus {
namespace {

Result<> AddRuns(const Snapshot& snapshot, EntryCursors& cursors) {
  for (const SnapshotRun& run : snapshot.runs) {
    ASSIGN_OR_RETURN(auto entries, run.run->ListEntries(FileClass::kRecovery));
    cursors.push_back(std::move(entries));
  }
  return Ok();
}

Result<> AddCarried(const Snapshot& snapshot, EntryCursors& cursors) {
  for (const SnapshotPart& part : snapshot.parts) {
    ASSIGN_OR_RETURN(auto entries, part.part->ListSeriesEntries(FileClass::kRecovery));
    cursors.push_back(std::move(entries));
  }
  return Ok();
}

// The series that have rows in a part, as entries without an entity.
class SeriesWithRows final : public EntryCursor {
 public:
  explicit SeriesWithRows(std::unique_ptr<Part::Blocks> blocks) : blocks_(std::move(blocks)) {}

  Result<bool> Next(SeriesEntry& entry) override {
    for (;;) {
      while (next_ < series_.size()) {
        const SeriesKey key = {subject_, series_[next_++]};
        if (last_ == key) continue;
        last_ = key;
        entry = {key.subject, key.series, {}};
        return true;
      }
      ASSIGN_OR_RETURN(const bool found, NextBlock());
      if (!found) return false;
    }
  }

 private:
  Result<bool> NextBlock() {
    BlockHeader header;
    ASSIGN_OR_RETURN(const bool found, blocks_->Next(header));
    if (!found) return false;
    next_ = 0;
    subject_ = header.subject;
    series_ = {header.first_series, header.last_series};
    if (header.series <= 2) return true;
    ASSIGN_OR_RETURN(RowBatch rows, blocks_->Read());
    series_ = std::move(rows.series);
    return true;
  }

  const std::unique_ptr<Part::Blocks> blocks_;
  SubjectId subject_;
  std::vector<SeriesId> series_;  // of a block, ascending
  size_t next_ = 0;
  std::optional<SeriesKey> last_;
};

Result<> AddSeriesWithRows(const Snapshot& snapshot, EntryCursors& cursors) {
  for (const SnapshotPart& part : snapshot.parts) {
    ASSIGN_OR_RETURN(auto blocks, part.part->ListBlocks(FileClass::kRecovery));
    cursors.push_back(std::make_unique<SeriesWithRows>(std::move(blocks)));
  }
  return Ok();
}

// The union of `inputs` without the series that one of `known` has.
class EntriesWithout final : public EntryCursor {
 public:
  EntriesWithout(EntryCursors inputs, EntryCursors known)
      : inputs_(MergeEntries(std::move(inputs), TwoEntities::kSilent)),
        known_(MergeEntries(std::move(known), TwoEntities::kSilent)) {}

  Result<bool> Next(SeriesEntry& entry) override {
    for (;;) {
      ASSIGN_OR_RETURN(const bool found, inputs_->Next(entry));
      if (!found) return false;
      ASSIGN_OR_RETURN(const bool is_known, IsKnown(KeyOf(entry)));
      if (!is_known) return true;
    }
  }

 private:
  // Of keys in ascending order.
  Result<bool> IsKnown(const SeriesKey& key) {
    while (!at_end_ && (!has_entry_ || KeyOf(entry_) < key)) {
      ASSIGN_OR_RETURN(has_entry_, known_->Next(entry_));
      at_end_ = !has_entry_;
    }
    return !at_end_ && KeyOf(entry_) == key;
  }

  const std::unique_ptr<EntryCursor> inputs_;
  const std::unique_ptr<EntryCursor> known_;
  SeriesEntry entry_;  // of `known_`, the last one read
  bool has_entry_ = false;
  bool at_end_ = false;
};

}  // namespace

Result<std::unique_ptr<EntryCursor>> ListSurvivingEntries(const Snapshot& snapshot) {
  EntryCursors carried;
  EntryCursors known;
  RETURN_IF_ERROR(AddCarried(snapshot, carried));
  RETURN_IF_ERROR(AddRuns(snapshot, known));
  return std::unique_ptr<EntryCursor>(
      std::make_unique<EntriesWithout>(std::move(carried), std::move(known)));
}

Result<uint64_t> CountNamelessSeries(const Snapshot& snapshot) {
  EntryCursors with_rows;
  EntryCursors known;
  RETURN_IF_ERROR(AddSeriesWithRows(snapshot, with_rows));
  RETURN_IF_ERROR(AddCarried(snapshot, known));
  RETURN_IF_ERROR(AddRuns(snapshot, known));
  EntriesWithout nameless(std::move(with_rows), std::move(known));
  uint64_t count = 0;
  for (SeriesEntry entry;;) {
    ASSIGN_OR_RETURN(const bool found, nameless.Next(entry));
    if (!found) return count;
    ++count;
  }
}

size_t RebuildMemoryBytes(const Snapshot& snapshot) {
  std::vector<std::shared_ptr<const Part>> parts;
  std::vector<std::shared_ptr<const IndexRun>> runs;
  for (const SnapshotPart& part : snapshot.parts) parts.push_back(part.part);
  for (const SnapshotRun& run : snapshot.runs) runs.push_back(run.run);
  // A merge of all of it reads the same, and writes more.
  return MergeMemoryBytes(parts) + MergeMemoryBytes(runs);
}

}  // namespace ficus
