#include "engine/part/merge.h"

#include <algorithm>
#include <utility>

#include "engine/base/check.h"
#include "engine/base/planted_bug.h"
#include "engine/io/file_writer.h"
#include "engine/part/entry_table.h"
#include "engine/part/mem_union.h"
#include "engine/part/row_range.h"
#include "engine/part/run_memory.h"
#include "engine/part/run_merger.h"

namespace ficus {
namespace {

// A run of the union is filled up to this many rows, unless the next rows can be handed on whole.
constexpr size_t kRunRowsTarget = 1024;
// Handing on a run whole saves copying it, but tiny runs cost their reader more.
constexpr size_t kWholeRunRowsMin = 256;
static_assert(kRunRowsTarget + kWholeRunRowsMin <= kBlockRowsMax);

class CursorInput final : public RunInput {
 public:
  explicit CursorInput(std::unique_ptr<RowCursor> cursor) : cursor_(std::move(cursor)) {}

  const ScanCost& cost() const { return cursor_->cost(); }
  // After the last row of the run was taken.
  void Swap(RowBatch& rows) { std::swap(rows, run_); }
  // The run, while it is unread.
  UnreadRun* unread() const { return unread_; }
  // What the cells of rows of the run take. Asked for each row of runs that interleave.
  size_t CellBytesOf(RowRange range) const {
    size_t bytes = 0;
    for (const ColumnValues* column : cells_) {
      bytes += column->offsets()[range.end] - column->offsets()[range.begin];
    }
    return bytes;
  }

 private:
  Result<bool> NextRun(Run& run) override {
    do {
      ASSIGN_OR_RETURN(const bool found, cursor_->NextRun(run_, unread_));
      if (!found) return false;
    } while (unread_ == nullptr && run_.rows() == 0);
    if (unread_ == nullptr) {
      FindCells();
      run.rows = &run_;
      run.range = {0, run_.rows()};
    } else {
      const BlockHeader& header = unread_->header();
      run.first = {FirstKey(header), header.times.begin};
      run.last = {LastKey(header), header.times.end - 1};
    }
    return true;
  }
  Result<const RowBatch*> ReadRun() override {
    RETURN_IF_ERROR(unread_->ReadRows(run_));
    unread_ = nullptr;
    FindCells();
    return &run_;
  }
  void FindCells() {
    cells_.clear();
    for (const ColumnValues& column : run_.columns) {
      if (!IsFixed(column.type())) cells_.push_back(&column);
    }
  }
  Error Unsorted() const override {
    return {ErrorCode::kCorruption, "a scan's rows come out of order"};
  }

  const std::unique_ptr<RowCursor> cursor_;
  RowBatch run_;
  std::vector<const ColumnValues*> cells_;  // of run_
  UnreadRun* unread_ = nullptr;
};

class MergedCursor final : public RowCursor {
 public:
  MergedCursor(std::vector<CursorInput*> cursors, std::vector<std::unique_ptr<RunInput>> inputs,
               MemoryLedger& ledger)
      : cursors_(std::move(cursors)), merger_(std::move(inputs)), memory_(ledger) {}

  Result<bool> Next(RowBatch& rows) override {
    UnreadRun* unread = nullptr;
    ASSIGN_OR_RETURN(const bool found, NextRun(rows, unread));
    if (unread != nullptr) RETURN_IF_ERROR(unread->ReadRows(rows));
    return found;
  }
  Result<bool> NextRun(RowBatch& rows, UnreadRun*& unread) override {
    CHECK(!failed_) << "a merge that failed cannot go on";
    auto filled = Fill(rows, unread);
    failed_ = !filled.has_value();
    return filled;
  }

  const ScanCost& cost() const override {
    cost_ = {};
    for (const CursorInput* cursor : cursors_) {
      const ScanCost& part = cursor->cost();
      cost_.blocks_read += part.blocks_read;
      cost_.blocks_skipped += part.blocks_skipped;
      cost_.bytes_read += part.bytes_read;
      cost_.rows_read += part.rows_read;
    }
    return cost_;
  }

 private:
  Result<bool> Fill(RowBatch& rows, UnreadRun*& unread) {
    unread = nullptr;
    ClearRows(rows);
    if (handed_on_unread_) RETURN_IF_ERROR(merger_.Skip());
    handed_on_unread_ = false;
    size_t cell_bytes = 0;
    while (rows.rows() < kRunRowsTarget && cell_bytes < kRunCellBytesTarget) {
      if (step_.rows.rows() == 0 && !has_unread_) {
        ASSIGN_OR_RETURN(const bool found, merger_.Next(step_));
        if (!found) break;
        has_unread_ = step_.is_unread();
      }
      if (has_unread_) {
        // After the rows before it.
        if (rows.rows() > 0) break;
        RETURN_IF_ERROR(HandOnUnread(unread));
        return true;
      }
      const RowBatch& run = *step_.input->rows();
      if (step_.rows.rows() == run.rows() && run.rows() >= kWholeRunRowsMin) {
        if (rows.rows() > 0) break;
        static_cast<CursorInput*>(step_.input)->Swap(rows);
        step_.rows = {};
        break;
      }
      const size_t count = std::min(step_.rows.rows(), kRunRowsTarget - rows.rows());
      const RowRange range{step_.rows.begin, step_.rows.begin + count};
      cell_bytes += static_cast<const CursorInput*>(step_.input)->CellBytesOf(range);
      if (!memory_.Covers(cell_bytes)) RETURN_IF_ERROR(memory_.Cover(cell_bytes));
      rows.subject = run.subject;
      RETURN_IF_ERROR(AppendRows(rows, run, range));
      step_.rows.begin += count;
    }
    return rows.rows() > 0;
  }

  Result<> HandOnUnread(UnreadRun*& unread) {
    auto& input = *static_cast<CursorInput*>(step_.input);
    unread = input.unread();
    has_unread_ = false;
    handed_on_unread_ = true;
    return input.Pass(input.last());
  }

  const std::vector<CursorInput*> cursors_;  // owned by merger_
  RunMerger merger_;
  RunMemory memory_;
  RunMerger::Step step_;           // its rows have not been handed on yet
  bool has_unread_ = false;        // step_ is an unread run, not handed on yet
  bool handed_on_unread_ = false;  // merger_ stands at a run that was
  bool failed_ = false;
  mutable ScanCost cost_;
};

// The blocks of a part, unread until somebody needs their rows.
class PartInput final : public RunInput {
 public:
  PartInput(const Part& part, std::unique_ptr<Part::Blocks> blocks, const MergeRules& rules)
      : part_(part), blocks_(std::move(blocks)), rules_(rules) {}

  const BlockHeader& header() const { return header_; }
  Result<RawBlock> ReadRaw() { return blocks_->ReadRaw(); }
  // Whether the last series of the block goes on in the next one.
  Result<bool> GoesOn() {
    ASSIGN_OR_RETURN(const BlockHeader* next, blocks_->Peek());
    return next != nullptr && FirstKey(*next) == LastKey(header_);
  }

 private:
  Result<bool> NextRun(Run& run) override {
    for (;;) {
      ASSIGN_OR_RETURN(const bool found, blocks_->Next(header_));
      if (!found) return false;
      if (rules_.is_live(header_.subject) && header_.times.end > rules_.drop_before) break;
    }
    run.first = {FirstKey(header_), header_.times.begin};
    run.last = {LastKey(header_), header_.times.end - 1};
    return true;
  }
  Result<const RowBatch*> ReadRun() override {
    ASSIGN_OR_RETURN(rows_, blocks_->Read());
    return &rows_;
  }
  Error Unsorted() const override {
    return {ErrorCode::kCorruption, "part " + part_.path() + ": bytes [" +
                                        std::to_string(header_.keys.offset) + ", " +
                                        std::to_string(header_.keys.offset + header_.bytes()) +
                                        "): block: its rows come before the last ones"};
  }

  const Part& part_;
  const std::unique_ptr<Part::Blocks> blocks_;
  const MergeRules& rules_;
  BlockHeader header_;
  RowBatch rows_;
};

// Writes what the rules keep. The file is begun with the first row.
class MergeOutput {
 public:
  MergeOutput(FileSystem& fs, RandomSource& random, std::string_view directory,
              const MergeRules& rules, const PartOptions& options)
      : fs_(fs), random_(random), directory_(directory), rules_(rules), options_(options) {}

  Result<> Add(const RowBatch& rows, RowRange range) {
    while (range.begin < range.end) {
      const RowRange kept = FirstKept(rows, range);
      range.begin = kept.end;
      if (kept.rows() == 0) continue;
      RETURN_IF_ERROR(Begin());
      RETURN_IF_ERROR(writer_->Add(rows, kept));
      last_ = {rows.subject, rows.series[kept.end - 1]};
    }
    return Report();
  }

  Result<> Copy(const RawBlock& block) {
    RETURN_IF_ERROR(Begin());
    RETURN_IF_ERROR(writer_->CopyBlock(block));
    last_ = LastKey(block.header);
    ++copied_;
    return Report();
  }

  // Whether rows of this series came before.
  bool Continues(const SeriesKey& series) const { return writer_ != nullptr && last_ == series; }
  size_t pending_rows() const { return writer_ == nullptr ? 0 : writer_->pending_rows(); }

  // Of `entries` those of live subjects.
  Result<MergeOutcome> Finish(EntryCursor& entries) {
    MergeOutcome outcome;
    outcome.empty = writer_ == nullptr;
    if (outcome.empty) return outcome;
    RETURN_IF_ERROR(WriteEntries(entries));
    ASSIGN_OR_RETURN(outcome.info, writer_->Finish());
    outcome.blocks_copied = copied_;
    outcome.blocks_rewritten = outcome.info.blocks - copied_;
    RETURN_IF_ERROR(rules_.progress(outcome.info.file_bytes));
    return outcome;
  }

 private:
  static constexpr size_t kReportSteps = 256;

  Result<> Begin() {
    if (writer_ != nullptr) return Ok();
    ASSIGN_OR_RETURN(writer_, PartWriter::Create(fs_, random_, directory_, options_));
    return Ok();
  }

  bool IsKept(const RowBatch& rows, size_t row) const {
    return rows.timestamps[row] >= rules_.drop_before &&
           !(rules_.drop_tombstones && rows.IsTombstone(row));
  }

  // The first rows of the range that stay together; empty, at the end of the range, when none do.
  RowRange FirstKept(const RowBatch& rows, RowRange range) const {
    const bool keeps_all = rules_.drop_before == std::numeric_limits<UnixNanos>::min() &&
                           (!rules_.drop_tombstones || rows.tombstones.empty());
    if (keeps_all) return range;
    size_t begin = range.begin;
    while (begin < range.end && !IsKept(rows, begin)) ++begin;
    size_t end = begin;
    while (end < range.end && IsKept(rows, end)) ++end;
    return {begin, end};
  }

  // Tells the caller after each block, and now and then where nothing is written.
  Result<> Report() {
    const uint64_t bytes = writer_ == nullptr ? 0 : writer_->bytes();
    if (bytes == reported_ && ++silent_steps_ < kReportSteps) return Ok();
    reported_ = bytes;
    silent_steps_ = 0;
    return rules_.progress(bytes);
  }

  Result<> WriteEntries(EntryCursor& entries) {
    for (SeriesEntry entry;;) {
      ASSIGN_OR_RETURN(const bool found, entries.Next(entry));
      if (!found) return Ok();
      if (!rules_.is_live(entry.subject)) continue;
      RETURN_IF_ERROR(writer_->AddSeriesEntry(entry));
      RETURN_IF_ERROR(Report());
    }
  }

  FileSystem& fs_;
  RandomSource& random_;
  const std::string_view directory_;
  const MergeRules& rules_;
  const PartOptions options_;
  std::unique_ptr<PartWriter> writer_;
  SeriesKey last_;
  uint64_t copied_ = 0;
  uint64_t reported_ = 0;
  size_t silent_steps_ = 0;
};

// A block this full is copied even where its series goes on.
constexpr size_t kFullRowsMin = kBlockRowsMax / 2;

// Decides between the bytes of a block and its rows.
class PartMerge {
 public:
  PartMerge(std::vector<std::unique_ptr<RunInput>> inputs, const MergeRules& rules,
            const PartOptions& options, MergeOutput& output)
      : merger_(std::move(inputs)), rules_(rules), options_(options), output_(output) {}

  Result<> Run() {
    RunMerger::Step step;
    for (;;) {
      ASSIGN_OR_RETURN(const bool found, merger_.Next(step));
      if (!found) return Ok();
      if (step.is_unread()) {
        RETURN_IF_ERROR(TakeBlock(static_cast<PartInput&>(*step.input)));
      } else {
        const RowBatch& rows = *step.input->rows();
        const bool is_last = step.rows.end == rows.rows() && rows.rows() > 1;
        if (is_last && IsPlanted(PlantedBug::kMergeDropsLastRow)) --step.rows.end;
        RETURN_IF_ERROR(output_.Add(rows, step.rows));
      }
    }
  }

 private:
  Result<> TakeBlock(PartInput& input) {
    const BlockHeader& header = input.header();
    ASSIGN_OR_RETURN(const bool goes_on, input.GoesOn());
    if (!IsWorthCopying(header, goes_on)) return input.Load();
    ASSIGN_OR_RETURN(const RawBlock raw, input.ReadRaw());
    // The times of a shared block do not bound those of its last series.
    const UnixNanos last_time =
        header.series > 1 ? std::numeric_limits<UnixNanos>::max() : header.times.end - 1;
    RETURN_IF_ERROR(input.Pass({LastKey(header), last_time}));
    RETURN_IF_ERROR(output_.Copy(raw));
    return merger_.Skip();
  }

  bool IsWorthCopying(const BlockHeader& header, bool goes_on) const {
    if (header.times.begin < rules_.drop_before) return false;
    if (rules_.drop_tombstones && header.has_tombstones) return false;
    const bool is_shared = header.series > 1;
    if (is_shared && !options_.shared_blocks) return false;
    if (!is_shared && header.rows >= kFullRowsMin) return true;
    if (header.rows < (is_shared ? kSharedRowsTarget / 2 : kSoloRowsMin)) return false;
    // Rewriting pays where the block would grow.
    const RunInput* other = merger_.Other();
    const bool joins = other != nullptr && other->key().series == LastKey(header);
    const bool cuts_short = output_.pending_rows() > 0 && output_.pending_rows() < kSoloRowsMin;
    return !goes_on && !joins && !cuts_short && !output_.Continues(FirstKey(header));
  }

  RunMerger merger_;
  const MergeRules& rules_;
  const PartOptions& options_;
  MergeOutput& output_;
};

}  // namespace

std::unique_ptr<RowCursor> MergeCursors(std::vector<std::unique_ptr<RowCursor>> inputs,
                                        MemoryLedger& ledger) {
  if (inputs.size() == 1) return std::move(inputs.front());
  std::vector<CursorInput*> cursors;
  std::vector<std::unique_ptr<RunInput>> runs;
  for (std::unique_ptr<RowCursor>& input : inputs) {
    auto cursor = std::make_unique<CursorInput>(std::move(input));
    cursors.push_back(cursor.get());
    runs.push_back(std::move(cursor));
  }
  return std::make_unique<MergedCursor>(std::move(cursors), std::move(runs), ledger);
}

std::unique_ptr<EntryCursor> EntriesOf(const std::vector<std::shared_ptr<const MemPart>>& parts,
                                       TwoEntities two_entities) {
  EntryCursors entries;
  for (const auto& part : parts) entries.push_back(CursorOver(part->entries()));
  return MergeEntries(std::move(entries), two_entities);
}

namespace {

// The chunks of the file and a block, as rows and encoded; less for a small output.
size_t OutputMemoryBytes(uint64_t output_bytes) {
  constexpr uint64_t kMost =
      FileWriter::kChunksMax * FileWriter::kChunkBytes + 2 * kBlockBytesTarget;
  // The block headers wait for the end of the file.
  constexpr uint64_t kBytesPerHeaderByte = 128;
  return static_cast<size_t>(std::min(kMost, output_bytes) + output_bytes / kBytesPerHeaderByte);
}

}  // namespace

size_t FlushMemoryBytes(const std::vector<std::shared_ptr<const MemPart>>& parts) {
  uint64_t bytes = 0;
  for (const auto& part : parts) bytes += part->memory_bytes();
  return OutputMemoryBytes(bytes);
}

size_t MergeMemoryBytes(const std::vector<std::shared_ptr<const Part>>& parts) {
  // Of each input the pieces of the file that are read ahead, and the rows of a block.
  constexpr uint64_t kWindowBytes = 576 << 10;
  constexpr uint64_t kRowBytes = 128;
  uint64_t file_bytes = 0;
  uint64_t bytes = 0;
  for (const auto& part : parts) {
    const PartInfo& info = part->info();
    file_bytes += info.file_bytes;
    bytes += std::min(kWindowBytes, info.file_bytes) +
             std::min<uint64_t>(kBlockRowsMax, info.rows) * kRowBytes +
             EntryMemoryBytes(info.series);
  }
  return static_cast<size_t>(bytes) + OutputMemoryBytes(file_bytes);
}

Result<MergeOutcome> FlushMemParts(FileSystem& fs, RandomSource& random, std::string_view directory,
                                   const std::vector<std::shared_ptr<const MemPart>>& parts,
                                   const MergeRules& rules, PartOptions options) {
  MergeOutput output(fs, random, directory, rules, options);
  const RunVisitor add = [&](const RowBatch& rows, RowRange run) { return output.Add(rows, run); };
  for (const auto& [subject, batches] : BatchesOf(parts)) {
    if (rules.is_live(subject)) RETURN_IF_ERROR(VisitInOrder(batches, add));
  }
  return output.Finish(*EntriesOf(parts, TwoEntities::kSilent));
}

Result<MergeOutcome> MergeParts(FileSystem& fs, RandomSource& random, std::string_view directory,
                                const std::vector<std::shared_ptr<const Part>>& parts,
                                EntryCursors older_entries, const MergeRules& rules,
                                PartOptions options) {
  std::vector<std::unique_ptr<RunInput>> inputs;
  for (const auto& part : parts) {
    ASSIGN_OR_RETURN(auto blocks, part->ListBlocks(options.file_class));
    inputs.push_back(std::make_unique<PartInput>(*part, std::move(blocks), rules));
  }
  MergeOutput output(fs, random, directory, rules, options);
  RETURN_IF_ERROR(PartMerge(std::move(inputs), rules, options, output).Run());
  EntryCursors entries = std::move(older_entries);
  for (const auto& part : parts) {
    ASSIGN_OR_RETURN(auto carried, part->ListSeriesEntries(options.file_class));
    entries.push_back(std::move(carried));
  }
  return output.Finish(*MergeEntries(std::move(entries), TwoEntities::kSilent));
}

}  // namespace ficus
