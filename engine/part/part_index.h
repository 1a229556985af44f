// A part's index in memory: the sparse index; primary blocks are in the block cache.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/base/memory_ledger.h"
#include "engine/base/mutex.h"
#include "engine/base/result.h"
#include "engine/io/file_system.h"
#include "engine/model/ids.h"
#include "engine/part/block_header.h"
#include "engine/part/file_window.h"
#include "engine/part/primary_index.h"
#include "engine/part/section_file.h"

namespace ficus {

using SparseIndex = std::vector<PrimaryEntry>;
using PrimaryBlock = std::vector<BlockHeader>;

// What is cached is charged to the ledger it was read with (MemoryConsumer::kCaches); where the
// ledger refuses, the index is read again by the next one. All members: any thread; no lock is held
// during a read.
class PartIndex {
 public:
  // `footer` names the sections that every part has; `owner` is the part's in the block cache.
  PartIndex(FileNumber number, uint64_t owner, const SectionFooter& footer);

  // With `ledger` null nothing is kept.
  Result<std::shared_ptr<const SparseIndex>> Load(File& file, MemoryLedger* ledger) const;

  // The primary block of `entry`, one of the sparse index. `window` reads the primary section.
  Result<std::shared_ptr<const PrimaryBlock>> LoadPrimary(FileWindow& window,
                                                          const PrimaryEntry& entry,
                                                          MemoryLedger* ledger) const;

  uint64_t data_end() const { return data_.offset + data_.bytes; }
  uint64_t primary_end() const { return primary_.offset + primary_.bytes; }
  const Section& data() const { return data_; }

 private:
  const FileNumber number_;
  const uint64_t owner_;
  const Section data_;
  const Section primary_;
  const Section meta_;

  mutable Mutex mutex_;
  mutable std::shared_ptr<const SparseIndex> sparse_ GUARDED_BY(mutex_);
  mutable MemoryReservation sparse_memory_ GUARDED_BY(mutex_);
};

}  // namespace ficus
