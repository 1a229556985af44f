// Brings the files of a plan to their places in the store: several at a time, each verified before
// it is sent and counted only when the store has all of it.
#pragma once

#include <cstddef>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "engine/base/mutex.h"
#include "engine/base/result.h"
#include "server/backup/plan.h"
#include "server/backup/run_journal.h"
#include "server/backup/run_progress.h"
#include "server/backup/snapshot_source.h"
#include "server/remote/object_store.h"

namespace ficus {

struct TransferSettings {
  size_t concurrency = 4;
  // Goes on without a file that is damaged on the disk; otherwise that ends the transfer.
  bool allow_missing = false;
};

// Memory: a chunk of a file and what the store needs, times the concurrency; checksums of 4 bytes
// for each 256 KiB of a file under way.
class Transfer {
 public:
  Transfer(ObjectStore& store, HeldSnapshot& snapshot, RunJournal& journal, RunProgress& progress,
           TransferSettings settings)
      : store_(store),
        snapshot_(snapshot),
        journal_(journal),
        progress_(progress),
        settings_(settings) {}

  // Blocks; starts threads of its own and joins them. Fills in the hashes of `plan`. The first
  // error ends it: kCorruption names the local file and the bytes that are damaged.
  Result<> Run(BackupPlan& plan, std::stop_token stop);

  // Of files that were left out, by key: why.
  const std::vector<std::pair<std::string, std::string>>& missing() const { return missing_; }

 private:
  Result<> Move(PlannedFile& file, std::stop_token stop);
  Result<bool> TryCopy(PlannedFile& file, std::stop_token stop);
  Result<> Send(PlannedFile& file, std::stop_token stop);
  Result<> PutWhole(const PlannedFile& file, const ObjectSource& source, std::stop_token stop);

  ObjectStore& store_;
  HeldSnapshot& snapshot_;
  RunJournal& journal_;
  RunProgress& progress_;
  const TransferSettings settings_;

  Mutex mutex_;
  std::vector<std::pair<std::string, std::string>> missing_;  // guarded while threads run
};

}  // namespace ficus
