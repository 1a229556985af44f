// A WriteBatch as the transfers that it takes.
#pragma once

#include <span>
#include <utility>
#include <vector>

#include "engine/io/file_system.h"
#include "engine/io/posix_file_system.h"
#include "engine/io/transfer.h"

namespace ficus {

// Lives as long as the batch is being written; the batch must not change meanwhile.
class WritePlan {
 public:
  WritePlan(const PosixFileSystem& fs, WriteBatch& batch);

  // First the syncs, one for each synced file, then the writes. Those that are refused beforehand
  // have finished already.
  std::span<Transfer> transfers() { return transfers_; }
  // Hands the outcome of the transfers to the batch, then enforces the verdicts.
  void Deliver();

 private:
  size_t SyncOf(const File* file) const;
  void AddSync(WriteBatch::SyncOp& op, const PosixFileSystem& fs);
  void AddWrite(WriteBatch::Op& op, const PosixFileSystem& fs);

  std::vector<Transfer> transfers_;
  size_t sync_count_ = 0;
  std::vector<std::pair<Result<>*, size_t>> results_;  // which transfer decides which result
};

// `file`, which must be of `fs`.
PosixFile& PosixFileOf(File& file, const PosixFileSystem& fs);

// Finishes a transfer that the kernel would refuse or misunderstand.
void RefuseIfWrong(Transfer& transfer);

// What a finished transfer came to, and the stop of the process where that is its verdict.
Result<> OutcomeOf(const Transfer& transfer);
void EnforceOutcome(const Transfer& transfer, const Result<>& outcome);

}  // namespace ficus
