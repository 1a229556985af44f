// Puts the rows of several sorted inputs into one order, run by run, without copying them.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "engine/base/result.h"
#include "engine/model/row_batch.h"
#include "engine/part/primary_index.h"
#include "engine/part/row_range.h"

namespace ficus {

// What identifies a row, in the order of rows.
struct RowKey {
  SeriesKey series;
  UnixNanos time = 0;
  friend auto operator<=>(const RowKey&, const RowKey&) = default;
};

inline RowKey KeyOfRow(const RowBatch& rows, size_t row) {
  return {{rows.subject, rows.series[row]}, rows.timestamps[row]};
}

// One sorted input, a run of rows at a time. A run may stand unread: its rows are not there yet,
// only bounds of them.
class RunInput {
 public:
  virtual ~RunInput() = default;

  // Moves on to the next run; false at the end.
  Result<bool> Advance();
  // Makes the rows of the unread run available.
  Result<> Load();
  // The unread run goes elsewhere as it is; `last` is not below its last row, and what follows must
  // be above. kCorruption when the run itself is not above what came before.
  Result<> Pass(const RowKey& last);

  // Null while the run is unread.
  const RowBatch* rows() const { return rows_; }
  // The next row of the run, and the end of the run.
  size_t at() const { return at_; }
  size_t end() const { return end_; }
  // No row of the run is left. Its rows may then be taken away.
  bool exhausted() const { return exhausted_; }
  // Of the next row; of an unread run, not above its first row.
  const RowKey& key() const { return key_; }
  // Of an unread run: not below its last row.
  const RowKey& last() const { return last_; }
  // Rows up to `end` have come out.
  void Take(size_t end);

 protected:
  struct Run {
    const RowBatch* rows = nullptr;
    RowRange range;  // of *rows
    RowKey first;    // bounds, for an unread run
    RowKey last;
  };
  // Fills in the next run, which has rows; false at the end.
  virtual Result<bool> NextRun(Run& run) = 0;
  // The rows of the unread run, at least one; valid until the next call.
  virtual Result<const RowBatch*> ReadRun() = 0;
  // What to say of an input whose rows are out of order.
  virtual Error Unsorted() const = 0;

 private:
  Result<> SetRows(const RowBatch* rows, RowRange range);

  const RowBatch* rows_ = nullptr;
  size_t at_ = 0;
  size_t end_ = 0;
  bool exhausted_ = false;
  RowKey key_;
  RowKey last_;
  bool has_taken_ = false;
  RowKey taken_;  // not below any row that has come out
};

// Inputs come oldest first in log order. Of rows with equal keys only the winner comes out: the
// highest version, then the oldest input. After an error nothing more can be had. One thread.
class RunMerger {
 public:
  explicit RunMerger(std::vector<std::unique_ptr<RunInput>> inputs) : inputs_(std::move(inputs)) {}

  struct Step {
    RunInput* input = nullptr;
    // Rows of *input->rows(), taken already. Empty for an unread run that no other input overlaps:
    // the caller then says Skip, having dealt with it, or input->Load().
    RowRange rows;
    bool is_unread() const { return input->rows() == nullptr; }
  };
  // False at the end. The step, and the rows it names, are valid until the next call.
  Result<bool> Next(Step& step);
  // Leaves the unread run of the last step behind.
  Result<> Skip() { return AdvanceTop(); }

  // The input that comes next, the one of the last step left out; null when there is none.
  const RunInput* Other() const;

 private:
  // What the order needs of an input, side by side in memory.
  struct Slot {
    RowKey key;
    bool is_read = false;
    uint32_t input = 0;
  };
  static bool Before(const Slot& a, const Slot& b);
  Slot SlotOf(size_t input) const;

  Result<> Start();
  Result<> AdvanceTop();
  void RemoveTop();
  // The input on top has another key.
  void Settle();
  // Moves the slot on top down to where it belongs.
  void SiftDown();
  // All inputs with the lowest key are read: lets go of the rows that lose.
  Result<> DropLosers();

  std::vector<std::unique_ptr<RunInput>> inputs_;
  std::vector<Slot> heap_;  // the lowest first
  bool started_ = false;
};

}  // namespace ficus
